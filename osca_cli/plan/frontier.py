"""The frontier: what plans and their rivals reach, budget by budget, on problems that chose nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.errors import UsageError
from osca_cli.estimate.intervals import mean_interval, paired_interval
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Choice, Estimate, Estimator, choose, fraction, learn
from osca_cli.plan.crossvalidation import CrossValidation, cross_validate
from osca_cli.plan.decision import Search
from osca_cli.plan.extrapolation import TRUST, Extrapolation
from osca_cli.plan.planner import usd_per_sample
from osca_cli.plan.replay import failure_of
from osca_cli.plan.result import Gain, Measured
from osca_cli.spec.types import Budget

REACH = 4
"""So many budgets are looked at beyond the one that is asked for."""


@dataclass(frozen=True, slots=True)
class Rival:
    """What would be drawn without a plan, at one budget.

    Attributes:
        measured: Its pass rate on new problems.
        gain: Of the plan over it, on the same problems.
    """

    measured: Measured
    gain: Gain

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --frontier --json``."""
        return self.measured.to_json() | {"plan_gains": self.gain.to_json()}


@dataclass(frozen=True, slots=True)
class Point:
    """What one budget buys, by cross-validation.

    Attributes:
        budget: Per problem.
        plan: Of plans made for this budget.
        rivals: ``best_pure``, ``uniform``, and configurations by name.
        samples: That the plan draws when it stops at the first pass.
        usd: What these cost; None where a price is unknown.
        extrapolated: Share of problems with fewer samples in a cell than the plan draws: there a model says
            a part of the answer.
    """

    budget: Budget
    plan: Measured
    rivals: Mapping[str, Rival]
    samples: float
    usd: float | None
    extrapolated: float

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --frontier --json``."""
        return {
            "budget": {self.budget.kind: self.budget.amount},
            "plan": self.plan.to_json() | {"samples": self.samples, "usd": self.usd},
            **{name: rival.to_json() for name, rival in self.rivals.items()},
            "extrapolated": self.extrapolated,
        }


def budgets_around(budget: Budget, outcomes: Outcomes) -> list[Budget]:
    """Return budgets from the least that buys a sample to some times the one given, itself among them.

    Args:
        budget: Per problem.
        outcomes: The task's, for the cost of a sample where the budget is in costs.
    """
    amount, most = budget.amount, budget.amount * REACH
    if budget.kind == "samples":
        steps = [step for i in range(64) for step in (2**i, 3 * 2 ** (i - 1)) if 1 <= step <= most]
        amounts = sorted({float(step) for step in steps if step == int(step)} | {amount, most})
    else:
        least = _cheapest(outcomes, budget)
        below = [amount / 2 ** (i / 2) for i in range(1, 24) if amount / 2 ** (i / 2) >= least]
        amounts = [*sorted(below), *(amount * 2 ** (i / 2) for i in range(5))]
    return [Budget(budget.kind, one) for one in amounts]


def in_usd(outcomes: Outcomes, budget: Budget, allocation: Mapping[str, float]) -> Budget | None:
    """Return what an allocation costs on a training problem, all drawn, as a budget; None where unknown."""
    if budget.kind == "usd":
        return budget
    train = outcomes.select(problems=outcomes.train)
    usd = np.nanmean(usd_per_sample(train), axis=1) if "usd" in train.costs else np.array([np.nan])
    if np.isnan(usd).any() or not np.all(usd > 0):
        return None
    row = {name: index for index, name in enumerate(train.configurations)}
    return Budget("usd", float(sum(count * usd[row[name]] for name, count in allocation.items())))


def frontier(
    outcomes: Outcomes,
    budgets: Sequence[Budget],
    *,
    estimator: Estimator = "auto",
    named: Sequence[str] = (),
) -> list[Point]:
    """Plan for each budget, and say what that and its rivals reach on problems that chose nothing.

    Rates are estimated once a fold; for each budget the allocation and the baselines are chosen anew.

    Args:
        outcomes: What was sampled, with its split.
        budgets: Of one kind, ascending.
        estimator: How pass rates are estimated.
        named: Configurations that are rivals, too: what is drawn today.

    Returns:
        A point for each budget that can be spent; none where nothing can be cross-validated.

    Raises:
        UsageError: nothing can be planned for the largest budget.
    """
    train = outcomes.select(problems=outcomes.train)
    usd = usd_per_sample(train)
    learned: dict[tuple[str, ...], Estimate] = {}
    widest = limits_of(train, budgets[-1])
    points = []
    for budget in budgets:
        try:
            limits = limits_of(train, budget)
        except UsageError:
            continue  # below the cheapest sample
        folds: list[tuple[Outcomes, Choice, Extrapolation | None]] = []

        def choose_anew(
            rest: Outcomes,
            limits: Limits = limits,
            folds: list[tuple[Outcomes, Choice, Extrapolation | None]] = folds,
        ) -> tuple[Choice, Extrapolation | None]:
            if rest.problems not in learned:
                learned[rest.problems] = learn(rest, estimator, widest)
            known = learned[rest.problems]
            choice = choose(rest, limits, known.rows, Search().find)
            folds.append((rest, choice, known.extrapolation))
            return choice, known.extrapolation

        validation = cross_validate(train, usd, choose_anew, factors=False)
        if validation is not None and len(validation.plan) > 1:
            today = _named(train, limits, folds, named) if not validation.left_out else {}
            points.append(_point(budget, validation, today))
    return points


def _cheapest(outcomes: Outcomes, budget: Budget) -> float:
    limits = limits_of(outcomes.select(problems=outcomes.train), replace(budget, share="none"))
    return float(limits.costs[limits.upper > 0].min())


def _named(
    train: Outcomes,
    limits: Limits,
    folds: Sequence[tuple[Outcomes, Choice, Extrapolation | None]],
    named: Sequence[str],
) -> dict[str, Floats]:
    """Return what single configurations cover, each drawn as often as a budget buys, fold after fold."""
    found = {}
    for name in named:
        row = train.configurations.index(name)
        count = min(float(limits.upper[row]), limits.budget / float(limits.costs[row]))
        counts = fraction(len(train.configurations), (row, count))
        parts = []
        for rest, _, extrapolation in folds:
            left = train.select(problems=~np.isin(train.problems, rest.problems))
            model = extrapolation.to(left) if extrapolation is not None else None
            parts.append(1 - failure_of(left, counts, model, TRUST))
        found[name] = np.concatenate(parts)
    return found


def _point(budget: Budget, validation: CrossValidation, named: Mapping[str, Floats]) -> Point:
    doubt = validation.doubt
    rivals = {
        "best_pure": _rival(validation, validation.best_pure, doubt.best_pure, doubt.over_best_pure),
        "uniform": _rival(validation, validation.uniform, doubt.uniform, doubt.over_uniform),
    } | {name: _rival(validation, covered, 0.0, doubt.plan) for name, covered in named.items()}
    usd = float(validation.usd.mean())
    return Point(
        budget,
        _measured(validation.plan, doubt.plan),
        rivals,
        float(validation.samples.mean()),
        None if np.isnan(usd) else usd,
        validation.extrapolated / len(validation.plan),
    )


def _rival(validation: CrossValidation, covered: Floats, doubt: float, of_gain: float) -> Rival:
    gain = Gain(*paired_interval(validation.plan, covered, of_gain))
    return Rival(_measured(covered, doubt), gain)


def _measured(values: Floats, doubt: float) -> Measured:
    mean, interval = mean_interval(values, doubt)
    return Measured(mean, interval, len(values))
