"""The learning curve of a pilot: what halves of it lose, and so what twice as much would gain."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.estimate.intervals import paired_interval
from osca_cli.outcomes.thinning import fewer_samples
from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.choice import choose, learn
from osca_cli.plan.crossvalidation import CORRELATED, FOLDS, folds
from osca_cli.plan.decision import Search
from osca_cli.plan.replay import failure_of
from osca_cli.plan.result import Gain

DRAWS = 4
"""Halves that are drawn of each kind in each fold."""

_NEXT, _TRAINED = 1 - 2**-0.5, 1 - 1 / FOLDS
NEXT_OF_LAST = {
    "samples": _NEXT / (2**0.5 - 1),
    "problems": _NEXT / ((_TRAINED / 2) ** -0.5 - _TRAINED**-0.5),
}
"""What doubling gains over what the last doubling did, which cross-validation saw on 4/5 of the problems."""


def next_doublings(train: Outcomes, limits: Limits, rng: np.random.Generator) -> dict[str, Gain]:
    """Estimate what twice the samples, and twice the problems, would add to the plan's pass rate.

    Without each fifth of the problems a plan is made from all samples of the others, and from halves of
    these, drawn by lot: of the samples of each cell, or of the problems. What all gains over halves on that
    fifth is what the last doubling gained. The next one gains less: coverage falls short of its limit by
    something like ``1 / sqrt(m)`` at m samples a cell, or m problems.

    Args:
        train: The training problems.
        limits: What plans keep.
        rng: Draws the halves.
    """
    fold = folds(train.problems)
    gains: dict[str, list[Floats]] = {"samples": [], "problems": []}
    for index in range(FOLDS):
        rest, left = train.select(problems=fold != index), train.select(problems=fold == index)
        known = learn(rest, "auto", limits)
        model = None if known.extrapolation is None else known.extrapolation.to(left)
        whole = failure_of(left, _plan(rest, limits).astype(float), model)
        for more, half in HALVES.items():
            plans = [_plan(half(rest, rng), limits) for _ in range(DRAWS)]
            gains[more].append(np.stack([failure_of(left, x.astype(float), model) - whole for x in plans]))
    return {more: _gain(np.concatenate(parts, axis=1), NEXT_OF_LAST[more]) for more, parts in gains.items()}


def _plan(outcomes: Outcomes, limits: Limits) -> Ints:
    rows = learn(outcomes, "auto", limits).rows
    return choose(outcomes, limits, rows, Search().find).counts


def _half_samples(outcomes: Outcomes, rng: np.random.Generator) -> Outcomes:
    """Keep half of the samples of each cell; a deterministic configuration keeps its one."""
    most = np.where(outcomes.deterministic[:, None], outcomes.n, (outcomes.n + 1) // 2)
    return fewer_samples(outcomes, most, rng)


def _half_problems(outcomes: Outcomes, rng: np.random.Generator) -> Outcomes:
    width = len(outcomes.problems)
    kept = np.zeros(width, np.bool_)
    kept[rng.choice(width, (width + 1) // 2, replace=False)] = True
    return outcomes.select(problems=kept)


HALVES: Mapping[str, Callable[[Outcomes, np.random.Generator], Outcomes]] = {
    "samples": _half_samples,
    "problems": _half_problems,
}


def _gain(gains: Floats, next_of_last: float) -> Gain:
    """Take the mean over draws and problems, with the variance of both.

    Args:
        gains: Of the last doubling, shape ``(draws, J)``.
        next_of_last: What the next one gains, as a share of that.
    """
    mean = gains.mean(axis=0)
    halves = float(np.var(gains.mean(axis=1), ddof=1)) / len(gains)
    correlated = CORRELATED * float(np.var(mean)) / len(mean)
    value, (low, high) = paired_interval(mean, np.zeros_like(mean), halves + correlated)
    return Gain(next_of_last * value, (next_of_last * low, next_of_last * high))
