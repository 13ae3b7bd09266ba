"""From a budget to the limits that solvers keep: costs, caps, what is required and forbidden."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from osca_cli.allocate.limits import SLACK, Limits
from osca_cli.errors import UsageError
from osca_cli.outcomes.types import UNLIMITED, Floats, Ints, Mask, Outcomes
from osca_cli.spec.types import Budget


def limits_of(
    outcomes: Outcomes, budget: Budget, *, require: Collection[str] = (), forbid: Collection[str] = ()
) -> Limits:
    """Return the limits of a budget per problem.

    A sample costs the mean over the training problems of its cells' mean cost.

    Args:
        outcomes: The training problems.
        budget: Its kind says what samples cost.
        require: Configurations to draw at least once.
        forbid: Configurations not to draw.

    Raises:
        UsageError: a cost is unknown, the budget buys nothing or what is required costs more, a name is
            unknown, or a free configuration has no cap.
    """
    upper = _caps(outcomes, forbid)
    costs = _costs(outcomes, budget)
    _check_costs(outcomes, budget, costs, upper)
    lower = _named(outcomes, require).astype(np.int64)
    limits = Limits(np.where(upper > 0, costs, 1.0), float(budget.amount), lower, upper)
    _check(outcomes, budget, limits)
    return limits


def _caps(outcomes: Outcomes, forbid: Collection[str]) -> Ints:
    """Return caps: of a deterministic configuration one, of what has no sample or is forbidden none."""
    once = np.where(outcomes.deterministic, 1, UNLIMITED)
    known = outcomes.n.any(axis=1) & ~_named(outcomes, forbid)
    return np.where(known, np.minimum(outcomes.max_samples, once), 0)


def _named(outcomes: Outcomes, names: Collection[str]) -> Mask:
    if unknown := sorted(set(names) - set(outcomes.configurations)):
        raise UsageError(f"configuration {unknown[0]!r} is not among the outcomes")
    return np.array([name in names for name in outcomes.configurations])


def _costs(outcomes: Outcomes, budget: Budget) -> Floats:
    """Return the mean cost of one sample of each configuration, shape ``(S,)``; NaN where unknown."""
    if budget.kind == "samples":
        return np.ones(len(outcomes.configurations))
    if budget.kind not in outcomes.costs:
        raise UsageError(f"the budget of {budget} needs costs in {budget.kind}, and none is known")
    cost = outcomes.costs[budget.kind]
    known = ~np.isnan(cost)
    number = known.sum(axis=1)
    mean = np.where(known, cost, 0.0).sum(axis=1) / np.maximum(number, 1)
    return np.where(number > 0, mean, np.nan)


def _check_costs(outcomes: Outcomes, budget: Budget, costs: Floats, upper: Ints) -> None:
    """Refuse a configuration without a known cost, and one that is free without end."""
    for index in np.flatnonzero(upper > 0):
        name = outcomes.configurations[index]
        if np.isnan(costs[index]):
            raise UsageError(
                f"configuration {name!r} has no known cost in {budget.kind}, which the budget is in"
            )
        if costs[index] == 0 and upper[index] == UNLIMITED:
            raise UsageError(
                f"configuration {name!r} costs nothing: give it max_samples, or it is drawn for ever"
            )


def _check(outcomes: Outcomes, budget: Budget, limits: Limits) -> None:
    usable = limits.upper > 0
    if not usable.any():
        raise UsageError("no configuration may be drawn: none has samples on the training problems")
    if np.any(limits.lower > limits.upper):
        name = outcomes.configurations[int(np.argmax(limits.lower > limits.upper))]
        raise UsageError(f"configuration {name!r} is required, but may not be drawn")
    cheapest = float(limits.costs[usable].min())
    if budget.amount * SLACK < cheapest:
        raise UsageError(
            f"the budget of {budget} is below one sample: the cheapest costs {cheapest:g} {budget.kind}"
        )
    if limits.room(limits.lower) < 0:
        needed = float(limits.costs @ limits.lower)
        raise UsageError(f"the required configurations cost {needed:g} {budget.kind}, more than {budget}")
