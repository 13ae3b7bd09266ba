"""A plan in the terminal: what to draw, what to expect, why."""

from __future__ import annotations

from collections.abc import Sequence

import click

from osca_cli.console import harmless, interval_text, percent, points, print_facts, print_table
from osca_cli.plan.result import (
    Accepting,
    Certificate,
    ComputeFactor,
    Expected,
    FalseAccepts,
    Gain,
    Measured,
    Plan,
)
from osca_cli.plan.strata_plan import StrataPlan
from osca_cli.plan.together import SharedPlan
from osca_cli.spec.strata import value_text

EXPECTED = ("on new problems", "pass rate", "95% interval", "plan gains", "95% interval")


def print_plan(plans: Sequence[Plan]) -> None:
    """Print what was planned, why, and what it is worth."""
    for plan in plans:
        _print_allocation(plan)
        if plan.false_accepts is not None:
            _print_accepted(plan, plan.false_accepts)
        else:
            _print_expectation(plan)
        print_facts(_facts(plan))
        for note in plan.notes:
            click.echo(f"note: {harmless(note)}")


def print_shared(shared: SharedPlan) -> None:
    """Print what tasks that share a budget do together."""
    columns = ("task", "share of problems", "level", "pass rate", "95% interval")
    cells = [
        (
            plan.label,
            percent(share),
            f"{plan.budget.amount:.4g}",
            *_rate(plan.expected.measured if plan.expected else None),
        )
        for plan, share in zip(shared.plans, shared.shares, strict=True)
    ]
    print_table(f"All tasks: {shared.budget} per problem on average", columns, cells)
    even = f"at {shared.budget.amount:g} each"
    rows = [
        ("these plans", *_rate(shared.expected.measured if shared.expected else None), "", ""),
        (f"best single ones {even}", *_rate(shared.best_pure), *_gain(shared.over_best_pure)),
        (f"even spreads {even}", *_rate(shared.uniform), *_gain(shared.over_uniform)),
    ]
    print_table("What to expect, by cross-validation", EXPECTED, rows)
    batch = {} if shared.expected is None else _shared(shared.expected)
    print_facts({"why": shared.because, **batch, "optimal": _optimal(shared.certificate)})
    for note in shared.notes:
        click.echo(f"note: {harmless(note)}")


def print_strata(strata: StrataPlan) -> None:
    """Print which values of a field have plans of their own, and what all plans do together."""
    columns = (strata.field, "training problems", "plan", "its own gains", "95% interval")
    cells = [
        (value_text(one.value) or "", str(one.problems), "its own" if one.own else "common", *_gain(one.gain))
        for one in strata.strata
    ]
    print_table(f"{strata.task}: plans by {strata.field}", columns, cells)
    rows = [
        ("these plans", *_rate(strata.expected.measured if strata.expected else None), "", ""),
        ("only the best single one", *_rate(strata.best_pure), *_gain(strata.over_best_pure)),
        ("even spread", *_rate(strata.uniform), *_gain(strata.over_uniform)),
    ]
    print_table("What to expect of all, by cross-validation", EXPECTED, rows)


def _print_allocation(plan: Plan) -> None:
    title = f"{plan.label}: {plan.budget} per problem"
    rates = plan.pass_rates or {}
    cells = [
        (name, str(count), str(plan.schedule.index(name) + 1), *(_rate(rates[name]) if rates else ()))
        for name, count in sorted(plan.allocation.items(), key=lambda item: plan.schedule.index(item[0]))
    ]
    columns = ("configuration", "samples", "first drawn as")
    print_table(title, (*columns, *(("passes", "95% interval") if rates else ())), cells)


def _print_expectation(plan: Plan) -> None:
    baselines = (
        (f"only {plan.best_pure.name}", plan.best_pure, plan.over_best_pure),
        ("even spread", plan.uniform, plan.over_uniform),
    )
    expected = plan.expected.measured if plan.expected else None
    rows = [("this plan", *_rate(expected), "", "")]
    rows += [(label, *_rate(baseline.expected), *_gain(gain)) for label, baseline, gain in baselines]
    print_table("What to expect, by cross-validation", EXPECTED, rows)


