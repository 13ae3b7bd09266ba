"""What the best plan would lose without some configurations, such as those of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from osca_cli.errors import UsageError
from osca_cli.estimate.rows import coverage
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Estimator, learn
from osca_cli.plan.decision import Search
from osca_cli.spec.types import Budget


def losses(
    outcomes: Outcomes,
    budget: Budget,
    groups: Mapping[str, Sequence[str]],
    *,
    estimator: Estimator = "auto",
) -> dict[str, float]:
    """Return how much less of the training problems is covered without each group, planned anew.

    Under one estimate, in which all configurations have a part: what is lost is their samples, not what
    they tell of problems.

    Args:
        outcomes: What was sampled.
        budget: Per problem.
        groups: Names of configurations, by name of the group.
        estimator: How pass rates are estimated.

    Returns:
        By name of the group; all that is covered where nothing else can be drawn.
    """
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)
    rows = learn(train, estimator, limits).rows
    find = Search().find
    best = find(rows, limits)
    value = coverage(rows, best)
    drawn = {name for name, count in zip(train.configurations, best, strict=True) if count}
    lost = {}
    for group, names in groups.items():
        if not drawn & set(names):
            lost[group] = 0.0  # a plan without it is the best one already
            continue
        try:
            rest = limits_of(train, budget, forbid=names)
        except UsageError:
            lost[group] = value
            continue
        lost[group] = max(0.0, value - coverage(rows, find(rows, rest)))
    return lost
