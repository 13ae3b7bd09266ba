"""Sequences that stop at the first accept of a verifier that accepts some wrong samples.

With pass rate ``p`` and a rate ``q`` at which wrong samples are accepted, a sample is accepted with
probability ``a = p + (1 - p) q``: rightly with ``t = p``, wrongly with ``f = (1 - p) q``. It is rejected with
``(1 - p)(1 - q)``, so that ``f = (1 - a) q / (1 - q)``: **every rejected sample stands for q / (1 - q) wrong
accepts**, whatever ``p`` is. Summed over a sequence that stops at the first accept,

    P(wrong accept) = sum over samples of q / (1 - q) * P(it is drawn, and rejected)
    P(right answer) = P(accept) - P(wrong accept)

Both need nothing but what the verifier said, and each configuration may have a rate of its own. That false
accepts cap what resampling reaches, and that more samples lose from some point on, is shown in arXiv
2411.17501.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from osca_cli.allocate.greedy import NOTHING
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import survival
from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Floats, Ints

Worth: TypeAlias = Callable[[Sequence[int]], Floats]
"""Returns the net utility of a sequence after 0, 1, 2… samples, shape ``(C + 1,)``."""

WRONG_COSTS = 1.0
"""What a wrong accept takes away, where a right answer brings 1."""


@dataclass(frozen=True, slots=True, eq=False)
class WrongAccepts:
    """Wrong accepts that a rejected sample stands for.

    Attributes:
        each: Of each configuration, shape ``(S,)``.
        strength: False accepts gather on problems, whose rates are Beta with this strength: a problem that
            has rejected so many samples has half the rate of one that has rejected none.
    """

    each: Floats
    strength: float = np.inf

    def after(self, rejected: Ints | int) -> Floats:
        """Return what is left of the rates where so many samples were rejected."""
        fading = np.asarray(rejected) / self.strength
        return np.asarray(1 / (1 + fading))

    def of(self, order: Sequence[int]) -> Floats:
        """Return those of each sample of a sequence, shape ``(C,)``."""
        wrong: Floats = self.each[np.array(order, np.int64)] * self.after(np.arange(len(order)))
        return wrong


def wrong_per_reject(rate: Floats) -> Floats:
    """Return how many wrong accepts a rejected sample stands for, of false accepts at rates below 1."""
    return rate / (1 - rate)


def net_utility(unaccepted: Floats, wrong: Floats) -> Floats:
    """Return right answers less wrong accepts of every prefix of a sequence, per problem.

    Args:
        unaccepted: Share of problems without an accept after 0, 1, 2… samples, shape ``(C + 1,)``.
        wrong: Wrong accepts that each sample brings, shape ``(C,)``.

    Returns:
        Shape ``(C + 1,)``.
    """
    accepts = np.concatenate([[0.0], np.cumsum(wrong)])
    return 1 - unaccepted - (1 + WRONG_COSTS) * accepts


def accept_first(
    rows: Rows, limits: Limits, wrong: WrongAccepts, begun: Sequence[Sequence[int]], measures: Sequence[Worth]
) -> list[int]:
    """Choose what to draw, in which order, and where to stop: one sample at least.

    The plan that trusts the verifier is cut where it is worth most. Other sequences, greedy ones by marginal
    utility per cost and by marginal utility, and all of them improved by adjacent swaps, are cut as well, and
    replace it where they are worth more by the first measure and no less by the others. So the result is
    worth at least as much as the trusting plan, and where nothing wrong is accepted it is that plan, if that
    is the best for the rows.

    Args:
        rows: Log-failure of what the verifier accepts, which sequences are made for.
        limits: What the sequence keeps; nothing is required.
        wrong: What a rejected sample stands for.
        begun: The plan that trusts the verifier, at least one sample, and what else may be good.
        measures: What sequences are worth: the first is what they are cut by.
    """
    prices = [limits.prices(), np.ones_like(limits.costs)]
    best = _cut(begun[0], measures[0])
    for some in (*begun, *(_greedy(rows, limits, wrong, price) for price in prices)):
        for order in (some, _swapped(rows, wrong, some)):
            other = _cut(order, measures[0])
            gain, *more = [worth(other)[-1] - worth(best)[-1] for worth in measures]
            if gain > NOTHING and all(one > -NOTHING for one in more):
                best = other
    return best


def by_rows(rows: Rows, wrong: WrongAccepts) -> Worth:
    """Return what sequences are worth under an estimate."""

    def worth(order: Sequence[int]) -> Floats:
        unaccepted = survival(rows, order)
        return net_utility(unaccepted, wrong.of(order) * unaccepted[1:])

    return worth


def _cut(order: Sequence[int], worth: Worth) -> list[int]:
    """Cut a sequence where it is worth most: the longest of equal ones."""
    values = worth(order)[1:]
    return list(order[: 1 + int(np.flatnonzero(values >= values.max() - NOTHING)[-1])])


def _greedy(rows: Rows, limits: Limits, wrong: WrongAccepts, price: Floats) -> list[int]:
    """Draw what adds most utility per price, until nothing that fits adds any."""
    counts, most = np.zeros_like(limits.lower), limits.most()
    mass, chance = rows.weights, -np.expm1(rows.steps(counts))
    order: list[int] = []
    while True:
        penalty = (1 + WRONG_COSTS) * wrong.each * wrong.after(len(order))
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


def _swapped(rows: Rows, wrong: WrongAccepts, order: Sequence[int]) -> list[int]:
    """Swap neighbours while that leaves fewer wrong accepts between them."""
    order, improving = list(order), True
    while improving:
        improving = False
        counts, mass = np.zeros(max(order) + 1, np.int64), rows.weights
        for at in range(len(order) - 1):
            first, second = order[at : at + 2]
            left = {s: mass * (1 - _chance(rows, s, int(counts[s]))) for s in (first, second)}
            if _gains_swapped(rows, wrong, counts, left, (first, second)):
                order[at], order[at + 1] = second, first
                improving = True
            mass = left[order[at]]
            counts[order[at]] += 1
    return order


def _gains_swapped(
    rows: Rows, wrong: WrongAccepts, counts: Ints, left: dict[int, Floats], pair: tuple[int, int]
) -> bool:
    """Tell whether two neighbours leave fewer wrong accepts the other way round."""
    first, second = pair
    if first == second:
        return False
    each = wrong.each
    if each[first] == each[second]:
        return bool(left[second].sum() < left[first].sum() - NOTHING)
    both = float((left[first] * (1 - _chance(rows, second, int(counts[second])))).sum())
    now = each[first] * left[first].sum() + each[second] * both
    then = each[second] * left[second].sum() + each[first] * both
    return bool(then < now - NOTHING)
