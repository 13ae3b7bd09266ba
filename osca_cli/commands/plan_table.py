"""A plan in the terminal: what to draw, what to expect, why."""

from __future__ import annotations

from collections.abc import Sequence

import click

from osca_cli.console import harmless, interval_text, percent, points, print_facts, print_table
from osca_cli.plan.result import Gain, Measured, Plan


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
