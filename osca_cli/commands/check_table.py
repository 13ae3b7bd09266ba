"""A check in the terminal: plan and baselines on held-out problems, and what became of each assertion."""

from __future__ import annotations

import click

from osca_cli.check.judge import Verdicts
from osca_cli.check.markdown import baseline_label
from osca_cli.check.prove import Proof
from osca_cli.check.words import concluded, usd
from osca_cli.commands.common import plural
from osca_cli.console import harmless, interval_text, percent, points, print_table


def print_check(proof: Proof) -> None:
    """Print how plans do on held-out problems, and what became of each assertion."""
    for verdicts in proof.tasks:
        for part in verdicts.parts:
            _print_pass_rates(part, f"{part.label}: {plural(part.problems, 'held-out problem')}")
        by = ", each by its plan" if verdicts.parts else ""
        _print_pass_rates(verdicts, f"{verdicts.task}: {_number(verdicts)}{by}")
        _print_judgements(verdicts)
    if proof.total is not None:
        _print_pass_rates(proof.total, f"all tasks: {_number(proof.total)}, weighted")
        _print_judgements(proof.total)


def _number(verdicts: Verdicts) -> str:
    by = "" if verdicts.clusters is None else f" in {plural(verdicts.clusters, 'cluster')}"
    return plural(verdicts.problems, "held-out problem") + by


def _print_judgements(verdicts: Verdicts) -> None:
    for judgement in verdicts.judgements:
        click.echo(harmless(f"{judgement.outcome}: {concluded(judgement)}"))


def _print_pass_rates(verdicts: Verdicts, title: str) -> None:
    columns = ("configuration", "pass rate", "95% interval", "plan gains", "95% interval")
    rate = (percent(verdicts.pass_rate.value), interval_text(verdicts.pass_rate.interval))
    rows = [("the plan" if verdicts.counts is not None else "the plans", *rate, "", "")]
    for one in verdicts.baselines:
        gain = (points(one.gain.value), interval_text(one.gain.interval, signed=True))
        rate = (percent(one.pass_rate.value), interval_text(one.pass_rate.interval))
        rows.append((baseline_label(one), *rate, *gain))
    print_table(title, columns, rows)
    if verdicts.spend is not None and verdicts.spend.held_out is not None:
        kind = verdicts.spend.budget.kind
        click.echo(f"spend: {verdicts.spend.held_out:.4g} {kind} of {verdicts.spend.budget} per problem")
    executed = verdicts.executed
    if executed is not None and executed.usd is not None and executed.cost_of_pass is not None:
        click.echo(
            f"executed, stopping at the first pass: {executed.samples:.1f} samples and"
            f" {usd(executed.usd.value)} USD per problem, {usd(executed.cost_of_pass.value)} per solved one"
        )
