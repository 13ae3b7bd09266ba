"""The baselines of a budget: what a user would draw without osca, chosen on the training problems."""

from __future__ import annotations

import numpy as np

from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Estimator, choose, estimate
from osca_cli.spec.types import Budget


def baselines(outcomes: Outcomes, budget: Budget, estimator: Estimator) -> dict[str, dict[str, float]]:
    """Return the allocations of ``best_pure`` and ``uniform``, by name of the configuration.

    A budget that buys 2.6 samples of the best pure configuration gives the count 2.6: two samples on 40% of
    the problems, three on 60%.

    Raises:
        UsageError: no training problem has samples, or the budget is below one sample.
    """
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)
    nothing = np.zeros(len(outcomes.configurations), np.int64)
    choice = choose(train, limits, estimate(train, estimator, limits), lambda *_: nothing)
    pure, count = choice.best_pure
    even = zip(outcomes.configurations, choice.uniform.tolist(), strict=True)
    return {
        "best_pure": {outcomes.configurations[pure]: count},
        "uniform": {name: float(number) for name, number in even if number},
    }
