"""Branch and bound: the best allocation, proved."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from osca_cli.allocate.bound import upper_bound
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.relaxation import Relaxed, relax, round_down
from osca_cli.estimate.rows import Rows, coverage, unsolved_mass
from osca_cli.outcomes.types import Floats, Ints

TOLERANCE = 1e-6
"""Two allocations whose coverage differs by less are equally good."""


@dataclass(slots=True, eq=False)
class _Search:
    """The best counts so far, and what is open: boxes of counts with a bound each, the highest first."""

    rows: Rows
    best: Ints
    value: float
    open: list[tuple[float, int, Limits, Floats]] = field(default_factory=list)
    ties: count[int] = field(default_factory=count)

    def offer(self, counts: Ints) -> None:
        value = coverage(self.rows, counts)
        if value > self.value:
            self.best, self.value = counts, value

    def push(self, limits: Limits, relaxed: Relaxed) -> None:
        if relaxed.bound > self.value + TOLERANCE:
            heapq.heappush(self.open, (-relaxed.bound, next(self.ties), limits, relaxed.counts))


def branch_and_bound(
    rows: Rows, limits: Limits, start: Ints, out_of_time: Callable[[], bool]
) -> tuple[Ints, float]:
    """Improve counts until none can be better by more than 1e-6, or time is out.

    A box of counts ``lower <= x <= upper`` is bounded by the convex relaxation within it, and split at a
    fractional count. Boxes that hold two more samples at most are searched whole.

    Args:
        rows: The estimate.
        limits: What allocations keep.
        start: Good counts, within the limits.
        out_of_time: Asked before every box.

    Returns:
        The best counts, and a coverage that none exceeds.
    """
    search = _Search(rows, start, coverage(rows, start))
    root = relax(rows, limits, start)
    search.push(_without_hopeless(rows, limits, root, search.value), root)
    while search.open and -search.open[0][0] > search.value + TOLERANCE and not out_of_time():
        _, _, box, fractional = heapq.heappop(search.open)
        for half in _halves(box, fractional):
            _explore(search, half, fractional)
    return search.best, max([search.value, *(-entry[0] for entry in search.open)])


def _explore(search: _Search, box: Limits, fractional: Floats) -> None:
    """Search a small box whole; bound a large one, and keep it if it may hold something better."""
    rows = search.rows
    if box.room(box.lower) < 0:
        return
    free = box.most() > box.lower
    if not free.any() or box.room(box.lower) < 3 * float(box.costs[free].min()):
        search.offer(_best_of_small(rows, box))
        return
    near = round_down(rows, box, fractional)
    search.offer(near)
    search.push(box, relax(rows, box, near))


def _halves(box: Limits, fractional: Floats) -> list[Limits]:
    """Split a box at its most fractional count, or where none is, at the widest."""
    off = np.abs(fractional - np.round(fractional))
    free = box.most() > box.lower
    at = int(np.where(free, off, -1.0).argmax())
    if off[at] < 1e-6:
        at = int(np.where(free, np.minimum(box.most(), 2**31) - box.lower, -1).argmax())
    below = int(np.clip(np.floor(fractional[at]), box.lower[at], box.most()[at] - 1))
    upper, lower = box.upper.copy(), box.lower.copy()
    upper[at], lower[at] = below, below + 1
    return [Limits(box.costs, box.budget, box.lower, upper), Limits(box.costs, box.budget, lower, box.upper)]


def _best_of_small(rows: Rows, box: Limits) -> Ints:
    """Return the best of all ways to add up to two samples to the lower counts."""
    room = box.room(box.lower)
    mass = unsolved_mass(rows, box.lower)
    first = rows.steps(box.lower)
    once = np.exp(first)
    failure = (once * mass) @ once.T
    more = box.upper - box.lower
    second = rows.steps(np.minimum(box.lower + 1, rows.horizon))
    failure[np.diag_indices_from(failure)] = np.where(more > 1, np.exp(first + second) @ mass, np.inf)
    fits = box.costs[:, None] + box.costs <= room
    failure[~fits | (more < 1) | (more < 1)[:, None]] = np.inf
    single = np.where((box.costs <= room) & (more > 0), once @ mass, np.inf)
    counts = box.lower.copy()
    if failure.min() <= single.min():
        pair = np.unravel_index(int(failure.argmin()), failure.shape)
        if np.isfinite(failure[pair]):
            np.add.at(counts, list(pair), 1)
    elif single.min() < mass.sum():
        counts[int(single.argmin())] += 1
    return counts


def _without_hopeless(rows: Rows, limits: Limits, root: Relaxed, value: float) -> Limits:
    """Lower the caps to what the root's prices leave possible; most configurations are dropped by that."""
    upper = limits.most()
    for configuration in range(len(upper)):
        low, high = int(limits.lower[configuration]), int(upper[configuration])
        while low < high:
            middle = (low + high + 1) // 2
            lower = limits.lower.copy()
            lower[configuration] = middle
            forced = Limits(limits.costs, limits.budget, lower, limits.upper)
            hopeless = upper_bound(rows, forced, root.prices) <= value + TOLERANCE
            low, high = (low, middle - 1) if hopeless else (middle, high)
        upper[configuration] = low
    return Limits(limits.costs, limits.budget, limits.lower, upper)
