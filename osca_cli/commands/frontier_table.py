"""``osca plan --frontier`` in the terminal: what plans and their rivals reach, budget by budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from osca_cli.console import interval_text, percent, points, print_json, print_table, sparkline
from osca_cli.plan.frontier import Point
from osca_cli.plan.result import SCHEMA_VERSION

NAMES = {"best_pure": "best single", "uniform": "even spread"}


def show_frontier(found: Mapping[str, Sequence[Point]], *, as_json: bool) -> None:
    """Print the frontier of each task."""
    if as_json:
        tasks = [
            {"task": task, "frontier": [point.to_json() for point in some]} for task, some in found.items()
        ]
        print_json({"schema_version": SCHEMA_VERSION} | (tasks[0] if len(tasks) == 1 else {"tasks": tasks}))
        return
    for task, some in found.items():
        rivals = list(some[0].rivals) if some else []
        columns = ["budget", "plan", "95% interval"]
        for name in rivals:
            columns += [NAMES.get(name, name), "plan gains", "95% interval"]
        columns += ["draws", "USD"]
        title = f"{task}: pass rate on new problems by budget, by cross-validation"
        print_table(title, columns, [_row(point, rivals) for point in some])
        for name, rates in _curves(some, rivals).items():
            print(f"{name:12} {sparkline(rates)}")


def _row(point: Point, rivals: Sequence[str]) -> list[str]:
    row = [str(point.budget), percent(point.plan.pass_rate), interval_text(point.plan.interval)]
    for name in rivals:
        rival = point.rivals.get(name)
        if rival is None:
            row += ["–"] * 3
            continue
        gain = rival.gain
        row += [
            percent(rival.measured.pass_rate),
            points(gain.value),
            interval_text(gain.interval, signed=True),
        ]
    return [*row, f"{point.samples:.1f}", "–" if point.usd is None else f"{point.usd:.3g}"]


def _curves(some: Sequence[Point], rivals: Sequence[str]) -> dict[str, list[float | None]]:
    curves: dict[str, list[float | None]] = {"plan": [point.plan.pass_rate for point in some]}
    for name in rivals:
        curves[NAMES.get(name, name)] = [
            point.rivals[name].measured.pass_rate if name in point.rivals else None for point in some
        ]
    return curves
