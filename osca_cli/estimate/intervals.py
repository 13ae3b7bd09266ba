"""Intervals of means over problems, alone and paired."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, betaln, ndtri

from osca_cli.estimate.spread import Interval, Spread, difference_of, rate_of, student
from osca_cli.outcomes.types import Floats, Ints

__all__ = ["Interval", "mean_interval", "paired_interval", "prediction_interval", "share_interval"]


def mean_interval(
    values: Floats, doubt: float = 0.0, *, clusters: Ints | None = None, confidence: float = 0.95
) -> tuple[float, Interval]:
    """Return the mean of per-problem pass rates with its interval.

    It is Wilson's score interval (1927) for as many passes and fails as would spread like the values: near
    0 and 1 a mean that happens to be extreme comes with a spread that is too small, which a symmetric
    interval believes. For the spread see :func:`osca_cli.estimate.spread.rate_of`; where there are clusters,
    Student's distribution takes the place of the normal one.

    Args:
        values: One value in [0, 1] per problem, shape ``(J,)``, at least one.
        doubt: Variance of the mean that the spread does not show.
        clusters: Number of each problem's cluster, shape ``(J,)``; where not given, each is its own.
        confidence: How often such intervals hold the truth.
    """
    count, spread = len(values), rate_of(values, clusters)
    mean = spread.mean
    if not np.isfinite(spread.variance):
        return mean, (0.0, 1.0)
    middle = (count * mean + 1) / (count + 2)
    effective = middle * (1 - middle) / (spread.variance + doubt)
    z2 = _errors(confidence, spread, clusters) ** 2
    centre = (mean + z2 / (2 * effective)) / (1 + z2 / effective)
    half = float(np.sqrt(z2 * mean * (1 - mean) / effective + (z2 / (2 * effective)) ** 2))
    half /= 1 + z2 / effective
    return mean, (max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half)))


def _errors(confidence: float, spread: Spread, clusters: Ints | None) -> float:
    return float(ndtri((1 + confidence) / 2)) if clusters is None else student(confidence, spread.degrees)


def prediction_interval(interval: Interval, number: int) -> Interval:
    """Return between which pass rates so many new problems lie in 95 of 100 cases.

    What is claimed of the mean is taken for a Beta distribution of the centre and width of its interval; how
    many of the new problems are solved is then beta-binomial.

    Args:
        interval: The 95% interval of the mean pass rate.
        number: Of new problems, at least one.
    """
    low, high = interval
    centre = min(max((low + high) / 2, 1e-6), 1 - 1e-6)
    variance = max(((high - low) / (2 * 1.96)) ** 2, 1e-12)
    problems = max(centre * (1 - centre) / variance - 1, 1e-3)
    a, b = centre * problems, (1 - centre) * problems
    k = np.arange(number + 1)
    ways = -betaln(number - k + 1, k + 1) - np.log(number + 1)
    below = np.cumsum(np.exp(ways + betaln(k + a, number - k + b) - betaln(a, b)))
    return float(np.argmax(below >= 0.025)) / number, float(np.argmax(below >= 0.975 * below[-1])) / number


def share_interval(count: int, total: int) -> tuple[float, Interval]:
    """Return a share of independent events with its exact 95% interval (Clopper and Pearson 1934).

    Where none of ``total`` was seen the upper end is about ``3.7 / total``.

    Args:
        count: How many events there were.
        total: Of how many; of none nothing can be said.
    """
    if total == 0:
        return float("nan"), (0.0, 1.0)
    low = 0.0 if count == 0 else float(betaincinv(count, total - count + 1, 0.025))
    high = 1.0 if count == total else float(betaincinv(count + 1, total - count, 0.975))
    return count / total, (low, high)


def paired_interval(
    a: Floats, b: Floats, doubt: float = 0.0, *, clusters: Ints | None = None, confidence: float = 0.95
) -> tuple[float, Interval]:
    """Return the mean of ``a - b`` over the same problems with its Student t interval.

    For its spread see :func:`osca_cli.estimate.spread.difference_of`. Of one problem, or one cluster, nothing
    can be said: the interval is then [-1, 1].

    Args:
        a: One value in [0, 1] per problem, shape ``(J,)``.
        b: The same.
        doubt: Variance of the mean difference that the spread does not show.
        clusters: Number of each problem's cluster, shape ``(J,)``; where not given, each is its own.
        confidence: How often such intervals hold the truth.
    """
    spread = difference_of(a, b, clusters)
    low, high = spread.interval(confidence, doubt)
    return spread.mean, (max(-1.0, low), min(1.0, high))
