"""Assertions and what came of them, in words."""

from __future__ import annotations

import math

from osca_cli.check.drift import Change
from osca_cli.check.judge import Judgement, Measured
from osca_cli.console import interval_text, percent, points
from osca_cli.spec.checks import EXPECTED, GAIN
from osca_cli.spec.types import Assertion

IN_USD = ("spend.usd", "cost_of_pass")
SIGNED = (EXPECTED, "regret")


def asserted(assertion: Assertion) -> str:
    """Return what is asserted: ``gain.over_best_pure at least 0 (margin 1)``; rates are in points."""
    bounds = (("at least", assertion.at_least), ("at most", assertion.at_most))
    scale = _scale(assertion)
    said = [assertion.metric]
    said += [f"{word} {scale * bound:g}" for word, bound in bounds if bound is not None]
    more = [f"margin {scale * assertion.margin:g}"] if assertion.margin else []
    more += [f"confidence {100 * assertion.confidence:g}%"] if assertion.confidence != 0.95 else []
    return " ".join(said) + (f" ({', '.join(more)})" if more else "")


def found(judgement: Judgement) -> str:
    """Return the value with its interval: ``+5.4, +0.9 to +10.0``."""
    return measured_text(judgement.assertion, judgement.measured)


def measured_text(assertion: Assertion, measured: Measured) -> str:
    """Return a value with its interval, in the unit of what is asserted."""
    value, (low, high) = measured.value, measured.interval
    if assertion.metric in IN_USD:
        return f"{usd(value)}, {usd(low)} to {usd(high)} USD"
    signed = assertion.metric.startswith(GAIN) or assertion.metric in SIGNED
    text = points(value) if signed else f"{100 * value:.1f}"
    return f"{text}, {interval_text(measured.interval, signed=signed)}"


def usd(value: float) -> str:
    """Write an amount of USD; one without an end as such."""
    return f"{value:.3g}" if math.isfinite(value) else "no end"


def concluded(judgement: Judgement) -> str:
    """Return all that there is to say: what is asserted, what was found, what would decide it."""
    line = f"{asserted(judgement.assertion)}: {found(judgement)}"
    if judgement.outcome != "inconclusive":
        return line
    if judgement.decided_by is None:
        return f"{line}; more held-out problems would not decide it at this value"
    return f"{line}; about {judgement.decided_by:,} held-out problems would decide it, if the value stays"


def _scale(assertion: Assertion) -> float:
    return 1.0 if assertion.metric in IN_USD else 100.0


def moved_text(change: Change) -> str:
    """Say by how much a model moved, or that it did not."""
    figures = (
        f"{percent(change.then)} then, {percent(change.now)} now on {change.problems:,} problems of"
        f" {change.task}: {points(change.value)}, {interval_text(change.interval, signed=True)}"
    )
    return f"{change.name}: {figures}" + ("" if change.moved else "; not distinguishable from none")
