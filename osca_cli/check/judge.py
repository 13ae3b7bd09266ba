"""Judges a plan on problems that did not choose it: pass rates, gains, assertions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from osca_cli.check.facts import Compared, Counts, Facts, Solved, clusters_of
from osca_cli.check.metrics import Metric, metrics_of, rates_of
from osca_cli.errors import UsageError
from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.estimate.spread import Interval
from osca_cli.model import Json
from osca_cli.outcomes.types import CostKind, Outcomes
from osca_cli.spec.checks import EXPECTED, GAIN, WHOLE
from osca_cli.spec.types import Assertion, Budget

Outcome: TypeAlias = Literal["pass", "fail", "inconclusive"]

MOST = 1000
"""Intervals that many times as wide as the bound is far are of no use: no number of problems is named.

A million times the problems would decide; a value so near to its bound may as well be on it.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A number over problems, with its interval."""

    value: float
    interval: Interval

    @classmethod
    def of(cls, metric: Metric, confidence: float = 0.95) -> Measured:
        """Measure at a confidence."""
        return cls(metric.value, metric.interval(confidence))


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a plan is compared with.

    Attributes:
        name: ``best_pure``, ``uniform``, ``paper``, or that of a configuration.
        counts: Its allocation; a fraction of a sample is drawn on that share of the problems.
        pass_rate: Its own.
        gain: Of the plan over it, on the same problems.
    """

    name: str
    counts: Counts
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
class Executed:
    """What executing a plan takes per held-out problem, stopping at the first pass.

    Attributes:
        samples: Drawn.
        usd: What they cost; ``None`` where a price is unknown.
        cost_of_pass: USD per problem that is solved.
    """

    samples: float
    usd: Measured | None
    cost_of_pass: Measured | None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A task's plan, judged; or the total of all tasks.

    Attributes:
        problems: Number of held-out problems.
        clusters: How many clusters they are in; ``None`` where each is its own.
        counts: The plan's allocation; ``None`` where problems take several plans.
        pass_rate: Of the plan: unbiased pass@C.
        spend: What the plan costs there; ``None`` for a budget in samples, which is kept by definition.
        executed: What executing it takes; ``None`` of a total.
        where: Of a plan of several, whose problems these are.
        parts: Each plan of several on its problems, without assertions: the task is what these hold for.
    """

    task: str
    problems: int
    clusters: int | None
    counts: Mapping[str, int] | None
    pass_rate: Measured
    baselines: tuple[Baseline, ...]
    judgements: tuple[Judgement, ...]
    spend: Spend | None = None
    executed: Executed | None = None
    where: Mapping[str, Json] = field(default_factory=dict)
    parts: tuple[Verdicts, ...] = ()

    @property
    def label(self) -> str:
        """What it is called: the task, and the values of its ``where``."""
        return ", ".join([self.task, *(f"{name} = {value}" for name, value in self.where.items())])


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A task's verdicts, and the facts that a total is made of."""

    verdicts: Verdicts
    facts: Facts


def judge(
    outcomes: Outcomes,
    task: str,
    compared: Sequence[Compared],
    assertions: Sequence[Assertion],
    *,
    cluster: str | None = None,
    solved: Solved = coverage_per_problem,
) -> Judged:
    """Judge the allocations of a task on the held-out problems of these outcomes, each problem by its own.

    Args:
        outcomes: What was sampled, at least as often as the counts and the baselines ask.
        task: The task's name.
        compared: Its plans, all with the same names of baselines.
        assertions: What is asserted of the task.
        cluster: The tag whose values tell which problems are alike.
        solved: What counts as solved, and by how much.

    Raises:
        MissingSamplesError: a cell has fewer samples than are needed; nothing is made up for it.
        UsageError: what is asserted cannot be told.
    """
    clusters = clusters_of(outcomes, cluster)
    regret = any(one.metric == "regret" for one in assertions)
    facts = [Facts.of(outcomes, one, clusters, solved=solved, with_hindsight=regret) for one in compared]
    spent = [_spend(outcomes, one) for one in compared]
    if len(compared) == 1:
        one = compared[0]
        verdicts = _verdicts(task, facts, [1.0], one.baselines, assertions)
        return Judged(replace(verdicts, counts=one.counts, spend=spent[0]), facts[0])
    parts = tuple(
        replace(
            _verdicts(task, [each], [1.0], one.baselines, ()),
            counts=one.counts,
            spend=spend,
            where=one.where,
        )
        for one, each, spend in zip(compared, facts, spent, strict=True)
    )
    names, sizes = compared[0].baselines, [part.problems for part in parts]
    mean = {name: _mean_counts([one.baselines[name] for one in compared], sizes) for name in names}
    whole = Facts.joined(facts)
    verdicts = _verdicts(task, [whole], [1.0], mean, assertions)
    return Judged(replace(verdicts, spend=_mean_spend(parts), parts=parts), whole)


