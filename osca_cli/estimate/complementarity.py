"""Complementarity: what a configuration solves that others do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.outcomes.types import Floats, Ints, Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Complementarity:
    """What configurations solve, alone and beside each other; of the samples there are.

    Attributes:
        solved: Problems with a pass, shape ``(S,)``.
        alone: Problems with a pass of this configuration and of no other, shape ``(S,)``.
        only_first: Problems that row ``s`` solves and column ``t`` does not, among those that both have
            samples of, shape ``(S, S)``.
        unsolved: Problems that no configuration solves.
    """

    solved: Ints
    alone: Ints
    only_first: Ints
    unsolved: int


def complementarity(outcomes: Outcomes) -> Complementarity:
    """Compare what configurations solve, problem by problem.

    With more samples more is solved, so that numbers of configurations with unequal samples do not compare.
    """
    passed = outcomes.c > 0
    known = outcomes.n > 0
    by = passed.sum(axis=0)
    first, missed = passed.astype(np.int64), (known & ~passed).astype(np.int64)
    return Complementarity(
        solved=passed.sum(axis=1),
        alone=(passed & (by == 1)).sum(axis=1),
        only_first=first @ missed.T,
        unsolved=int(((by == 0) & known.any(axis=0)).sum()),
    )


def marginal(rates: Floats) -> Floats:
    """Return how often one sample of a configuration passes where one of each other fails, shape ``(S,)``.

    Args:
        rates: Pass rates, shape ``(S, P)``.
    """
    failure = 1.0 - rates
    size = len(rates)
    # Products of all rows but one, from both ends: a row of zeros is no reason to divide by it.
    above, below = np.ones_like(failure), np.ones_like(failure)
    for row in range(1, size):
        above[row] = above[row - 1] * failure[row - 1]
        below[size - 1 - row] = below[size - row] * failure[size - row]
    value: Floats = (rates * above * below).mean(axis=1)
    return value
