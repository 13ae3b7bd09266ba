"""Sequences that stop at the first accept of a verifier that accepts some wrong samples.

With pass rate ``p`` and a rate ``q`` at which wrong samples are accepted, a sample is accepted with
probability ``a = p + (1 - p) q``: rightly with ``t = p``, wrongly with ``f = (1 - p) q``. It is rejected with
``(1 - p)(1 - q)``, so that ``f = (1 - a) q / (1 - q)``: **every rejected sample stands for q / (1 - q) wrong
accepts**, whatever ``p`` is. Summed over a sequence that stops at the first accept,

    P(wrong accept) = q / (1 - q) * E[samples rejected]
    P(right answer) = P(accept) - P(wrong accept)

Both need nothing but what the verifier said. That false accepts cap what resampling reaches, and that more
samples lose from some point on, is shown in arXiv 2411.17501.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from osca_cli.allocate.greedy import NOTHING
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import survival
from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Floats

Unaccepted: TypeAlias = Callable[[Sequence[int]], Floats]

WRONG_COSTS = 1.0
"""What a wrong accept takes away, where a right answer brings 1."""


def wrong_per_reject(rate: float) -> float:
    """Return how many wrong accepts a rejected sample stands for, of false accepts at this rate below 1."""
    return rate / (1 - rate)


def net_utility(unaccepted: Floats, rate: float) -> Floats:
    """Return right answers less wrong accepts of every prefix of a sequence, per problem.

    Args:
        unaccepted: Share of problems without an accept after 0, 1, 2… samples, shape ``(C + 1,)``.
        rate: At which wrong samples are accepted.

    Returns:
        Shape ``(C + 1,)``.
    """
    rejected = np.concatenate([[0.0], np.cumsum(unaccepted[1:])])
    return 1 - unaccepted - (1 + WRONG_COSTS) * wrong_per_reject(rate) * rejected


def accept_first(
    rows: Rows,
    limits: Limits,
    rate: float,
    naive: Sequence[int],
    unaccepted: Callable[[Sequence[int]], Floats],
) -> list[int]:
    """Choose what to draw, in which order, and where to stop: one sample at least.

    The naive plan is cut where it is worth most. Greedy by marginal utility per cost, greedy by marginal
    utility, and all three improved by adjacent swaps, are cut as well, and replace it where they are worth
    more both by what was seen and under the rows. So the result is worth at least as much as the naive plan,
    and at a rate of 0 it is that plan, if the naive plan is the best for the rows.

    Args:
        rows: Log-failure of what the verifier accepts, which sequences are made for.
        limits: What the sequence keeps; nothing is required.
        rate: At which wrong samples are accepted.
        naive: The plan that trusts the verifier, at least one sample.
        unaccepted: Tells what share of problems is seen without an accept after 0, 1, 2… samples of a
            sequence, by which sequences are cut; :func:`survival` of the rows, where nothing else is known.
    """
    prices = [limits.prices(), np.ones_like(limits.costs)]
    best = _cut(naive, rate, unaccepted)
    for begun in (naive, *(_greedy(rows, limits, rate, price) for price in prices)):
        for order in (begun, _swapped(rows, begun)):
            other = _cut(order, rate, unaccepted)
            measures = (unaccepted, partial(survival, rows))
            if all(_worth(other, rate, one) > _worth(best, rate, one) + NOTHING for one in measures):
                best = other
    return best


def _cut(order: Sequence[int], rate: float, unaccepted: Unaccepted) -> list[int]:
    """Cut a sequence where it is worth most: the longest of equal ones."""
    worth = net_utility(unaccepted(order), rate)[1:]
    return list(order[: 1 + int(np.flatnonzero(worth >= worth.max() - NOTHING)[-1])])


def _worth(order: Sequence[int], rate: float, unaccepted: Unaccepted) -> float:
    return float(net_utility(unaccepted(order), rate)[-1])


def _greedy(rows: Rows, limits: Limits, rate: float, price: Floats) -> list[int]:
    """Draw what adds most utility per price, until nothing that fits adds any."""
    penalty = (1 + WRONG_COSTS) * wrong_per_reject(rate)
    counts, most = np.zeros_like(limits.lower), limits.most()
    mass, chance = rows.weights, -np.expm1(rows.steps(counts))
    order: list[int] = []
    while True:
        gain = (1 + penalty) * (chance @ mass) - penalty * mass.sum()
        fits = (counts < most) & (limits.costs <= limits.room(counts))
        density = np.where(fits, gain / price, -np.inf)
        best = int(density.argmax())
        if not fits.any() or (order and gain[best] <= NOTHING):
            return order
        mass = mass * (1 - chance[best])
        counts[best] += 1
        order.append(best)
        chance[best] = _chance(rows, best, int(counts[best]))


def _chance(rows: Rows, configuration: int, count: int) -> Floats:
    """Return the probability that the sample after ``count`` rejected ones is accepted, shape ``(R,)``."""
    if count >= rows.horizon:
        return np.zeros(rows.weights.shape)
    return -np.expm1(rows.curve(configuration, count + 1) - rows.curve(configuration, count))


def _swapped(rows: Rows, order: Sequence[int]) -> list[int]:
    """Swap neighbours while that leaves fewer problems unaccepted between them, and so fewer rejects."""
    order, improving = list(order), True
    while improving:
        improving = False
        counts, mass = np.zeros(max(order) + 1, np.int64), rows.weights
        for at in range(len(order) - 1):
            first, second = order[at : at + 2]
            left = {s: mass * (1 - _chance(rows, s, int(counts[s]))) for s in (first, second)}
            if left[second].sum() < left[first].sum() - NOTHING:
                order[at], order[at + 1] = second, first
                improving = True
            mass = left[order[at]]
            counts[order[at]] += 1
    return order
