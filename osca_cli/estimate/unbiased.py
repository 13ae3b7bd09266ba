"""Unbiased pass@C of given counts, per problem: the only estimator that results are claimed by."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from osca_cli.errors import MissingSamplesError
from osca_cli.outcomes.types import Floats, Ints


def log_unbiased_failure(n: Ints, c: Ints, k: Ints | int) -> Floats:
    """Return ``log(C(n - c, k) / C(n, k))``, whose exponential estimates ``(1 - p)^k`` without bias.

    It is the chance that ``k`` of the ``n`` samples, picked without replacement, all failed (Chen et al.
    2021, arXiv 2107.03374).

    Args:
        n: Samples of each cell.
        c: Samples that passed.
        k: Samples to draw, at most ``n``; broadcasts with both.

    Raises:
        MissingSamplesError: ``k > n``, where no unbiased estimate exists.
    """
    if np.any(np.asarray(k) > n):
        raise MissingSamplesError(
            f"an unbiased estimate of pass@{int(np.max(k))} needs that many samples per cell"
        )
    failed = n - c
    possible = failed >= k
    safe = np.where(possible, failed, k)
    value = gammaln(safe + 1.0) - gammaln(safe - k + 1.0) - gammaln(n + 1.0) + gammaln(n - k + 1.0)
    # Without a pass, or a draw, it is 0 exactly, not but for rounding.
    value = np.where((c == 0) | (k == np.int64(0)), 0.0, np.minimum(value, 0.0))
    return np.where(possible, value, -np.inf)


def pass_at_k(n: Ints, c: Ints, k: Ints | int) -> Floats:
    """Return the unbiased estimate of the probability that at least one of ``k`` samples passes.

    >>> pass_at_k(np.array([4, 4]), np.array([1, 0]), 2)
    array([0.5, 0. ])
    """
    return 1.0 - np.exp(log_unbiased_failure(n, c, k))
