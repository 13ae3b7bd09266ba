"""Greedy allocation: the next sample is always the one that gains most coverage per cost."""

from __future__ import annotations

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import LEAST, Rows, coverage, unsolved_mass
from osca_cli.outcomes.types import Floats, Ints

NOTHING = 1e-12
"""A gain of coverage below this is rounding."""
DEAR = 4
"""A sample is dear if the budget buys fewer than so many of it: greedy may then fill up before it fits."""
STARTS = 64
"""How many dear configurations are tried first at most."""
WORK = 3_000_000
"""Cells times starts at most: a start of many cells takes longer."""


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
    least half of that. So every dear configuration is tried as the first sample, whatever it costs, and the
    rest of the budget filled up by density (partial enumeration; Khuller, Moss and Naor 1999).
    """
    best = _counts(rows, limits)
    value = coverage(rows, best)
    for first in _dear(rows, limits):
        lower = limits.lower.copy()
        lower[first] += 1
        counts = _counts(rows, Limits(limits.costs, limits.budget, lower, limits.upper))
        if (other := coverage(rows, counts)) > value:
            best, value = counts, other
    return best


def _counts(rows: Rows, limits: Limits) -> Ints:
    drawn = np.bincount(greedy_order(rows, limits), minlength=len(limits.costs))
    return limits.lower + drawn


def _dear(rows: Rows, limits: Limits) -> list[int]:
    """Return the dear configurations whose first sample gains most, the best of all among them.

    There are none where all cost the same, which greedy is right for.
    """
    if len(set(limits.costs.tolist())) == 1:
        return []
    gains = -np.expm1(rows.steps(limits.lower)) @ unsolved_mass(rows, limits.lower)
    gains[limits.most() <= limits.lower] = 0.0
    dear = (limits.costs * DEAR > limits.budget) | (gains == gains.max())
    order = np.argsort(-gains, kind="stable")
    starts = min(STARTS, 1 + WORK // (len(gains) * rows.weights.size))
    return [int(index) for index in order if dear[index] and gains[index] > 0][:starts]
