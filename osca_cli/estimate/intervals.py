"""Intervals of means over problems, alone and paired."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from scipy.special import stdtrit

from osca_cli.outcomes.types import Floats

Interval: TypeAlias = tuple[float, float]


def mean_interval(values: Floats) -> tuple[float, Interval]:
    """Return the mean of per-problem pass rates with its 95% interval.

    One pass and one fail are added to the spread, so that few problems, or equal ones, do not look
    certain: ``sd^2 = (J sd^2 + (1 - v)^2 + v^2) / (J + 2)``; the interval is ``v ± 1.96 sd / sqrt(J)``
    within [0, 1] (cf. Agresti and Coull 1998).

    Args:
        values: One value in [0, 1] per problem, shape ``(J,)``, at least one.
    """
    count = len(values)
    mean = float(np.mean(values))
    variance = (count * float(np.var(values)) + (1 - mean) ** 2 + mean**2) / (count + 2)
    half = 1.96 * float(np.sqrt(variance / count))
    return mean, (max(0.0, mean - half), min(1.0, mean + half))


def paired_interval(a: Floats, b: Floats) -> tuple[float, Interval]:
    """Return the mean of ``a - b`` over the same problems with its 95% Student t interval.

    Of one problem nothing can be said: the interval is then [-1, 1].
    """
    difference = np.asarray(a) - np.asarray(b)
    difference = np.where(np.abs(difference) < 1e-12, 0.0, difference)  # equal but for rounding
    count = len(difference)
    mean = float(np.mean(difference))
    if count < 2:
        return mean, (-1.0, 1.0)
    half = float(stdtrit(count - 1, 0.975)) * float(np.std(difference, ddof=1)) / float(np.sqrt(count))
    return mean, (max(-1.0, mean - half), min(1.0, mean + half))
