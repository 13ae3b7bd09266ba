"""An allocation replayed on problems that did not choose it, from the samples that they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.estimate.unbiased import log_unbiased_failure
from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes
from osca_cli.plan.extrapolation import Extrapolated, Extrapolation

CERTAIN = -1e4
"""Stands for the logarithm of 0, so that differences stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """Per problem, what a schedule does when it stops at the first pass.

    Attributes:
        failure: Probability that all samples fail, shape ``(J,)``.
        samples: Expected samples drawn, shape ``(J,)``.
        usd: Expected cost, shape ``(J,)``; NaN where a price is unknown.
    """

    failure: Floats
    samples: Floats
    usd: Floats


def replay(
    outcomes: Outcomes, order: Sequence[int], usd: Floats, model: Extrapolated | None = None
) -> Replay:
    """Replay a schedule on every problem.

    Where a cell has fewer samples than the schedule draws, no unbiased estimate exists. A model that was
    not fitted to these problems extrapolates then; without one ``(1 - c/n)^x`` stands in, which
    understates coverage.

    Args:
        outcomes: The problems.
        order: Indices of configurations in the order they are drawn.
        usd: Cost of one sample of each cell, shape ``(S, J)``; NaN where unknown.
        model: What extrapolates.
    """
    counts = np.bincount(np.array(order, np.int64), minlength=len(outcomes.configurations))
    drawn = np.flatnonzero(counts)
    curves = {int(s): _curve(outcomes, int(s), int(counts[s]), model) for s in drawn}
    at = dict.fromkeys(curves, 0)
    width = len(outcomes.problems)
    log_failure, samples, spent = np.zeros(width), np.zeros(width), np.zeros(width)
    for s in order:
        unsolved = np.exp(log_failure)
        samples += unsolved
        spent += unsolved * usd[s]
        log_failure += curves[s][at[s] + 1] - curves[s][at[s]]
        at[s] += 1
    return Replay(np.exp(log_failure), samples, spent)


def failure_of(outcomes: Outcomes, counts: Floats, model: Extrapolated | None = None) -> Floats:
    """Return the probability that all samples fail, shape ``(J,)``; estimated as in :func:`replay`.

    Args:
        outcomes: The problems.
        counts: Samples of each configuration, shape ``(S,)``; a fraction, of one at most, is drawn on
            that share of the problems.
        model: What extrapolates.
    """
    low, high = np.floor(counts).astype(np.int64), np.ceil(counts).astype(np.int64)
    share = float((counts - low).max())
    return (1 - share) * _failure(outcomes, low, model) + share * _failure(outcomes, high, model)


def unknown(outcomes: Outcomes, counts: Floats, model: Extrapolation | None = None) -> Mask:
    """Tell on which problems counts draw from a cell that nothing is known of, shape ``(J,)``."""
    without = [model is None or not model.knows(s) for s in range(len(counts))]
    empty: Mask = (outcomes.n == 0) & ((counts > 0) & without)[:, None]
    return np.asarray(empty.any(axis=0))


def beyond(outcomes: Outcomes, counts: Floats) -> Mask:
    """Tell which problems have fewer samples in a cell than counts draw, shape ``(J,)``."""
    fewer: Mask = outcomes.n < counts[:, None]
    return np.asarray(fewer.any(axis=0))


def _failure(outcomes: Outcomes, counts: Ints, model: Extrapolated | None) -> Floats:
    total = np.zeros(len(outcomes.problems))
    for s in np.flatnonzero(counts):
        total += _curve(outcomes, int(s), int(counts[s]), model)[-1]
    return np.exp(total)


def _curve(outcomes: Outcomes, configuration: int, count: int, model: Extrapolated | None) -> Floats:
    """Return the log-failure of 0, 1, … ``count`` samples of one configuration, shape ``(count + 1, J)``."""
    n, c = outcomes.n[configuration], outcomes.c[configuration]
    k = np.arange(count + 1)
    enough = n >= count
    failure = np.exp(log_unbiased_failure(np.where(enough, n, count), np.where(enough, c, 0), k[:, None]))
    if not enough.all():
        failure = np.where(enough, failure, _beyond_samples(n, c, k, configuration, model))
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(failure), CERTAIN)


def _beyond_samples(n: Ints, c: Ints, k: Ints, configuration: int, model: Extrapolated | None) -> Floats:
    rates = c / np.maximum(n, 1)
    if model is None or not model.knows(configuration):
        plain: Floats = (1 - rates) ** k[:, None]
        return plain
    return model.failure(configuration, k, rates, n > 0)