def _print_accepted(plan: Plan, accepts: FalseAccepts) -> None:
    labels = {
        "plan": "this plan",
        "naive": "trusting the verifier" if accepts.accepting is None else "trusting what accepts",
        "best_pure": f"only {plan.best_pure.name}",
        "uniform": "even spread",
    }
    rows = [
        (
            labels[name],
            percent(one.right.pass_rate),
            percent(one.wrong.pass_rate),
            percent(one.net),
            *(_gain(one.net_gain) if one.net_gain else ("", "")),
        )
        for name, one in accepts.sequences.items()
    ]
    columns = ("on new problems", "right", "wrong accepts", "net", "plan gains, net", "95% interval")
    title = "What to expect, by cross-validation, "
    if accepts.accepting is None:
        title += f"if {percent(accepts.rate)} of wrong samples are accepted"
    else:
        title += f"where '{accepts.accepting.by}' accepts"
    print_table(title, columns, rows or [("this plan", *["–"] * 5)])


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
    stop = "pass" if plan.false_accepts is None else "accept"
    if plan.expected is not None:
        facts["spend"] = (
            f"{plan.expected.samples:.1f} samples per problem when stopping at the first {stop},"
            f" of {sum(plan.allocation.values())}"
        )
        if plan.expected.usd is not None:
            facts["spend"] += f"; {plan.expected.usd:.3g} USD"
        facts |= _executed(plan, plan.expected)
    facts["optimal"] = (
        _optimal(plan.certificate)
        if plan.certificate
        else "no bound holds where false accepts are planned for"
    )
    if plan.false_accepts is not None and plan.false_accepts.accepting is not None:
        facts["accepts"] = _accepting(plan.false_accepts, plan.false_accepts.accepting)
    if plan.expected is not None and plan.expected.measured.coverage is not None:
        facts["of all samples"] = (
            f"{percent(plan.expected.measured.coverage)} of problems would have a right one, accepted or not"
        )
    if plan.held_out is not None:
        facts["held out"] = (
            f"{percent(plan.held_out.pass_rate)} ({interval_text(plan.held_out.interval)})"
            f" on {plan.held_out.problems} problems that chose nothing"
        )
    if plan.best_pure.needs is not None and plan.uniform.needs is not None:
        facts["worth"] = (
            f"to solve as many, only {plan.best_pure.name} needs {_times(plan.best_pure.needs)} as much,"
            f" an even spread {_times(plan.uniform.needs)}"
        )
    facts["learned from"] = f"{plan.pilot.problems:,} problems, {plan.pilot.samples:,} samples"
    if plan.pilot.executed is not None:
        facts["learned from"] += f", {plan.pilot.executed:,} of them of executed plans"
    if plan.pilot.usd is not None:
        facts["learned from"] += f", {plan.pilot.usd:.3g} USD"
    if plan.pays_back_after is not None:
        facts["learned from"] += f"; pays back after {plan.pays_back_after:,} problems"
    return facts


def _executed(plan: Plan, expected: Expected) -> dict[str, str]:
    """Say what sharing, rounds and giving up make of a plan."""
    facts = _shared(expected)
    if plan.rounds:
        facts["rounds"] = f"of {' + '.join(map(str, plan.rounds))} samples, drawn together"
    if plan.gives_up_after is not None:
        facts["gives up"] = (
            f"after {plan.gives_up_after} samples: one more solved problem would cost more than its price"
        )
    return facts


def _accepting(accepts: FalseAccepts, said: Accepting) -> str:
    wrong = sum(rate.accepted for rate in said.rates.values())
    total = sum(rate.wrong for rate in said.rates.values())
    right = "no right samples" if said.right_accepted is None else f"{percent(said.right_accepted)} of right"
    return (
        f"in the pilot, {right} and {wrong:,} of {total:,} wrong samples; at most"
        f" {percent(accepts.rate)} of the wrong ones that this plan draws"
    )


def _shared(expected: Expected) -> dict[str, str]:
    """Say what a batch does that shares the budget, where one does."""
    shared = expected.shared
    if shared is None:
        return {}
    rate = f"{percent(shared.measured.pass_rate)} ({interval_text(shared.measured.interval)})"
    return {
        "shared": f"{rate} of a batch whose solved problems leave their samples to the others: those get"
        f" {shared.depth:.0f} each, {shared.samples:.1f} in the mean"
    }


def _times(needs: ComputeFactor) -> str:
    return f"{'at least ' if needs.at_least else ''}{needs.value:.2g}x"


def _optimal(certificate: Certificate) -> str:
    return (
        f"within {100 * certificate.gap:.2f} points of any allocation, by its own estimates"
        f" (certified in {certificate.seconds * 1000:.0f} ms)"
    )
