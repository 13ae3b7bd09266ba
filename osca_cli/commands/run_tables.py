"""A run in the terminal: the pool, and what an execution gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import numpy as np

from osca_cli.console import harmless, interval_text, percent, print_json, print_table
from osca_cli.run.overview import Line
from osca_cli.run.realised import Realised
from osca_cli.run.tally import Tally
from osca_cli.spec.types import BudgetKind


def print_pool(lines: Sequence[Line]) -> None:
    """Print what the pool has of each configuration, task by task."""
    columns = (
        "configuration",
        "samples",
        "missing",
        "pass rate",
        "solved",
        "held out",
        "tokens/sample",
        "s/sample",
    )
    for task in dict.fromkeys(line.task for line in lines):
        cells = [
            (
                line.configuration,
                str(line.samples),
                str(line.missing),
                percent(line.pass_rate),
                str(line.solved),
                percent(line.held_out),
                "–" if line.output_tokens is None else f"{line.output_tokens:.1f}",
                "–" if line.seconds is None else f"{line.seconds:.2f}",
            )
            for line in lines
            if line.task == task
        ]
        print_table(f"{task}: pass rates in the pool", columns, cells)


def print_execution(
    tasks: Sequence[tuple[Realised, Sequence[Realised]]],
    unseen: Mapping[str, int],
    tally: Tally | None = None,
) -> None:
    """Print what executing plans gave, task by task, beside what they claimed.

    Args:
        tasks: Each task's plans together, and each of them where there are several.
        unseen: How many problems of each task have a value that no plan was made for.
        tally: What the run did; then all is printed as JSON.
    """
    lines = [one for whole, parts in tasks for one in (*parts, whole)]
    if tally is not None:
        rows = [
            _facts(whole)
            | ({"plans": [_facts(part) for part in parts]} if parts else {})
            | ({"unseen": unseen[whole.task]} if whole.task in unseen else {})
            for whole, parts in tasks
        ]
        print_json({"schema_version": 1, "tasks": rows, **tally.facts()})
        return
    columns = ("task", "problems", "solved", "pass rate", "95% interval", "expected", "of so many")
    print_table("The plan, executed", columns, [_solved(one) for one in lines])
    for kind in dict.fromkeys(one.budget.kind if one.budget else "samples" for one in lines):
        of_kind = [one for one in lines if (one.budget.kind if one.budget else "samples") == kind]
        _print_spending(kind, of_kind)
    for name, number in unseen.items():
        problems = next(len(whole.answers) for whole, _ in tasks if whole.task == name)
        click.echo(
            f"{number} of {problems} problems of {harmless(name)} have a value that no training problem has,"
            " or none: they took the common plan"
        )
    for one in lines:
        _tell_of(one)


def _solved(one: Realised) -> tuple[str, ...]:
    return (
        one.label,
        str(len(one.answers)),
        str(one.solved),
        percent(one.pass_rate),
        interval_text(_interval(one)),
        percent(one.claimed.pass_rate),
        interval_text(one.predicted),
    )


def _print_spending(kind: BudgetKind, lines: Sequence[Realised]) -> None:
    """Print what was spent, against the budget and against what was expected."""
    columns = ["task", "samples/problem", "expected", "samples/solved", "tokens/problem"]
    priced = any(one.sum("usd") for one in lines)
    columns += ["USD/problem", "expected"] * priced
    columns += [f"{kind} spent", "of budget"] + [f"{kind}/solved"] * (kind != "samples")
    cells = [
        (
            one.label,
            _number(one.per_problem("samples"), ".2f"),
            _number(one.claimed.samples, ".2f"),
            _number(one.per_solved("samples"), ".2f"),
            _number(one.per_problem("output_tokens"), ".0f"),
            *((_number(one.per_problem("usd"), ".4g"), _number(one.claimed.usd, ".4g")) if priced else ()),
            _number(one.spent, ".6g"),
            _number(None if one.budget is None else one.budget.amount * len(one.answers), ".6g"),
            *((_number(one.per_solved(kind), ".4g"),) * (kind != "samples")),
        )
        for one in lines
    ]
    print_table("What that took", columns, cells)


def _tell_of(one: Realised) -> None:
    """Say where a shared budget is spent, and where a pass rate is not what was expected and what to do."""
    left, budget = len(one.answers) - one.solved, one.budget
    if left and budget is not None and budget.share == "problems" and one.spent is not None:
        most = max(answer.samples for answer in one.answers)
        sample = one.spent / max(1.0, one.sum("samples") or 0.0)
        spent = "spent" if one.spent + sample > budget.amount * len(one.answers) else "not spent"
        click.echo(
            f"{harmless(one.label)}: the shared budget is {spent}; {left} of {len(one.answers)} problems are"
            f" not solved after up to {most} samples"
        )
    if one.surprising and one.predicted is not None:
        click.echo(
            f"{harmless(one.label)}: {percent(one.pass_rate)} is outside what the plan expects of"
            f" {len(one.answers)} problems ({interval_text(one.predicted)}%): since it was made, models or"
            " problems have moved. Look at some answers (--answers); then pilot anew, a changed model under"
            " another `revision`, new kinds of problems in the spec, and plan again"
        )


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _interval(one: Realised) -> tuple[float, float] | None:
    from osca_cli.estimate.intervals import mean_interval  # scipy, which a pilot does not need

    solved = np.array([answer.accepted for answer in one.answers], float)
    return mean_interval(solved)[1] if len(solved) else None


def _facts(one: Realised) -> dict[str, Any]:
    budget, number = one.budget, max(len(one.answers), 1)
    return {
        "task": one.label,
        **({"where": dict(one.where)} if one.where else {}),
        "problems": len(one.answers),
        "solved": one.solved,
        "pass_rate": one.pass_rate,
        "interval": _interval(one),
        "samples": (one.sum("samples") or 0) / number,
        "output_tokens": (one.sum("output_tokens") or 0) / number,
        "seconds": (one.sum("seconds") or 0) / number,
        "usd": one.per_problem("usd"),
        "samples_per_solved": one.per_solved("samples"),
        "budget": budget
        and {
            budget.kind: budget.amount,
            "share": budget.share,
            "total": budget.amount * len(one.answers),
            "spent": one.spent,
            "cost_of_pass": one.per_solved(budget.kind),
        },
        "expected": {
            "pass_rate": one.claimed.pass_rate,
            "interval": one.claimed.interval,
            "of_so_many": one.predicted,
            "samples": one.claimed.samples,
            "usd": one.claimed.usd,
        },
        "outside": one.surprising,
    }
