"""Judges a plan on problems that did not choose it: pass rates, gains, assertions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.estimate.intervals import Interval, mean_interval, paired_interval
from osca_cli.outcomes.types import CostKind, Floats, Outcomes
from osca_cli.spec.types import Assertion, Budget

Outcome: TypeAlias = Literal["pass", "fail", "inconclusive"]

NEGLIGIBLE = 1e-4  # a hundredth of a point: no number of problems that one can have tells it from 0


@dataclass(frozen=True, slots=True)
class Measured:
    """A number over problems, with its 95% interval."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a plan is compared with.

    Attributes:
        name: ``best_pure`` or ``uniform``.
        counts: Its allocation; a fraction of a sample is drawn on that share of the problems.
        pass_rate: Its own.
        gain: Of the plan over it, on the same problems.
    """

    name: str
    counts: Mapping[str, float]
    pass_rate: Measured
    gain: Measured


@dataclass(frozen=True, slots=True)
class Judgement:
    """An assertion with what came of it.

    Attributes:
        outcome: ``pass`` if the interval lies on the right side of the bound, ``fail`` if it lies on the
            wrong one, ``inconclusive`` if the bound lies within it.
        decided_by: Held-out problems that would decide it if the value stays; ``None`` if it is decided, or
            if the value is the bound itself, or as good as it.
    """

    assertion: Assertion
    measured: Measured
    outcome: Outcome
    decided_by: int | None


@dataclass(frozen=True, slots=True)
class Spend:
    """What all samples of a plan cost.

    Attributes:
        budget: Per problem, which bounds the mean over the training problems.
        held_out: Mean over the held-out problems; ``None`` where a cost is unknown.
    """

    budget: Budget
    held_out: float | None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A plan, judged.

    Attributes:
        problems: Number of held-out problems.
        pass_rate: Of the plan: unbiased pass@C.
        spend: What the plan costs there; ``None`` for a budget in samples, which is kept by definition.
    """

    task: str
    problems: int
    counts: Mapping[str, int]
    pass_rate: Measured
    baselines: tuple[Baseline, ...]
    judgements: tuple[Judgement, ...]
    spend: Spend | None


def judge(
    outcomes: Outcomes,
    task: str,
    counts: Mapping[str, int],
    baselines: Mapping[str, Mapping[str, float]],
    assertions: Sequence[Assertion],
    budget: Budget,
) -> Verdicts:
    """Judge an allocation on the held-out problems of these outcomes.

    Args:
        outcomes: What was sampled, at least as often as the counts and the baselines ask.
        task: The task's name.
        counts: The plan's allocation.
        baselines: Allocations to compare with, by name.
        assertions: What is asserted of this task.
        budget: That the plan was made for.

    Raises:
        MissingSamplesError: a cell has fewer samples than are needed; nothing is made up for it.
    """
    ours = coverage_per_problem(outcomes, counts, outcomes.held_out)
    compared = tuple(
        _baseline(name, theirs, ours, coverage_per_problem(outcomes, theirs, outcomes.held_out))
        for name, theirs in baselines.items()
    )
    pass_rate = Measured(*mean_interval(ours))
    metrics = {"pass_rate": pass_rate} | {
        f"gain.over_{baseline.name}": baseline.gain for baseline in compared
    }
    return Verdicts(
        task=task,
        problems=len(ours),
        counts=counts,
        pass_rate=pass_rate,
        baselines=compared,
        judgements=tuple(_judge(assertion, metrics[assertion.metric], len(ours)) for assertion in assertions),
        spend=None if budget.kind == "samples" else Spend(budget, _spent(outcomes, counts, budget.kind)),
    )


def _spent(outcomes: Outcomes, counts: Mapping[str, int], kind: CostKind) -> float | None:
    if kind not in outcomes.costs:
        return None
    cost = outcomes.costs[kind][:, outcomes.held_out]
    drawn = np.array([counts.get(name, 0) for name in outcomes.configurations])
    known = ~np.isnan(cost)
    if not known[drawn > 0].any(axis=1).all():
        return None
    mean = np.where(known, cost, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return float(drawn @ mean)


def _baseline(name: str, counts: Mapping[str, float], ours: Floats, theirs: Floats) -> Baseline:
    return Baseline(name, counts, Measured(*mean_interval(theirs)), Measured(*paired_interval(ours, theirs)))


def _judge(assertion: Assertion, measured: Measured, problems: int) -> Judgement:
    bounds = _bounds(assertion)
    sides = [_side(measured.interval, bound, sign) for bound, sign in bounds]
    outcome: Outcome = "fail" if "fail" in sides else "inconclusive" if "inconclusive" in sides else "pass"
    decided = _decided_by(measured, [bound for bound, _ in bounds], problems)
    return Judgement(assertion, measured, outcome, decided if outcome == "inconclusive" else None)


def _bounds(assertion: Assertion) -> list[tuple[float, int]]:
    """Return the bounds of an assertion less its margin: sign 1 for a lower one, -1 for an upper one."""
    both = ((assertion.at_least, 1), (assertion.at_most, -1))
    return [(bound - sign * assertion.margin, sign) for bound, sign in both if bound is not None]


def _side(interval: Interval, bound: float, sign: int) -> Outcome:
    worst, best = sorted((sign * interval[0], sign * interval[1]))
    if worst >= sign * bound:
        return "pass"
    return "fail" if best < sign * bound else "inconclusive"


def _decided_by(measured: Measured, bounds: Sequence[float], problems: int) -> int | None:
    """Return how many problems shrink the interval's half width to the distance from the nearest bound."""
    distance = min((abs(measured.value - bound) for bound in bounds), default=0.0)
    half = max(measured.value - measured.interval[0], measured.interval[1] - measured.value)
    return math.ceil(problems * (half / distance) ** 2) if distance >= NEGLIGIBLE else None
