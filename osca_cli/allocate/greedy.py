"""Greedy allocation: the next sample is always the one that gains most coverage per cost."""

from __future__ import annotations

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import LEAST, Rows, coverage, unsolved_mass
from osca_cli.outcomes.types import Floats, Ints

NOTHING = 1e-12
"""A gain of coverage below this is rounding."""


def greedy_order(rows: Rows, limits: Limits) -> list[int]:
    """Return configurations in the order that greedy draws them, after the required ones.

    Coverage is monotone and has diminishing returns in every count, so a gain computed earlier bounds the
    gain now, and only the candidate at the top is computed again (Minoux 1978). Stops when nothing that
    fits gains anything.
    """
    counts = limits.lower.copy()
    most = limits.most()
    room = limits.room(counts)
    mass = unsolved_mass(rows, counts)
    chance = -np.expm1(rows.steps(counts))
    price = limits.prices()
    density = (chance @ mass) / price
    order: list[int] = []
    while True:
        best = int(density.argmax())
        if density[best] * price[best] <= NOTHING:
            return order
        if counts[best] >= most[best] or limits.costs[best] > room:
            density[best] = 0.0
            continue
        density[best] = (chance[best] @ mass) / price[best]
        if density[best] < density.max():
            continue
        mass = np.maximum(mass * (1 - chance[best]), np.exp(LEAST))
        if not rows.linear:
            chance[best] = _chance(rows, best, int(counts[best]) + 1)
        counts[best] += 1
        room -= limits.costs[best]
        order.append(best)


def _chance(rows: Rows, configuration: int, count: int) -> Floats:
    """Return the probability that the sample after ``count`` samples passes if they all failed."""
    if count >= rows.horizon:
        return np.zeros(rows.weights.shape)
    step = rows.curve(configuration, count + 1) - rows.curve(configuration, count)
    return -np.expm1(step)


def greedy(rows: Rows, limits: Limits) -> Ints:
    """Choose counts greedily.

    With a budget in samples the result has at least ``1 - 1/e`` of the best coverage (Nemhauser, Wolsey
    and Fisher 1978). With costs, the better of greedy by density and the best single configuration has at
    least half of that: the one that gains most, filled up greedily, is tried too.
    """
    best = _counts(rows, limits)
    if len(set(limits.costs.tolist())) > 1:
        best = max(best, _from_best_single(rows, limits), key=lambda counts: coverage(rows, counts))
    return best


def _counts(rows: Rows, limits: Limits) -> Ints:
    drawn = np.bincount(greedy_order(rows, limits), minlength=len(limits.costs))
    return limits.lower + drawn


def _from_best_single(rows: Rows, limits: Limits) -> Ints:
    """Draw the single sample that gains most, whatever it costs, and continue by density."""
    mass = unsolved_mass(rows, limits.lower)
    gains = -np.expm1(rows.steps(limits.lower)) @ mass
    gains[limits.most() <= limits.lower] = 0.0
    lower = limits.lower.copy()
    lower[int(gains.argmax())] += bool(gains.max() > 0)
    return _counts(rows, Limits(limits.costs, limits.budget, lower, limits.upper))
