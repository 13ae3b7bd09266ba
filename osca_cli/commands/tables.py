"""The tables that several commands print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from osca_cli.check.judge import Baseline, Judgement, Verdicts
from osca_cli.console import harmless, interval_text, percent, points, print_facts, print_json, print_table
from osca_cli.estimate.intervals import mean_interval
from osca_cli.plan.result import Gain, Measured, Plan
from osca_cli.run.execute import Answer, Execution
from osca_cli.run.overview import Line
from osca_cli.run.pilot import Forecast
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


def print_forecast(forecast: Forecast, *, as_json: bool) -> None:
    """Print what a run would draw."""
    names = list(dict.fromkeys([*forecast.undrawn, *forecast.there]))
    if as_json:
        rows = [
            {"configuration": name, "to_draw": forecast.undrawn[name], "there": forecast.there[name]}
            for name in names
        ]
        total = {"to_draw": forecast.undrawn.total(), "there": forecast.there.total()}
        print_json({"schema_version": 1, **total, "configurations": rows})
        return
    cells = [(name, str(forecast.undrawn[name]), str(forecast.there[name])) for name in names]
    cells.append(("all", str(forecast.undrawn.total()), str(forecast.there.total())))
    print_table("What a run would do", ("configuration", "to draw", "in the pool"), cells)


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


def print_plan(plans: Sequence[Plan]) -> None:
    """Print what was planned, why, and what it is worth."""
    for plan in plans:
        _print_allocation(plan)
        _print_expectation(plan)
        print_facts(_facts(plan))
        for note in plan.notes:
            click.echo(f"note: {harmless(note)}")


def _print_allocation(plan: Plan) -> None:
    title = f"{plan.task}: {plan.budget} per problem"
    cells = [
        (name, str(count), str(plan.schedule.index(name) + 1))
        for name, count in sorted(plan.allocation.items(), key=lambda item: plan.schedule.index(item[0]))
    ]
    print_table(title, ("configuration", "samples", "first drawn as"), cells)


def _print_expectation(plan: Plan) -> None:
    columns = ("on new problems", "pass rate", "95% interval", "plan gains", "95% interval")
    baselines = (
        (f"only {plan.best_pure.name}", plan.best_pure, plan.over_best_pure),
        ("even spread", plan.uniform, plan.over_uniform),
    )
    expected = plan.expected.measured if plan.expected else None
    rows = [("this plan", *_rate(expected), "", "")]
    rows += [(label, *_rate(baseline.expected), *_gain(gain)) for label, baseline, gain in baselines]
    print_table("What to expect, by cross-validation", columns, rows)


def _rate(measured: Measured | None) -> tuple[str, str]:
    if measured is None:
        return "–", "–"
    return percent(measured.pass_rate), interval_text(measured.interval)


def _gain(gain: Gain | None) -> tuple[str, str]:
    if gain is None:
        return "–", "–"
    return points(gain.value), interval_text(gain.interval, signed=True)


def _facts(plan: Plan) -> dict[str, str]:
    facts = {"why": plan.because}
    if plan.expected is not None:
        facts["spend"] = (
            f"{plan.expected.samples:.1f} samples per problem when stopping at the first pass,"
            f" of {sum(plan.allocation.values())}"
        )
    facts["optimal"] = (
        f"within {100 * plan.certificate.gap:.2f} points of any allocation, by its own estimates"
        f" (certified in {plan.certificate.seconds * 1000:.0f} ms)"
    )
    if plan.held_out is not None:
        facts["held out"] = (
            f"{percent(plan.held_out.pass_rate)} ({interval_text(plan.held_out.interval)})"
            f" on {plan.held_out.problems} problems that chose nothing"
        )
    facts["learned from"] = f"{plan.pilot.problems:,} problems, {plan.pilot.samples:,} samples"
    return facts


def print_check(judged: Sequence[Verdicts]) -> None:
    """Print how plans do on held-out problems, and what became of each assertion."""
    for verdicts in judged:
        columns = ("configuration", "pass rate", "95% interval", "plan gains", "95% interval")
        rows = [
            (
                "the plan",
                percent(verdicts.pass_rate.value),
                interval_text(verdicts.pass_rate.interval),
                "",
                "",
            )
        ]
        for one in verdicts.baselines:
            gain = (points(one.gain.value), interval_text(one.gain.interval, signed=True))
            rate = (percent(one.pass_rate.value), interval_text(one.pass_rate.interval))
            rows.append((_baseline_label(one), *rate, *gain))
        print_table(f"{verdicts.task}: {verdicts.problems} held-out problems", columns, rows)
        for judgement in verdicts.judgements:
            click.echo(_judgement_line(judgement))


def _baseline_label(baseline: Baseline) -> str:
    if baseline.name == "uniform":
        return "even spread"
    return ", ".join(f"{count:g} x {name}" for name, count in baseline.counts.items())


def _judgement_line(judgement: Judgement) -> str:
    assertion = judgement.assertion
    bounds = [
        f"{word} {100 * bound:g}"
        for word, bound in (("at least", assertion.at_least), ("at most", assertion.at_most))
        if bound is not None
    ]
    margin = f" (margin {100 * assertion.margin:g})" if assertion.margin else ""
    signed = assertion.metric.startswith("gain.")
    value = points(judgement.measured.value) if signed else f"{100 * judgement.measured.value:.1f}"
    found = f"{value}, {interval_text(judgement.measured.interval, signed=signed)}"
    line = f"{judgement.outcome}: {assertion.metric} {' and '.join(bounds)}{margin}: {found}"
    if judgement.outcome != "inconclusive":
        return line
    if judgement.decided_by is None:
        return f"{line}; more held-out problems would not decide it at this value"
    return f"{line}; about {judgement.decided_by:,} held-out problems would decide it, if the value stays"
