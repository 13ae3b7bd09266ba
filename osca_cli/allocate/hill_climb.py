"""The paper's algorithm: coordinate ascent over the samples of the budget, from random starts."""

from __future__ import annotations

import numpy as np

from osca_cli.allocate.greedy import NOTHING
from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import Rows, coverage, unsolved_mass
from osca_cli.outcomes.types import Ints


def hill_climb(rows: Rows, limits: Limits, *, seed: int, starts: int = 3) -> Ints:
    """Choose counts by hill climbing (OSCA, arXiv 2410.22480, algorithm 1); a baseline for the others.

    Each sample of a random allocation in turn is given to the configuration that gains most, until a whole
    round changes nothing. The best of several starts, judged on the training rows, is returned. (The
    paper's release has one unseeded start.)

    Args:
        rows: The estimate.
        limits: What the result keeps.
        seed: Of the random starts.
        starts: How many.
    """
    random = np.random.default_rng(seed)
    found = [_climb(rows, limits, _random_counts(limits, random, rows.horizon)) for _ in range(starts)]
    return max(found, key=lambda counts: coverage(rows, counts))


def _random_counts(limits: Limits, random: np.random.Generator, horizon: int) -> Ints:
    """Draw configurations at random until nothing fits any more."""
    counts, room = limits.lower.copy(), limits.room(limits.lower)
    most = np.minimum(limits.most(), horizon)
    while (fits := np.flatnonzero((counts < most) & (limits.costs <= room))).size:
        drawn = int(random.choice(fits))
        counts[drawn] += 1
        room -= limits.costs[drawn]
    return counts


def _climb(rows: Rows, limits: Limits, counts: Ints) -> Ints:
    counts = counts.copy()
    improved = True
    while improved:
        improved = False
        for position in np.repeat(np.arange(len(counts)), counts - limits.lower):
            improved |= _reassign(rows, limits, counts, int(position))
    return counts


def _reassign(rows: Rows, limits: Limits, counts: Ints, giver: int) -> bool:
    """Give one sample of a configuration to the one that gains most with it; tell whether that is another."""
    if counts[giver] <= limits.lower[giver]:
        return False
    counts[giver] -= 1
    mass = unsolved_mass(rows, counts)
    gains = -np.expm1(rows.steps(counts)) @ mass
    fits = (counts < np.minimum(limits.upper, rows.horizon)) & (limits.costs <= limits.room(counts))
    taker = int(np.where(fits, gains, -1.0).argmax())
    better = gains[taker] > gains[giver] + NOTHING
    counts[taker if better else giver] += 1
    return bool(better)
