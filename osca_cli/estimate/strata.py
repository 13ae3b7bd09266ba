"""Means over several tasks, each with its share of the problems."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osca_cli.estimate.intervals import Interval


def weighted(parts: Sequence[tuple[float, Interval]], shares: Sequence[float]) -> tuple[float, Interval]:
    """Return the weighted mean of independent estimates with its 95% interval.

    Squared distances from each value to the ends of its interval add up like variances, on either side, so
    that intervals may be lopsided (MOVER; Zou and Donner 2008).

    Args:
        parts: A value and its interval for each task.
        shares: They sum to 1.

    >>> weighted([(0.5, (0.4, 0.6)), (0.7, (0.6, 0.8))], [1.0, 0.0])
    (0.5, (0.4, 0.6))
    """
    share = np.asarray(shares)
    value = np.array([value for value, _ in parts])
    low, high = np.array([interval for _, interval in parts]).T
    mean = float(share @ value)
    below, above = (float(np.linalg.norm(share * distance)) for distance in (value - low, high - value))
    return mean, (mean - below, mean + above)
