"""The posterior: how probably all of k samples fail, on problems seen and on new ones."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from osca_cli.estimate.hierarchical.cells import Cells
from osca_cli.estimate.hierarchical.likelihood import Evidence, Parameters
from osca_cli.outcomes.types import Floats, Ints

LEAST = 1e-30
"""Failure is never taken to be less probable than this."""


def of_problems(cells: Cells, parameters: Parameters, known: Evidence, configuration: int, k: Ints) -> Floats:
    """Return ``log E[(1 - p)^k]`` of one configuration given each problem's counts.

    A sample of a deterministic configuration, once seen, is known: it passes or fails for ever.

    Args:
        cells: The counts.
        parameters: Of the model, fitted to these problems or to others.
        known: The evidence of these cells.
        configuration: Its index.
        k: Numbers of samples, shape ``(K,)``.

    Returns:
        Shape ``(K, P)``: 0 at ``k = 0``, non-increasing and convex in ``k``.
    """
    kinds = np.flatnonzero(cells.owner == configuration)
    n, c = cells.n[kinds, None], cells.c[kinds, None]
    k, once = _draws(cells, configuration, k)
    regular, insured = _failures(parameters, configuration, n, c, k[:, None])
    share = known.regular[kinds]
    failure = share * regular + (1 - share) * insured
    if once:
        failure = np.where((n > 0) & (k > 0)[:, None, None], 1 - c, failure)
    return _log(_mixed(known.node, failure, cells.kind[configuration] - kinds[0]), k)


def beyond_samples(
    cells: Cells, parameters: Parameters, known: Evidence, configuration: int, k: Ints
) -> tuple[Floats, Ints]:
    """Return ``E[(1 - p)^(k - n)]``, given the counts of a cell of one configuration, at each node.

    Args:
        cells: The counts.
        parameters: Of the model, fitted to these problems or to others.
        known: The evidence of these cells.
        configuration: Its index.
        k: Numbers of samples, shape ``(K,)``.

    Returns:
        By kind of cell, shape ``(K, V, G)``, 1 where ``k <= n``; and each problem's kind, shape ``(P,)``.
    """
    kinds = np.flatnonzero(cells.owner == configuration)
    n, c = cells.n[kinds, None], cells.c[kinds, None]
    more = np.maximum(_draws(cells, configuration, k)[0][:, None] - cells.n[kinds], 0)
    regular, insured = _failures(parameters, configuration, n, c, more)
    share = known.regular[kinds]
    return share * regular + (1 - share) * insured, cells.kind[configuration] - kinds[0]


def _mixed(node: Floats, failure: Floats, kind: Ints) -> Floats:
    """Average over each problem's nodes what its kind of cell fails with, shape ``(K, P)``."""
    mixed = np.empty((len(failure), len(node)))
    for v in range(failure.shape[1]):
        problems = np.flatnonzero(kind == v)
        mixed[:, problems] = failure[:, v] @ node[problems].T
    return mixed


def of_new_problems(cells: Cells, parameters: Parameters, configuration: int, k: Ints) -> Floats:
    """Return ``log E[(1 - p)^k]`` of one configuration on new problems of each node, shape ``(K, G)``."""
    k, _ = _draws(cells, configuration, k)
    nothing = np.zeros((1, 1))
    regular, insured = _failures(parameters, configuration, nothing, nothing, k[:, None])
    failure = (1 - parameters.insurance) * regular + parameters.insurance * insured
    return _log(failure[:, 0], k)


def _draws(cells: Cells, configuration: int, k: Ints) -> tuple[Ints, bool]:
    """Return how many different samples k draws give, and whether that is one at most."""
    once = bool(cells.deterministic[configuration])
    return (np.minimum(k, 1) if once else k), once


def _failures(
    parameters: Parameters, configuration: int, n: Floats, c: Floats, k: Ints | Floats
) -> tuple[Floats, Floats]:
    """Return ``E[(1 - p)^k]`` of regular cells, shape ``(K, V, G)``, and of insured ones, ``(K, V, 1)``.

    Draws are of shape ``(K, V)``, or ``(K, 1)`` where they are the same for all kinds.
    """
    alike, mean = parameters.alike[configuration], parameters.mean[configuration]
    marginal = parameters.marginal[configuration]
    return (
        _beta_failure(mean * alike + c, (1 - mean) * alike + n - c, k),
        _beta_failure(marginal + c, 1 - marginal + n - c, k),
    )


def _beta_failure(passing: Floats, failing: Floats, k: Ints | Floats) -> Floats:
    """Return ``E[(1 - p)^k]`` for ``p ~ Beta(passing, failing)``, with k as the first axis."""
    k, total = k[..., None], passing + failing
    value: Floats = np.exp(gammaln(failing + k) - gammaln(failing) - gammaln(total + k) + gammaln(total))
    return value


def _log(failure: Floats, k: Ints) -> Floats:
    """Return the logarithm, finite, at most 0, and 0 of no sample, whatever rounding says."""
    value: Floats = np.log(np.clip(failure, LEAST, 1.0))
    return np.where((k > 0)[:, None], value, 0.0)