def judge_total(
    judged: Sequence[Judged], weights: Sequence[float], assertions: Sequence[Assertion]
) -> Verdicts:
    """Judge what is asserted of all tasks together, each weighted by its share of the expected problems.

    Args:
        judged: The tasks, judged.
        weights: Of each; they sum to 1.
        assertions: What is asserted of the total.

    Raises:
        UsageError: what is asserted cannot be told of every task.
    """
    return _verdicts(WHOLE, [one.facts for one in judged], weights, {}, assertions)


def _verdicts(
    task: str,
    facts: Sequence[Facts],
    weights: Sequence[float],
    counts: Mapping[str, Counts],
    assertions: Sequence[Assertion],
) -> Verdicts:
    metrics = metrics_of(facts, weights)
    problems = sum(len(one.ours) for one in facts)
    clusters = [len(np.unique(one.clusters)) for one in facts if one.clusters is not None]
    usd, cost = (
        Measured.of(metrics[name]) if name in metrics else None for name in ("spend.usd", "cost_of_pass")
    )
    samples = sum(w * float(one.samples.mean()) for one, w in zip(facts, weights, strict=True))
    return Verdicts(
        task=task,
        problems=problems,
        clusters=sum(clusters) if len(clusters) == len(facts) else None,
        counts=None,
        pass_rate=Measured.of(metrics["pass_rate"]),
        baselines=tuple(
            Baseline(name, counts.get(name, {}), Measured.of(rate), Measured.of(metrics[GAIN + name]))
            for name, rate in rates_of(facts, weights).items()
        ),
        judgements=tuple(_judge(one, _metric(metrics, one, task), problems) for one in assertions),
        executed=Executed(samples, usd, cost),
    )


def _metric(metrics: Mapping[str, Metric], assertion: Assertion, task: str) -> Metric:
    """Return what an assertion is about.

    Raises:
        UsageError: it cannot be told, and why not.
    """
    if assertion.metric in metrics:
        return metrics[assertion.metric]
    why = {
        "spend.usd": "no price is known of what the plan draws",
        "cost_of_pass": "no price is known of what the plan draws",
        EXPECTED: "the plan does not say what it expects; osca plan writes that",
    }.get(assertion.metric, "there is nothing of that name to compare with")
    raise UsageError(f"task '{task}': {assertion.metric} is asserted, but {why}")


def _mean_counts(parts: Sequence[Counts], sizes: Sequence[int]) -> Counts:
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


def _judge(assertion: Assertion, metric: Metric, problems: int) -> Judgement:
    measured = Measured.of(metric, assertion.confidence)
    if assertion.metric == EXPECTED:
        return Judgement(assertion, measured, _kept(measured.interval, assertion.margin), None)
    bounds = _bounds(assertion)
    sides = [_side(measured.interval, bound, sign) for bound, sign in bounds]
    outcome: Outcome = "fail" if "fail" in sides else "inconclusive" if "inconclusive" in sides else "pass"
    decided = _decided_by(measured, [bound for bound, _ in bounds], problems)
    return Judgement(assertion, measured, outcome, decided if outcome == "inconclusive" else None)


def _kept(interval: Interval, margin: float) -> Outcome:
    """Tell whether what was expected may be the truth, give or take a margin."""
    return "pass" if interval[0] <= margin and interval[1] >= -margin else "fail"


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
    half = max(measured.value - measured.interval[0], measured.interval[1] - measured.value)
    distance = min((abs(measured.value - bound) for bound in bounds), default=0.0)
    if not math.isfinite(half) or half >= MOST * distance:
        return None
    return math.ceil(problems * (half / distance) ** 2)
