"""A run in the terminal: the pool, and what an execution gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import numpy as np

from osca_cli.console import harmless, interval_text, percent, print_json, print_table
from osca_cli.run.attempt import Answer
from osca_cli.run.execute import Execution
from osca_cli.run.overview import Line
from osca_cli.run.tally import Tally


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
    work: Sequence[Execution], answers: Sequence[Answer], tally: Tally, *, as_json: bool
) -> None:
    """Print what executing plans gave, task by task, beside what they expected."""
    tasks = list(dict.fromkeys(one.task.name for one in work))
    rows = [_realised_task(name, [one for one in work if one.task.name == name], answers) for name in tasks]
    if as_json:
        print_json({"schema_version": 1, "tasks": rows, **tally.facts()})
        return
    columns = (
        "task", "problems", "solved", "pass rate", "95% interval", "expected",
        "samples/problem", "expected", "tokens/problem",
    )  # fmt: skip
    cells = [
        (
            row["task"],
            str(row["problems"]),
            str(row["solved"]),
            percent(row["pass_rate"]),
            interval_text(row["interval"]),
            percent(row["expected"]["pass_rate"]),
            f"{row['samples']:.2f}",
            "–" if row["expected"]["samples"] is None else f"{row['expected']['samples']:.2f}",
            f"{row['output_tokens']:.0f}",
        )
        for task in rows
        for row in (*task.get("plans", ()), task)
    ]
    print_table("The plan, executed", columns, cells)
    for task in rows:
        if task.get("unseen"):
            click.echo(
                f"{task['unseen']} of {task['problems']} problems of {harmless(task['task'])} have a value"
                " that no training problem has, or none: they took the common plan"
            )


def _realised_task(name: str, work: Sequence[Execution], answers: Sequence[Answer]) -> dict[str, Any]:
    """Return what a task's plans gave; where there are several, each of them besides."""
    by_problem = {answer.problem: answer for answer in answers if answer.task == name}
    rows = [_realised(one, [by_problem[p.id] for p in one.problems if p.id in by_problem]) for one in work]
    if len(rows) == 1 and not work[0].plan.where:
        whole = rows[0]
    else:
        whole = _row(name, list(by_problem.values()), _mean_expected(rows)) | {"plans": rows}
    strange = sum(one.unseen for one in work)
    return whole | ({"unseen": strange} if strange else {})


def _mean_expected(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return what plans expect, weighted by the problems that took each."""
    mean: dict[str, float | None] = {}
    for key in ("pass_rate", "samples"):
        parts = [(row["problems"], row["expected"][key]) for row in rows if row["problems"]]
        known = bool(parts) and all(value is not None for _, value in parts)
        mean[key] = sum(n * value for n, value in parts) / sum(n for n, _ in parts) if known else None
    return mean


def _realised(execution: Execution, answers: Sequence[Answer]) -> dict[str, Any]:
    plan = execution.plan
    written = plan.block.get("expected")
    row = _row(plan.label, answers, written if isinstance(written, dict) else {})
    return row | ({"where": dict(plan.where)} if plan.where else {})


def _row(name: str, answers: Sequence[Answer], expected: Mapping[str, Any]) -> dict[str, Any]:
    from osca_cli.estimate.intervals import mean_interval  # scipy, which a pilot does not need

    solved = np.array([answer.accepted for answer in answers], float)
    rate, interval = mean_interval(solved) if len(solved) else (None, None)
    number = max(len(answers), 1)
    return {
        "task": name,
        "problems": len(answers),
        "solved": int(solved.sum()),
        "pass_rate": rate,
        "interval": interval,
        "samples": sum(answer.samples for answer in answers) / number,
        "output_tokens": sum(answer.output_tokens for answer in answers) / number,
        "expected": {"pass_rate": expected.get("pass_rate"), "samples": expected.get("samples")},
    }
