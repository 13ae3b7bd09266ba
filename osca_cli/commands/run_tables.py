"""A run in the terminal: the pool, and what an execution gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from osca_cli.console import interval_text, percent, print_json, print_table
from osca_cli.run.execute import Answer, Execution
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
    rows = [_realised(one, [answer for answer in answers if answer.task == one.task.name]) for one in work]
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
        for row in rows
    ]
    print_table("The plan, executed", columns, cells)


def _realised(execution: Execution, answers: Sequence[Answer]) -> dict[str, Any]:
    from osca_cli.estimate.intervals import mean_interval  # scipy, which a pilot does not need

    solved = np.array([answer.accepted for answer in answers], float)
    rate, interval = mean_interval(solved) if len(solved) else (None, None)
    written = execution.plan.block.get("expected")
    expected = written if isinstance(written, dict) else {}
    number = max(len(answers), 1)
    return {
        "task": execution.task.name,
        "problems": len(answers),
        "solved": int(solved.sum()),
        "pass_rate": rate,
        "interval": interval,
        "samples": sum(answer.samples for answer in answers) / number,
        "output_tokens": sum(answer.output_tokens for answer in answers) / number,
        "expected": {"pass_rate": expected.get("pass_rate"), "samples": expected.get("samples")},
    }
