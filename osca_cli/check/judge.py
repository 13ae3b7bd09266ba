"""Judges a plan on problems that did not choose it: pass rates, gains, assertions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.estimate.intervals import Interval, mean_interval, paired_interval
from osca_cli.model import Json
from osca_cli.outcomes.types import CostKind, Floats, Mask, Outcomes
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


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A plan and its baselines, on the problems that take it.

    Attributes:
        problems: Which held-out problems, shape ``(P,)``, at least one.
        counts: The plan's allocation.
        baselines: Allocations to compare with, by name.
        budget: That the plan was made for.
        where: Fields and values of these problems; empty for all that no other plan is for.
    """

    problems: Mask
    counts: Mapping[str, int]
    baselines: Mapping[str, Mapping[str, float]]
    budget: Budget
    where: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A task's plan, judged.

    Attributes:
        problems: Number of held-out problems.
        counts: The plan's allocation; ``None`` where problems take several plans.
        pass_rate: Of the plan: unbiased pass@C.
        spend: What the plan costs there; ``None`` for a budget in samples, which is kept by definition.
        where: Of a plan of several, whose problems these are.
        parts: Each plan of several on its problems, without assertions: the task is what these hold for.
    """

    task: str
    problems: int
    counts: Mapping[str, int] | None
    pass_rate: Measured
    baselines: tuple[Baseline, ...]
    judgements: tuple[Judgement, ...]
    spend: Spend | None
    where: Mapping[str, Json] = field(default_factory=dict)
    parts: tuple[Verdicts, ...] = ()

    @property
    def label(self) -> str:
        """What it is called: the task, and the values of its ``where``."""
        return ", ".join([self.task, *(f"{name} = {value}" for name, value in self.where.items())])


@dataclass(frozen=True, slots=True, eq=False)
class _Coverage:
    """Coverage of each problem by its plan, and by each baseline, shape ``(J,)`` each."""

    ours: Floats
    theirs: Mapping[str, Floats]


def judge(
    outcomes: Outcomes, task: str, compared: Sequence[Compared], assertions: Sequence[Assertion]
) -> Verdicts:
    """Judge the allocations of a task on the held-out problems of these outcomes, each problem by its own.

    Args:
        outcomes: What was sampled, at least as often as the counts and the baselines ask.
        task: The task's name.
        compared: Its plans, all with the same names of baselines.
        assertions: What is asserted of the task.

    Raises:
        MissingSamplesError: a cell has fewer samples than are needed; nothing is made up for it.
    """
    covered = [_covered(outcomes, one) for one in compared]
    if len(compared) == 1:
        one = compared[0]
        return _verdicts(task, covered[0], one.baselines, one.counts, _spend(outcomes, one), assertions)
    parts = tuple(
        replace(_verdicts(task, each, one.baselines, one.counts, _spend(outcomes, one), ()), where=one.where)
        for one, each in zip(compared, covered, strict=True)
    )
    names = compared[0].baselines
    whole = _Coverage(
        np.concatenate([each.ours for each in covered]),
        {name: np.concatenate([each.theirs[name] for each in covered]) for name in names},
    )
    sizes = [part.problems for part in parts]
    mean = {name: _mean_counts([one.baselines[name] for one in compared], sizes) for name in names}
    verdicts = _verdicts(task, whole, mean, None, _mean_spend(parts), assertions)
    return replace(verdicts, parts=parts)


def _covered(outcomes: Outcomes, one: Compared) -> _Coverage:
    return _Coverage(
        coverage_per_problem(outcomes, one.counts, one.problems),
        {
            name: coverage_per_problem(outcomes, counts, one.problems)
            for name, counts in one.baselines.items()
        },
    )


def _verdicts(
    task: str,
    covered: _Coverage,
    baselines: Mapping[str, Mapping[str, float]],
    counts: Mapping[str, int] | None,
    spend: Spend | None,
    assertions: Sequence[Assertion],
) -> Verdicts:
    ours = covered.ours
    compared = tuple(
        _baseline(name, baselines[name], ours, theirs) for name, theirs in covered.theirs.items()
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
        spend=spend,
    )


def _mean_counts(parts: Sequence[Mapping[str, float]], sizes: Sequence[int]) -> Mapping[str, float]:
    """Return the mean over problems, where plans with different budgets have different baselines."""
    if all(part == parts[0] for part in parts):
        return parts[0]
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: sum(size * part.get(name, 0) for size, part in zip(sizes, parts, strict=True)) / sum(sizes)
        for name in names
    }


def _mean_spend(parts: Sequence[Verdicts]) -> Spend | None:
    spent = [(part.problems, part.spend) for part in parts if part.spend is not None]
    if len(spent) < len(parts) or len({spend.budget.kind for _, spend in spent}) > 1:
        return None
    total = sum(number for number, _ in spent)
    budget = sum(number * spend.budget.amount for number, spend in spent) / total
    known = [number * spend.held_out for number, spend in spent if spend.held_out is not None]
    held_out = sum(known) / total if len(known) == len(spent) else None
    return Spend(Budget(spent[0][1].budget.kind, budget), held_out)


def _spend(outcomes: Outcomes, one: Compared) -> Spend | None:
    kind = one.budget.kind
    return None if kind == "samples" else Spend(one.budget, _spent(outcomes, one, kind))


def _spent(outcomes: Outcomes, one: Compared, kind: CostKind) -> float | None:
    if kind not in outcomes.costs:
        return None
    cost = outcomes.costs[kind][:, one.problems]
    drawn = np.array([one.counts.get(name, 0) for name in outcomes.configurations])
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
