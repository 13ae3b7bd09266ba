"""A check in the terminal: plan and baselines on held-out problems, and what became of each assertion."""

from __future__ import annotations

from collections.abc import Sequence

import click

from osca_cli.check.judge import Baseline, Judgement, Verdicts
from osca_cli.commands.common import plural
from osca_cli.console import interval_text, percent, points, print_table


def print_check(judged: Sequence[Verdicts]) -> None:
    """Print how plans do on held-out problems, and what became of each assertion."""
    for verdicts in judged:
        for part in verdicts.parts:
            _print_pass_rates(part, f"{part.label}: {plural(part.problems, 'held-out problem')}")
        by = ", each by its plan" if verdicts.parts else ""
        _print_pass_rates(verdicts, f"{verdicts.task}: {plural(verdicts.problems, 'held-out problem')}{by}")
        for judgement in verdicts.judgements:
            click.echo(_judgement_line(judgement))


def _print_pass_rates(verdicts: Verdicts, title: str) -> None:
    columns = ("configuration", "pass rate", "95% interval", "plan gains", "95% interval")
    rate = (percent(verdicts.pass_rate.value), interval_text(verdicts.pass_rate.interval))
    rows = [("the plans" if verdicts.parts else "the plan", *rate, "", "")]
    for one in verdicts.baselines:
        gain = (points(one.gain.value), interval_text(one.gain.interval, signed=True))
        rate = (percent(one.pass_rate.value), interval_text(one.pass_rate.interval))
        rows.append((_baseline_label(one), *rate, *gain))
    print_table(title, columns, rows)
    if verdicts.spend is not None and verdicts.spend.held_out is not None:
        kind = verdicts.spend.budget.kind
        click.echo(f"spend: {verdicts.spend.held_out:.4g} {kind} of {verdicts.spend.budget} per problem")


def _baseline_label(baseline: Baseline) -> str:
    if baseline.name == "uniform":
        return "even spread"
    return ", ".join(f"{count:.4g} x {name}" for name, count in baseline.counts.items())


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
