"""Local search: exchange one sample for another while coverage rises."""

from __future__ import annotations

import numpy as np

from osca_cli.allocate.greedy import greedy_order
from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import LEAST, Rows, log_failure, unsolved_mass
from osca_cli.outcomes.types import Floats, Ints

TAKERS = 64
"""How many configurations an exchange may go to besides those drawn: those with the highest gain per cost."""
WORTH_IT = 1e-9
"""An exchange that gains less coverage is left alone."""


def swap(rows: Rows, limits: Limits, counts: Ints) -> Ints:
    """Apply the best single exchange again and again, and spend what a cheaper sample leaves.

    Args:
        rows: The estimate.
        limits: What the result keeps.
        counts: Where to start, within the limits.

    Returns:
        Counts that no exchange of one sample, to a configuration drawn or promising, improves.
    """
    counts = counts.copy()
    takers = _promising(rows, limits, counts)
    while (exchange := _best_exchange(rows, limits, counts, takers)) is not None:
        out, into = exchange
        counts[out] -= 1
        counts[into] += 1
        if limits.room(counts) >= limits.costs[takers].min():
            rest = Limits(limits.costs, limits.budget, counts, limits.upper)
            counts += np.bincount(greedy_order(rows, rest), minlength=len(counts))
    return counts


def _best_exchange(rows: Rows, limits: Limits, counts: Ints, takers: Ints) -> tuple[int, int] | None:
    """Return which configuration gives a sample to which, or None where nothing gains."""
    givers = np.flatnonzero(counts > limits.lower)
    if not givers.size or not takers.size:
        return None
    now = log_failure(rows, counts)
    without = np.stack([now - _last_step(rows, int(giver), int(counts[giver])) for giver in givers])
    mass = rows.weights * np.exp(np.maximum(without, LEAST))
    failure = mass @ np.exp(rows.steps(counts)[takers]).T
    affordable = limits.costs[takers] <= limits.room(counts) + limits.costs[givers, None]
    full = counts[takers] >= np.minimum(limits.upper[takers], rows.horizon)
    failure[~affordable | (givers[:, None] == takers) | full] = np.inf
    best = np.unravel_index(int(failure.argmin()), failure.shape)
    if failure[best] >= rows.weights @ np.exp(now) - WORTH_IT:
        return None
    return int(givers[best[0]]), int(takers[best[1]])


def _promising(rows: Rows, limits: Limits, counts: Ints) -> Ints:
    """Return the configurations drawn, and those whose next sample gains most per cost, in order."""
    may = limits.upper > counts
    mass = unsolved_mass(rows, counts)
    density = -np.expm1(rows.steps(counts)) @ mass / limits.prices()
    best = np.argsort(-np.where(may, density, -1.0), kind="stable")[:TAKERS]
    return np.union1d(best[may[best]], np.flatnonzero(counts))


def _last_step(rows: Rows, configuration: int, count: int) -> Floats:
    return rows.curve(configuration, count) - rows.curve(configuration, count - 1)
