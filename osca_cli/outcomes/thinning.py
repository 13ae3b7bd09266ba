"""Fewer samples, or fewer problems, than there are: what a plan would be had less been drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from osca_cli.outcomes.types import Accepts, Ints, Outcomes


def fewer_samples(outcomes: Outcomes, most: int | Ints, rng: np.random.Generator) -> Outcomes:
    """Return outcomes with at most so many samples in each cell of a training problem.

    Which of a cell's samples stay is drawn without replacement: the passes left are hypergeometric. Held-out
    problems keep all samples, since they only evaluate.
    """
    n = np.where(outcomes.train, np.minimum(outcomes.n, most), outcomes.n)
    c = np.where(n < outcomes.n, rng.hypergeometric(outcomes.c, outcomes.n - outcomes.c, n), outcomes.c)
    return replace(outcomes, n=n, c=c, accepts=_fewer_accepts(outcomes, n, c, rng))


def _fewer_accepts(outcomes: Outcomes, n: Ints, c: Ints, rng: np.random.Generator) -> Accepts | None:
    """Return which of the passes and of the fails left were accepted, by lot as well."""
    accepts = outcomes.accepts
    if accepts is None:
        return None
    rejected = outcomes.c - accepts.right, outcomes.n - outcomes.c - accepts.wrong
    right = rng.hypergeometric(accepts.right, rejected[0], c)
    return Accepts(right, rng.hypergeometric(accepts.wrong, rejected[1], n - c))


def fewer_problems(outcomes: Outcomes, share: float, rng: np.random.Generator) -> Outcomes:
    """Return outcomes in which only a share of the training problems, drawn at random, still train."""
    train = np.flatnonzero(outcomes.train)
    kept = rng.choice(train, max(1, round(share * len(train))), replace=False)
    mask = np.zeros_like(outcomes.train)
    mask[kept] = True
    return replace(outcomes, train=mask)
