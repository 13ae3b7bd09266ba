"""The convex relaxation: the best allocation if samples could be split.

Failure is convex in fractional counts, since the logarithm of every product is linear between whole
counts. The relaxation is solved over the few configurations that matter, found by pricing the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.allocate.bound import tangent_prices, upper_bound
from osca_cli.allocate.greedy import greedy_order
from osca_cli.allocate.interior_point import Programme, minimise
from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import LEAST, Rows, coverage
from osca_cli.outcomes.types import Floats, Ints, Mask

WINDOW = 3
"""How far from the whole counts at hand the relaxation may move along a curve."""
CLOSED = 1e-9
"""Gap to the whole counts at hand below which the bound need not be better."""
BATCH = 24
"""How many configurations join the programme at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """An optimum of the relaxation.

    Attributes:
        counts: Fractional counts, shape ``(S,)``.
        prices: Weighted failure of each row there: what certifies the bound, shape ``(R,)``.
        bound: The upper bound on coverage that they certify.
    """

    counts: Floats
    prices: Floats
    bound: float


def relax(rows: Rows, limits: Limits, near: Ints) -> Relaxed:
    """Solve the relaxation over the configurations that matter.

    Starts with those drawn at ``near`` and the most promising others, and adds what the optimum's prices
    show to be worth more than the budget spent elsewhere, until nothing is.

    Args:
        rows: The estimate.
        limits: What allocations keep.
        near: Good whole counts, within the limits.
    """
    prices = _without_solved(tangent_prices(rows, near))
    best = Relaxed(near.astype(float), prices, upper_bound(rows, limits, prices))
    free = limits.most() > limits.lower
    active = free & (near > limits.lower)
    joining = _top(_density(rows, limits, prices, near), free & ~active, 0.0)
    value = coverage(rows, near)
    while joining.any() and best.bound > value + CLOSED:
        active |= joining
        counts, prices, worth = _solve(rows, limits, near, active)
        bound = upper_bound(rows, limits, prices)
        if bound < best.bound:
            best = Relaxed(counts, prices, bound)
        joining = _top(_density(rows, limits, prices, near), free & ~active, worth * (1 + 1e-6))
    return best


def round_down(rows: Rows, limits: Limits, fractional: Floats) -> Ints:
    """Return whole counts near fractional ones: rounded down within the limits, filled up greedily."""
    down = np.clip(np.floor(fractional + 1e-6).astype(np.int64), limits.lower, limits.most())
    if limits.room(down) < 0:
        down = limits.lower
    rest = Limits(limits.costs, limits.budget, down, limits.upper)
    return down + np.bincount(greedy_order(rows, rest), minlength=len(down))


def _without_solved(prices: Floats) -> Floats:
    """Give no price to rows that are as good as solved, all together by less than a closed gap.

    Where a large budget solves all that can be solved, this alone certifies it.
    """
    order = np.argsort(prices, kind="stable")
    negligible = order[np.cumsum(prices[order]) <= CLOSED / 2]
    kept = prices.copy()
    kept[negligible] = 0.0
    return kept


def _density(rows: Rows, limits: Limits, prices: Floats, near: Ints) -> Floats:
    """Return the worth per cost of the next sample of each configuration, shape ``(S,)``."""
    slopes = rows.slopes(prices)
    at = np.zeros_like(near) if rows.linear else np.minimum(near, slopes.shape[1] - 1)
    density: Floats = slopes[np.arange(len(near)), at] / limits.prices()
    return density


def _top(density: Floats, candidates: Mask, threshold: float) -> Mask:
    """Pick the best candidates above a threshold, a batch at most."""
    chosen = np.zeros(len(density), bool)
    order = np.argsort(-np.where(candidates, density, -1.0), kind="stable")[:BATCH]
    chosen[order] = candidates[order] & (density[order] > threshold)
    return chosen


def _solve(rows: Rows, limits: Limits, near: Ints, active: Mask) -> tuple[Floats, Floats, float]:
    """Return fractional counts, prices, and the worth of a unit of budget, others staying at their least."""
    chosen, low, high = _windows(rows, limits, near, active)
    counts = limits.lower.astype(float)
    counts[chosen] = low
    base = np.zeros(rows.weights.shape)
    for configuration in np.flatnonzero(counts):
        base += rows.curve(int(configuration), int(counts[configuration]))
    owner, fall, width = _columns(rows, chosen, low, high)
    mass = rows.weights * np.exp(np.maximum(base, LEAST))
    touched = fall.any(axis=0) & (mass > 0)
    room = limits.budget - float(limits.costs @ counts)
    if room <= 1e-9 * limits.budget or not touched.any():
        return counts, mass, 0.0
    z, worth = minimise(Programme(mass[touched], fall[:, touched], limits.costs[owner], width, room))
    np.add.at(counts, owner, z)
    return counts, mass * np.exp(np.maximum(-(z @ fall), LEAST)), worth


def _windows(rows: Rows, limits: Limits, near: Ints, active: Mask) -> tuple[Ints, Ints, Ints]:
    """Return the active configurations with the range of counts that each may move in."""
    chosen = np.flatnonzero(active)
    low, high = limits.lower[chosen], limits.most()[chosen]
    if not rows.linear:
        low = np.maximum(low, near[chosen] - WINDOW)
        high = np.minimum(high, near[chosen] + WINDOW)
    return chosen, low, high


def _columns(rows: Rows, chosen: Ints, low: Ints, high: Ints) -> tuple[Ints, Floats, Floats]:
    """Return the programme's variables: whose sample each is, its fall of log-failure, and its range.

    A linear configuration is one variable; a curve is one for every step, each between 0 and 1.
    """
    if rows.linear:
        fall = np.stack([-rows.curve(int(configuration), 1) for configuration in chosen])
        return chosen, fall, (high - low).astype(float)
    steps = [
        (int(s), k) for s, first, last in zip(chosen, low, high, strict=True) for k in range(first, last)
    ]
    fall = np.stack([rows.curve(s, k) - rows.curve(s, k + 1) for s, k in steps])
    return np.array([s for s, _ in steps]), fall, np.ones(len(steps))
