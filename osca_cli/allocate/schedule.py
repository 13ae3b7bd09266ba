"""The order of an allocation, and what stopping at the first pass spends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osca_cli.allocate.greedy import greedy_order
from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Floats, Ints


def schedule(rows: Rows, counts: Ints, costs: Floats, preference: Sequence[int]) -> list[int]:
    """Order the samples of an allocation by marginal coverage per cost.

    Drawing in this order and stopping at the first pass spends at most four times what the best order
    does (min-sum submodular cover; Streeter and Golovin 2008), and every prefix is the greedy plan of a
    smaller budget within these counts.

    Args:
        rows: The estimate.
        counts: The allocation; the schedule holds exactly these.
        costs: Cost of one sample of each configuration.
        preference: Configurations from the best down: the order, in turns, of samples that gain nothing
            on these rows.
    """
    within = Limits.of(costs, float(costs @ counts), upper=counts)
    order = greedy_order(rows, within)
    return order + in_turns(preference, counts - np.bincount(order, minlength=len(counts)))


def in_turns(preference: Sequence[int], left: Ints) -> list[int]:
    """Return configurations one after the other, round after round, until what is left of each is drawn."""
    left = left.copy()
    order: list[int] = []
    while left.any():
        turn = [configuration for configuration in preference if left[configuration]]
        order += turn
        left[turn] -= 1
    return order


def round_robin(preference: Sequence[int], limits: Limits, counts: Ints) -> Ints:
    """Return counts raised in turns, skipping what a cap or the remaining budget forbids.

    Args:
        preference: Configurations in the order of their turns.
        limits: What the result keeps; a configuration that costs nothing has a finite cap.
        counts: Where to start, within the limits.
    """
    counts = counts.copy()
    room = limits.room(counts)
    turn = list(preference)
    while turn:
        drawn = []
        for configuration in turn:
            if counts[configuration] < limits.upper[configuration] and limits.costs[configuration] <= room:
                counts[configuration] += 1
                room -= limits.costs[configuration]
                drawn.append(configuration)
        turn = drawn
    return counts


def survival(rows: Rows, order: Sequence[int]) -> Floats:
    """Return the share of rows still unsolved after 0, 1, 2… samples of a schedule, shape ``(C + 1,)``."""
    counts = np.zeros(max(order, default=-1) + 1, np.int64)
    mass = rows.weights
    unsolved = [float(mass.sum())]
    for configuration in order:
        before = rows.curve(configuration, int(counts[configuration]))
        counts[configuration] += 1
        mass = mass * np.exp(rows.curve(configuration, int(counts[configuration])) - before)
        unsolved.append(float(mass.sum()))
    return np.array(unsolved)


def expected_spend(unsolved: Floats, costs: Floats) -> float:
    """Return what a schedule spends per problem when it stops at the first pass.

    Args:
        unsolved: Of :func:`survival`, shape ``(C + 1,)``.
        costs: Of each sample in order, shape ``(C,)``.
    """
    return float(costs @ unsolved[:-1])


def cost_of_pass(unsolved: Floats, costs: Floats) -> float:
    """Return the expected spend per solved problem (arXiv 2504.13359); infinite where nothing is solved.

    Of one configuration drawn until it passes, on problems that it can solve alike, this is cost over pass
    rate. The arguments are those of :func:`expected_spend`.
    """
    solved = 1.0 - float(unsolved[-1])
    return expected_spend(unsolved, costs) / solved if solved > 0 else float("inf")


def pooled(unsolved: Floats, costs: Floats, budget: float) -> tuple[float, float]:
    """Return how deep a budget reaches that a batch shares, and the share of problems solved there.

    All problems are drawn one sample in turn and leave when they are solved, so that what the solved ones
    save is spent on the others: depth ``d`` costs ``sum_{t < d} cost_t unsolved_t`` per problem.

    Args:
        unsolved: Of a schedule longer than the budget alone would buy, shape ``(D + 1,)``.
        costs: Of each sample in order, shape ``(D,)``.
        budget: Mean per problem.

    Returns:
        The depth, in samples with a fraction for the last; and the pass rate. The schedule's own length and
        pass rate where the budget outlasts it.
    """
    spent = np.concatenate([[0.0], np.cumsum(costs * unsolved[:-1])])
    depth = float(np.interp(budget, spent, np.arange(len(spent))))
    return depth, 1.0 - float(np.interp(depth, np.arange(len(unsolved)), unsolved))


def worth_their_price(unsolved: Floats, costs: Floats, price: float) -> int:
    """Return after how many samples of a schedule the problems that are left cost more than they are worth.

    There is nothing to learn of a problem but that all its samples failed, so that giving up is a depth: the
    one with the largest ``solved - spend / price``. Beyond it, however far one goes, one more solved problem
    costs more than the price; up to it, the next ones cost less.

    Args:
        unsolved: Of :func:`survival`, shape ``(D + 1,)``.
        costs: Of each sample in order, shape ``(D,)``.
        price: What one more solved problem may cost.
    """
    spent = np.concatenate([[0.0], np.cumsum(costs * unsolved[:-1])])
    return int(np.argmax(1.0 - unsolved - spent / price))
