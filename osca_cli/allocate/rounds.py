"""Rounds: a schedule cut into few parts, each drawn together: short waits for few samples more."""

from __future__ import annotations

import numpy as np

from osca_cli.outcomes.types import Floats, Ints


def cheapest_rounds(unsolved: Floats, costs: Floats, rounds: int) -> tuple[Floats, Ints]:
    """Return what the cheapest rounds spend that reach each depth of a schedule, and where they begin.

    All samples of a round are drawn for every problem that was unsolved before it, so a round from depth
    ``i`` to ``j`` spends ``unsolved_i`` times the costs of its samples. The cheapest cuts of every depth
    follow from those of smaller ones (dynamic programming, ``O(rounds D^2)``).

    Args:
        unsolved: Share of problems unsolved after 0, 1, 2… samples, shape ``(D + 1,)``.
        costs: Of each sample in order, shape ``(D,)``.
        rounds: How many there are at most.

    Returns:
        Spend per problem by number of rounds (from 1) and depth, shape ``(rounds, D + 1)``; and the depth at
        which the last of these rounds begins, of the same shape.
    """
    depth = len(costs)
    until = np.concatenate([[0.0], np.cumsum(costs)])
    spend, begins = np.empty((rounds, depth + 1)), np.zeros((rounds, depth + 1), np.int64)
    spend[0] = until
    for number in range(1, rounds):
        base = spend[number - 1] - unsolved * until
        for end in range(depth + 1):
            total = base[: end + 1] + unsolved[: end + 1] * until[end]
            begins[number, end] = int(total.argmin())
            spend[number, end] = total[begins[number, end]]
    return spend, begins


def sizes_of(begins: Ints, depth: int) -> tuple[int, ...]:
    """Return the sizes of the rounds that reach a depth, those without samples left out."""
    sizes, end = [], depth
    for number in range(len(begins) - 1, -1, -1):
        start = int(begins[number, end])
        sizes.append(end - start)
        end = start
    return tuple(size for size in reversed(sizes) if size)


def rounds_within(unsolved: Floats, costs: Floats, rounds: int, budget: float, least: int) -> tuple[int, ...]:
    """Return rounds that reach as deep as a budget lasts which the problems of a batch share.

    Args:
        unsolved: As in :func:`cheapest_rounds`.
        costs: The same.
        rounds: How many there are at most.
        budget: Mean per problem.
        least: The depth that they reach at least.
    """
    spend, begins = cheapest_rounds(unsolved, costs, rounds)
    within = np.flatnonzero(spend[-1] <= budget)
    return sizes_of(begins, max(least, int(within[-1])))
