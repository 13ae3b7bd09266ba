"""`osca show` in the terminal, and as rows for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from osca_cli.console import interval_text, percent, print_facts, print_table, sparkline
from osca_cli.model import Json
from osca_cli.run.standing import Defined, Standing, TaskStanding
from osca_cli.spec.prices import Price
from osca_cli.spec.types import PlannedTask

MOST_ERRORS = 3
WIDTH = 100
"""Characters of what an error said."""


def print_standing(task: TaskStanding) -> None:
    """Print how a task stands: a table of its configurations, and what is true of all."""
    shown = [
        (name, write, style)
        for name, write, style, there in COLUMNS
        if any(there(one) for one in task.configurations)
    ]
    rows = [[one.line.configuration, *(write(one) for _, write, _ in shown)] for one in task.configurations]
    styles = {name: style for name, _, style in shown if style}
    print_table(f"{task.task}: pass rates", ("configuration", *(name for name, *_ in shown)), rows, styles)
    print_facts(_facts(task))


def print_definitions(found: Sequence[Defined]) -> None:
    """Print tasks by configurations, with prices."""
    for task in dict.fromkeys(one.task for one in found):
        rows = [
            (
                one.configuration,
                one.model,
                one.prompt,
                one.parameters,
                price_text(one.price),
                f"{one.samples:,}",
                f"{one.missing:,}",
            )
            for one in found
            if one.task == task
        ]
        columns = ("configuration", "model", "prompt", "parameters", "USD", "samples", "missing")
        print_table(f"{task}: configurations", columns, rows)


def price_text(price: Price | None) -> str:
    """Write a price: of a million tokens in and out, and of a sample or second where these are charged."""
    if price is None:
        return "–"
    parts = [f"{price.input:g} in, {price.output:g} out /M"] * bool(price.input or price.output)
    parts += [f"{price.sample:g}/sample"] * bool(price.sample) + [f"{price.second:g}/s"] * bool(price.second)
    return " + ".join(parts) or "free"


def as_rows(found: Sequence[TaskStanding]) -> list[dict[str, Any]]:
    """Return an object for each configuration."""
    return [
        asdict(one.line)
        | {
            "planned": one.planned,
            "coverage": list(one.coverage),
            "by_difficulty": list(one.by_difficulty),
            "usd": one.usd,
            "usd_per_pass": one.usd_per_pass,
            "errors": one.errors,
        }
        for task in found
        for one in task.configurations
    ]


def as_tasks(found: Sequence[TaskStanding]) -> list[dict[str, Any]]:
    """Return an object for each task."""
    return [
        {
            "task": task.task,
            "problems": task.problems,
            "unsolved": task.unsolved,
            "errors": [asdict(one) for one in task.errors],
            "plans": [
                {"label": plan.label, "counts": dict(plan.counts), "expected": plan.block.get("expected")}
                for plan in task.plans
            ],
        }
        for task in found
    ]


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV; a list becomes one value, parted by spaces."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list):
        return " ".join("" if one is None else f"{one:.4g}" for one in value)
    return value


def _facts(task: TaskStanding) -> dict[str, str]:
    facts = {}
    if task.problems:
        facts["never solved"] = f"{task.unsolved:,} of {task.problems:,} training problems with samples"
    for plan in task.plans:
        facts |= _plan_facts(plan, "plan" if len(task.plans) == 1 else plan.label)
    if task.errors:
        number = sum(one.number for one in task.errors)
        facts["errors"] = f"{number:,}; " + "; ".join(
            f"{one.number:,} x {one.configuration}: {one.what[:WIDTH]}" for one in task.errors[:MOST_ERRORS]
        )
    if any(one.coverage for one in task.configurations):
        facts["bars"] = "1, 2, 4…: pass@k; easy → hard: pass rate by difficulty; · where unknown"
    return facts


def _plan_facts(plan: PlannedTask, name: str) -> dict[str, str]:
    drawn = " + ".join(f"{count} x {one}" for one, count in plan.counts.items())
    said = [drawn]
    expected, gain = _mapping(plan.block.get("expected")), _mapping(plan.block.get("gain"))
    if isinstance(rate := expected.get("pass_rate"), float | int):
        said.append(f"{percent(rate)} expected ({interval_text(_ends(expected.get('interval')))})")
    over = _mapping(gain.get("over_best_pure"))
    if isinstance(value := over.get("value"), float | int):
        within = interval_text(_ends(over.get("interval")), signed=True)
        said.append(f"gains {100 * value:+.1f} points ({within}) over {over.get('name', 'best pure')}")
    return {name: "; ".join(said)}


def _mapping(value: object) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _ends(value: object) -> tuple[float, float] | None:
    match value:
        case [int() | float() as low, int() | float() as high]:
            return float(low), float(high)
    return None


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


Column = tuple[str, Callable[[Standing], str], str, Callable[[Standing], bool]]
COLUMNS: tuple[Column, ...] = (
    ("plan", lambda one: f"{one.planned or ''}", "bold", lambda one: one.planned is not None),
    ("samples", lambda one: f"{one.line.samples:,}", "", lambda _: True),
    ("missing", lambda one: f"{one.line.missing:,}", "yellow", lambda one: one.line.missing > 0),
    ("errors", lambda one: f"{one.errors:,}", "red", lambda one: one.errors > 0),
    ("pass rate", lambda one: percent(one.line.pass_rate), "", lambda _: True),
    ("1, 2, 4…", lambda one: sparkline(one.coverage), "cyan", lambda one: len(one.coverage) > 1),
    ("easy → hard", lambda one: sparkline(one.by_difficulty), "cyan", lambda one: bool(one.by_difficulty)),
    ("solved", lambda one: f"{one.line.solved:,}", "", lambda _: True),
    ("held out", lambda one: percent(one.line.held_out), "", lambda one: one.line.held_out is not None),
    (
        "tokens",
        lambda one: _number(one.line.output_tokens, ".1f"),
        "",
        lambda one: one.line.output_tokens is not None,
    ),
    ("seconds", lambda one: _number(one.line.seconds, ".2f"), "", lambda one: one.line.seconds is not None),
    ("USD", lambda one: _number(one.usd, ".3g"), "", lambda one: one.usd is not None),
    ("USD/pass", lambda one: _number(one.usd_per_pass, ".3g"), "", lambda one: one.usd_per_pass is not None),
)
"""A name, what is written, its colour, and whether it is there at all: of a sample, in means."""
