"""An allocation replayed on problems that did not choose it, from the samples that they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from osca_cli.estimate.unbiased import log_unbiased_failure
from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes
from osca_cli.plan.extrapolation import TRUST, Extrapolated, Extrapolation

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


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """How 0, 1, 2… samples of one configuration fail.

    Attributes:
        sampled: Logarithm of the failure that the samples tell, shape ``(K, J)``.
        beyond: Failure of what is drawn beyond them, by kind of cell and node, shape ``(K, V, G)``; None
            where nothing is, or nothing extrapolates.
        kind: Kind of each problem's cell, shape ``(J,)``.
    """

    sampled: Floats
    beyond: Floats | None
    kind: Ints


def replay(
    outcomes: Outcomes,
    order: Sequence[int],
    usd: Floats,
    model: Extrapolated | None = None,
    trust: float = TRUST,
    rounds: Sequence[int] = (),
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
        trust: What it counts for, as in :func:`failure_of`.
        rounds: How many samples are drawn together, round by round: stopping waits for a round's end.
    """
    width = len(outcomes.problems)
    unsolved, samples, spent = np.ones(width), np.zeros(width), np.zeros(width)
    begins = {0, *accumulate(rounds)} if rounds else range(len(order))
    drawn_for = unsolved
    for step, (s, after) in enumerate(zip(order, failures(outcomes, order, model, trust), strict=True)):
        drawn_for = unsolved if step in begins else drawn_for
        samples += drawn_for
        spent += drawn_for * usd[s]
        unsolved = after
    return Replay(unsolved, samples, spent)


def failures(
    outcomes: Outcomes, order: Sequence[int], model: Extrapolated | None = None, trust: float = TRUST
) -> Iterator[Floats]:
    """Yield the probability that all samples up to each of a schedule fail, shape ``(J,)``.

    Estimated as in :func:`replay`.
    """
    counts = np.bincount(np.array(order, np.int64), minlength=len(outcomes.configurations))
    curves = {int(s): _curve(outcomes, int(s), int(counts[s]), model) for s in np.flatnonzero(counts)}
    at = dict.fromkeys(curves, 0)
    sampled = np.zeros(len(outcomes.problems))
    beyond = np.ones((len(sampled), 1)) if model is None else np.ones(model.node.shape)
    for s in order:
        curve, k = curves[s], at[s]
        sampled += curve.sampled[k + 1] - curve.sampled[k]
        if curve.beyond is not None:
            beyond *= (curve.beyond[k + 1] / curve.beyond[k])[curve.kind]
        at[s] += 1
        yield np.exp(sampled) * _trusted(beyond, model, trust)


def failure_of(
    outcomes: Outcomes, counts: Floats, model: Extrapolated | None = None, trust: float = TRUST
) -> Floats:
    """Return the probability that all samples fail, shape ``(J,)``; estimated as in :func:`replay`.

    Args:
        outcomes: The problems.
        counts: Samples of each configuration, shape ``(S,)``; a fraction, of one at most, is drawn on
            that share of the problems.
        model: What extrapolates.
        trust: What it counts for; the rest goes to the bound that nothing is solved beyond the samples.
    """
    low, high = np.floor(counts).astype(np.int64), np.ceil(counts).astype(np.int64)
    share = float((counts - low).max())
    if share == 0:
        return _failure(outcomes, low, model, trust)
    return (1 - share) * _failure(outcomes, low, model, trust) + share * _failure(
        outcomes, high, model, trust
    )


def unknown(outcomes: Outcomes, counts: Floats, model: Extrapolation | None = None) -> Mask:
    """Tell on which problems counts draw from a cell that nothing is known of, shape ``(J,)``."""
    without = [model is None or not model.knows(s) for s in range(len(counts))]
    empty: Mask = (outcomes.n == 0) & ((counts > 0) & without)[:, None]
    return np.asarray(empty.any(axis=0))


def beyond(outcomes: Outcomes, counts: Floats) -> Mask:
    """Tell which problems have fewer samples in a cell than counts draw, shape ``(J,)``."""
    fewer: Mask = outcomes.n < counts[:, None]
    return np.asarray(fewer.any(axis=0))


def _failure(outcomes: Outcomes, counts: Ints, model: Extrapolated | None, trust: float) -> Floats:
    sampled = np.zeros(len(outcomes.problems))
    beyond = np.ones((len(sampled), 1)) if model is None else np.ones(model.node.shape)
    for s in np.flatnonzero(counts):
        curve = _curve(outcomes, int(s), int(counts[s]), model, only_last=True)
        sampled += curve.sampled[-1]
        if curve.beyond is not None:
            beyond *= curve.beyond[-1][curve.kind]
    failure: Floats = np.exp(sampled) * _trusted(beyond, model, trust)
    return failure


def _trusted(beyond: Floats, model: Extrapolated | None, trust: float) -> Floats:
    """Average over a problem's nodes how all that is drawn beyond its samples fails, as far as trusted."""
    if model is None:
        return np.ones(len(beyond))
    expected: Floats = np.einsum("jg,jg->j", model.node, beyond)
    return 1 - trust + trust * expected


def _curve(
    outcomes: Outcomes, configuration: int, count: int, model: Extrapolated | None, *, only_last: bool = False
) -> _Curve:
    """Return how 0, 1, … ``count`` samples of one configuration fail, or the last number only."""
    n, c = outcomes.n[configuration], outcomes.c[configuration]
    k = np.array([count]) if only_last else np.arange(count + 1)
    if model is not None and model.knows(configuration):
        drawn = np.minimum(k[:, None], n)
        beyond, kind = model.beyond(configuration, k) if np.any(n < count) else (None, n)
        return _Curve(_log(np.exp(log_unbiased_failure(n, c, drawn))), beyond, kind)
    enough = n >= count
    failure = np.exp(log_unbiased_failure(np.where(enough, n, count), np.where(enough, c, 0), k[:, None]))
    plain = (1 - c / np.maximum(n, 1)) ** k[:, None]
    return _Curve(_log(np.where(enough, failure, plain)), None, n)


def _log(failure: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(failure), CERTAIN)
