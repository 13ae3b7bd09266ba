"""The answer: what to run, what it gains, how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from osca_cli.model import Json
from osca_cli.report.charts.bars import Bar, bars
from osca_cli.report.charts.words import amount, ends, rate, signed, signed_ends
from osca_cli.report.findings import Findings
from osca_cli.report.parts import Fact, Figure, figure, table
from osca_cli.report.written import interval, listed, mapping, number
from osca_cli.spec.types import PlannedTask


@dataclass(frozen=True, slots=True)
class Answer:
    """What a plan says, for people in a hurry.

    Attributes:
        label: The task, and the values of a stratum.
        headline: What to run, in a sentence.
        verdict: What that gains, and whether it can be told from nothing.
        sure: ``yes``, ``no`` or ``unknown``: whether the gain can be told from none.
        because: Why, as the plan says it.
        facts: The numbers.
        allocation: Samples of each configuration, as bars.
        notes: What the plan says besides.
    """

    label: str
    headline: str
    verdict: str
    sure: str
    because: str
    facts: tuple[Fact, ...]
    allocation: Figure
    notes: tuple[str, ...]


def answer(found: Findings, plan: PlannedTask, prefix: str) -> Answer:
    """Say what a plan comes to."""
    gains = mapping(plan.block.get("gain"))
    over, even = mapping(gains.get("over_best_pure")), mapping(gains.get("over_uniform"))
    verdict, sure = _verdict(over)
    facts = [
        *_expected(plan),
        *_gain(over, "over the best single one"),
        *_gain(even, "over an even spread"),
        *_spend(plan),
        *_factor(over),
        *_certificate(plan),
        *_pilot(found, plan),
    ]
    return Answer(
        label=plan.label,
        headline=_headline(plan),
        verdict=verdict,
        sure=sure,
        because=str(plan.block.get("because", "")),
        facts=tuple(facts),
        allocation=_allocation(plan, prefix),
        notes=tuple(str(note) for note in listed(plan.block.get("notes"))),
    )


def _headline(plan: PlannedTask) -> str:
    total, several = sum(plan.counts.values()), len(plan.counts)
    if total == 1:
        return f"Draw 1 sample a problem, of {next(iter(plan.counts))}."
    what = f"from {several} configurations" if several > 1 else f"of {next(iter(plan.counts))}"
    stop = "is accepted" if _accepts(plan) else "passes"
    return f"Draw up to {total:,} samples a problem, {what}, stopping at the first that {stop}."


def _verdict(over: Mapping[str, Json]) -> tuple[str, str]:
    """Say what is gained over the best single configuration, and whether that is distinguishable."""
    value, within = number(over.get("value")), interval(over.get("interval"))
    if value is None or within is None:
        said = "The plan does not say what it gains: it was written by hand, or from too few problems."
        return said, "unknown"
    name = over.get("name")
    rival = f"the best single configuration, {name}" if name else "the best single configuration"
    low, high = within
    if low > 0:
        said = f"It solves {signed(value)} points more than {rival}, on new problems"
        return f"{said} (95% interval {signed_ends(within)}): more than chance explains.", "yes"
    if high < 0:
        said = f"It solves {signed(value)} points, which is less, beside {rival}, on new problems"
        return f"{said} (95% interval {signed_ends(within)}): draw that instead.", "no"
    if low == high == 0:
        return f"It is {rival}: no mix solves more on the training problems.", "unknown"
    said = f"A gain over {rival}, is not distinguishable from none: {signed(value)} points"
    return f"{said} (95% interval {signed_ends(within)}).", "unknown"


def _expected(plan: PlannedTask) -> Iterator[Fact]:
    expected, accepts = mapping(plan.block.get("expected")), _accepts(plan)
    right, wrong = number(accepts.get("right")), number(accepts.get("wrong"))
    if right is not None and wrong is not None:
        yield Fact("Right answers on new problems", rate(right), "the verifier accepts wrong ones, too")
        yield Fact("Wrong answers accepted", rate(wrong), "share of problems, by cross-validation")
    elif (value := number(expected.get("pass_rate"))) is not None:
        about = f"95% interval {ends(interval(expected.get('interval')))}, by cross-validation"
        yield Fact("Solved on new problems", rate(value), about)


def _accepts(plan: PlannedTask) -> Mapping[str, Json]:
    """Return what false accepts make of a plan, where it reckons with them."""
    return mapping(mapping(plan.block.get("false_accepts", plan.block.get("select"))).get("plan"))


def _gain(gain: Mapping[str, Json], over: str) -> Iterator[Fact]:
    if (value := number(gain.get("value"))) is not None:
        within = interval(gain.get("interval"))
        about = "points" if within is None else f"points; 95% interval {signed_ends(within)}"
        yield Fact(f"Gain {over}", signed(value), about)


def _spend(plan: PlannedTask) -> Iterator[Fact]:
    expected = mapping(plan.block.get("expected"))
    if (samples := number(expected.get("samples"))) is not None:
        usd = number(expected.get("usd"))
        about = f"of at most {sum(plan.counts.values()):,}" + (
            "" if usd is None else f"; {amount(usd, 'usd')}"
        )
        yield Fact("Draws until the first pass", amount(samples), about)


def _factor(over: Mapping[str, Json]) -> Iterator[Fact]:
    factor = mapping(over.get("compute_factor"))
    if (times := number(factor.get("value"))) is not None:
        least = "at least " if factor.get("at_least") else ""
        yield Fact("The best single one needs", f"{least}{times:.1f}×", "as much to solve as many")


def _certificate(plan: PlannedTask) -> Iterator[Fact]:
    if (gap := number(mapping(plan.block.get("certificate")).get("gap"))) is not None:
        about = "of the best allocation, by its own estimates: certified"
        yield Fact("Optimal within", f"{100 * gap:.2f} points", about)


def _pilot(found: Findings, plan: PlannedTask) -> Iterator[Fact]:
    made = mapping(found.allocation.get("made_from"))
    if (drawn := number(made.get("samples"))) is not None:
        usd, back = (
            number(made.get("usd")),
            number(plan.block.get("pays_back_after", made.get("pays_back_after"))),
        )
        about = f"on {amount(number(made.get('problems')))} problems"
        about += "" if usd is None else f"; {amount(usd, 'usd')}"
        about += "" if back is None else f"; pays back after {amount(back)} problems"
        yield Fact("The pilot took", f"{amount(drawn)} samples", about)


def _allocation(plan: PlannedTask, prefix: str) -> Figure:
    order = sorted(plan.counts, key=plan.schedule.index)
    rows = [Bar(name, plan.counts[name], f"{plan.counts[name]:,}") for name in order]
    total = sum(plan.counts.values())
    said = ", ".join(f"{plan.counts[name]} of {name}" for name in order)

    def draw(width: float, id_: str) -> Markup:
        return bars(width, rows, "Samples of each configuration", f"{said}.", id_, parts=total)

    return figure(
        f"{prefix}-allocation",
        "What to draw",
        draw,
        note="In the order of their first draw.",
        table=table(
            "The schedule, in runs",
            "draws",
            ["configuration"],
            [[where, name] for where, name in _runs(plan.schedule)],
            most=100,
            texts=["configuration"],
        ),
    )


def _runs(schedule: Sequence[str]) -> list[tuple[str, str]]:
    """Return runs of equal draws, with their places counted from 1."""
    found: list[tuple[int, int, str]] = []
    for at, name in enumerate(schedule, 1):
        if found and found[-1][2] == name:
            found[-1] = (found[-1][0], at, name)
        else:
            found.append((at, at, name))
    return [(f"{a}" if a == b else f"{a} to {b}", name) for a, b, name in found]
