"""Local search: exchange one sample for another while coverage rises."""

from __future__ import annotations

import numpy as np

from osca_cli.allocate.greedy import NOTHING, greedy_order
from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import Rows, log_failure
from osca_cli.outcomes.types import Floats, Ints

TAKERS = 64
"""How many configurations an exchange may go to: those with the highest gain per cost."""


def swap(rows: Rows, limits: Limits, counts: Ints) -> Ints:
    """Apply the best single exchange again and again, and spend what a cheaper sample leaves.

    Args:
        rows: The estimate.
        limits: What the result keeps.
        counts: Where to start, within the limits.

    Returns:
        Counts that no exchange of one sample improves.
    """
    counts = counts.copy()
    while (exchange := _best_exchange(rows, limits, counts)) is not None:
        out, into = exchange
        counts[out] -= 1
        counts[into] += 1
        rest = Limits(limits.costs, limits.budget, counts, limits.upper)
        counts += np.bincount(greedy_order(rows, rest), minlength=len(counts))
    return counts


def _best_exchange(rows: Rows, limits: Limits, counts: Ints) -> tuple[int, int] | None:
    """Return which configuration gives a sample to which, or None where nothing gains."""
    givers = np.flatnonzero(counts > limits.lower)
    takers = _promising(rows, limits, counts)
    if not givers.size or not takers.size:
        return None
    now = log_failure(rows, counts)
    without = np.stack([now - _last_step(rows, int(giver), int(counts[giver])) for giver in givers])
    mass = rows.weights * np.exp(without)
    chance = -np.expm1(rows.steps(counts)[takers])
    failure = mass.sum(axis=1)[:, None] - mass @ chance.T
    affordable = limits.costs[takers] <= limits.room(counts) + limits.costs[givers, None]
    failure[~affordable | (givers[:, None] == takers)] = np.inf
    best = np.unravel_index(int(failure.argmin()), failure.shape)
    if failure[best] >= rows.weights @ np.exp(now) - NOTHING:
        return None
    return int(givers[best[0]]), int(takers[best[1]])


def _promising(rows: Rows, limits: Limits, counts: Ints) -> Ints:
    """Return the configurations whose next sample gains most per cost, in their own order."""
    may = counts < np.minimum(limits.upper, rows.horizon)
    mass = rows.weights * np.exp(log_failure(rows, counts))
    density = -np.expm1(rows.steps(counts)) @ mass / limits.prices()
    best = np.argsort(-np.where(may, density, -1.0), kind="stable")[:TAKERS]
    return np.sort(best[may[best]])


def _last_step(rows: Rows, configuration: int, count: int) -> Floats:
    return rows.curve(configuration, count) - rows.curve(configuration, count - 1)
