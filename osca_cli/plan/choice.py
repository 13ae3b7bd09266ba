"""Choosing: from training outcomes and a budget to an allocation and its baselines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias, get_args

import numpy as np

from osca_cli.allocate.baselines import best_pure, by_pass_rate, uniform
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import round_robin, schedule
from osca_cli.estimate.among import Among
from osca_cli.estimate.beta import beta, fit_priors
from osca_cli.estimate.hierarchical import FRESH, FRESH_BY_COST, Model
from osca_cli.estimate.plugin import mean_rates, plugin
from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.extrapolation import Extrapolation
from osca_cli.plan.screening import screened_configurations, screened_problems

Estimator: TypeAlias = Literal["auto", "plugin", "beta", "hierarchical"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What is known of pass rates.

    Attributes:
        rows: What solvers see.
        name: The estimator that made them.
        narrowed: Makes the rows of some of the problems, from what was learned from all.
        extrapolation: What it makes of cells beyond their samples, if it can.
    """

    rows: Rows
    name: Estimator
    narrowed: Callable[[Outcomes], Rows]
    extrapolation: Extrapolation | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """An allocation, its order, and the baselines chosen from the same problems.

    Attributes:
        counts: Shape ``(S,)``.
        schedule: Indices of configurations, exactly the counts.
        best_pure: Index of the best single configuration, and its samples (perhaps in fractions).
        uniform: Counts of the even spread, shape ``(S,)``.
        turns: The order in which the even spread draws.
        limits: What all of them keep.
        beyond: How the order goes on after the schedule, where the problems of a batch share the budget.
        rounds: How many samples are drawn together, round by round; empty where they are drawn one by one.
        gives_up_after: Samples after which a problem is left; None where it is given all.
    """

    counts: Ints
    schedule: tuple[int, ...]
    best_pure: tuple[int, float]
    uniform: Ints
    turns: tuple[int, ...]
    limits: Limits
    beyond: tuple[int, ...] = ()
    rounds: tuple[int, ...] = ()
    gives_up_after: int | None = None

    @property
    def order(self) -> tuple[int, ...]:
        """The schedule and what goes on after it."""
        return self.schedule + self.beyond


def estimate(outcomes: Outcomes, estimator: Estimator, limits: Limits) -> Rows:
    """Return the rows of :func:`learn`, where nothing is to be extrapolated."""
    return learn(outcomes, estimator, limits).rows


def learn(outcomes: Outcomes, estimator: Estimator, limits: Limits) -> Estimate:
    """Estimate log-failure curves from the training problems given, up to the counts that limits allow.

    ``auto`` is the hierarchical model. It is fitted to a part of very large outcomes.
    """
    horizon = _horizon(limits)
    match estimator:
        case "plugin":
            return Estimate(plugin(outcomes), estimator, plugin)
        case "beta":
            priors = fit_priors(outcomes)
            narrowed = partial(beta, horizon=horizon, priors=priors)
            return Estimate(narrowed(outcomes), estimator, narrowed)
        case "auto" | "hierarchical":
            return _hierarchical(outcomes, limits, horizon)


def _horizon(limits: Limits) -> int:
    """Return the largest count that is looked up: baselines round what a budget in cost buys up, too."""
    most = int(limits.most().max())
    in_samples = bool(np.all(limits.costs == 1)) and limits.budget == int(limits.budget)
    return most if in_samples else most + 1


def _hierarchical(outcomes: Outcomes, limits: Limits, horizon: int) -> Estimate:
    looked_at = outcomes.select(problems=screened_problems(outcomes))
    kept = screened_configurations(looked_at, limits)
    looked_at = looked_at.select(configurations=kept.tolist())
    model = Model.fit(looked_at)
    alike = bool(np.all(limits.costs == limits.costs[0]))
    fresh = FRESH if alike else FRESH_BY_COST

    def among(rows: Rows) -> Rows:
        every = len(outcomes.configurations)
        return rows if len(kept) == every else Among(rows, kept, every)

    def narrowed(some: Outcomes) -> Rows:
        part = some.select(problems=screened_problems(some)).select(configurations=kept.tolist())
        return among(model.narrowed(part).rows(part, horizon, fresh))

    rows = among(model.rows(looked_at, horizon, fresh))
    return Estimate(rows, "hierarchical", narrowed, Extrapolation(model, kept))


def choose(outcomes: Outcomes, limits: Limits, rows: Rows, find: Callable[[Rows, Limits], Ints]) -> Choice:
    """Choose an allocation and the baselines.

    What the solver leaves of the budget, since more samples would gain nothing on the training problems,
    goes to all configurations in turns, the best pass rate per cost first: new problems differ.

    Args:
        outcomes: Training problems only.
        limits: What allocations keep.
        rows: Their estimate.
        find: The solver.
    """
    rates = mean_rates(outcomes)
    preference, turns = by_pass_rate(rates / limits.prices()), by_pass_rate(rates)
    counts = round_robin(preference, limits, find(rows, limits))
    return Choice(
        counts,
        tuple(schedule(rows, counts, limits.costs, preference)),
        best_pure(rows, limits),
        uniform(turns, limits),
        tuple(turns),
        limits,
    )


def fraction(size: int, pure: tuple[int, float]) -> Floats:
    """Return a pure allocation as counts, shape ``(S,)``."""
    counts = np.zeros(size)
    counts[pure[0]] = pure[1]
    return counts
