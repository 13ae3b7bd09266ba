"""Which part of very large outcomes a model is fitted to."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from osca_cli.allocate.greedy import greedy
from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import RateRows, log_failure
from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes

CONFIGURATIONS = 150
"""Up to so many configurations are all kept."""
BEST = 100
"""Of more, the plug-in plan's are, so many with the best pass rates, and so many that it would add next."""
PROBLEMS = 2000
"""Of more problems, so many are looked at: those with the least hash of their ids."""


def screened_problems(outcomes: Outcomes) -> Mask:
    """Return which problems to look at, shape ``(P,)``."""
    count = len(outcomes.problems)
    if count <= PROBLEMS:
        return np.ones(count, np.bool_)
    order = sorted(range(count), key=lambda index: sha256(outcomes.problems[index].encode()).digest())
    chosen = np.zeros(count, np.bool_)
    chosen[order[:PROBLEMS]] = True
    return chosen


def screened_configurations(outcomes: Outcomes, limits: Limits) -> Ints:
    """Return the configurations that may have part in a good plan, ascending.

    The rates are ``(c + 1/4) / (n + 1/2)``: where nothing passed yet, something may.

    Args:
        outcomes: The problems to look at.
        limits: What the plan is to keep; what it requires stays, what it forbids goes.
    """
    allowed = limits.upper > 0
    if allowed.sum() <= CONFIGURATIONS:
        return np.flatnonzero(allowed)
    drawn, passed = outcomes.all_samples
    rates = (passed + 0.25) / (drawn + 0.5)
    rows = RateRows.of(rates)
    counts = greedy(rows, limits)
    gains = rates @ (rows.weights * np.exp(log_failure(rows, counts)))
    per_cost = gains / np.maximum(limits.costs, 1e-300)
    kept = (counts > 0) | (limits.lower > 0)
    kept |= _top(rates.mean(axis=1), allowed) | _top(per_cost, allowed)
    return np.flatnonzero(kept)


def _top(values: Floats, allowed: Mask) -> Mask:
    best = np.zeros(len(values), np.bool_)
    best[np.argsort(-np.where(allowed, values, -1.0), kind="stable")[:BEST]] = True
    return best & allowed
