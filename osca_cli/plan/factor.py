"""How much more a baseline needs to solve as much as the plan does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from osca_cli.allocate.baselines import uniform
from osca_cli.allocate.limits import Limits
from osca_cli.outcomes.types import Floats
from osca_cli.plan.choice import Choice, fraction
from osca_cli.plan.result import ComputeFactor

MOST = 8
"""So many budgets are looked at; a baseline that needs more needs "at least" so many."""
GRAIN = 64
"""Parts of a budget in cost that a factor is told in; of one in samples, it is the sample."""


def pure_at(choice: Choice, times: float) -> Floats:
    """Return the counts of the best pure configuration for so many budgets, shape ``(S,)``."""
    index, count = choice.best_pure
    most = float(choice.limits.upper[index])
    return fraction(len(choice.counts), (index, min(most, count * times)))


def uniform_at(choice: Choice, times: float) -> Floats:
    """Return the counts of the even spread for so many budgets, shape ``(S,)``."""
    limits = choice.limits
    nothing = np.zeros_like(limits.lower)
    return uniform(choice.turns, Limits(limits.costs, limits.budget * times, nothing, limits.upper)).astype(
        float
    )


def compute_factor(limits: Limits, coverage: Callable[[float], float], reached: float) -> ComputeFactor:
    """Return how many budgets a baseline needs to reach a coverage.

    Args:
        limits: Of one budget.
        coverage: What the baseline covers with so many budgets; never less with more.
        reached: What it is to reach.
    """
    in_samples = bool(np.all(limits.costs == 1)) and limits.budget == int(limits.budget)
    grain = int(limits.budget) if in_samples else GRAIN
    low, high = 1, MOST * grain
    if coverage(MOST) < reached:
        return ComputeFactor(float(MOST), at_least=True)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if coverage(middle / grain) >= reached else (middle + 1, high)
    return ComputeFactor(low / grain, at_least=False)
