"""Means over problems with their errors: alone, paired, as ratios, weighted together, by cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.special import stdtr, stdtrit

from osca_cli.outcomes.types import Floats, Ints

Interval: TypeAlias = tuple[float, float]

UNSEEN = 0.1
"""By how much the two problems differ that are added to paired ones.

Without them intervals of gains on easy problems held the truth in 82 of 100 cases.
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over problems, and how far it may be off.

    Attributes:
        mean: The mean.
        variance: Of the mean; infinite where one problem, or one cluster, tells nothing of it.
        degrees: Degrees of freedom of the variance.
    """

    mean: float
    variance: float
    degrees: float

    def interval(self, confidence: float = 0.95, doubt: float = 0.0) -> Interval:
        """Return Student's two-sided interval; infinite where the variance is.

        Args:
            confidence: How often such intervals hold the truth.
            doubt: Variance of the mean that the spread does not show.
        """
        if not np.isfinite(self.variance):
            return -np.inf, np.inf
        half = student(confidence, self.degrees) * float(np.sqrt(self.variance + doubt))
        return self.mean - half, self.mean + half

    def p_value(self, doubt: float = 0.0) -> float:
        """Return how often a mean is as far from 0, either way, if the truth is 0."""
        if not np.isfinite(self.variance) or self.mean == 0:
            return 1.0
        error = float(np.sqrt(self.variance + doubt))
        return 2 * float(stdtr(self.degrees, -abs(self.mean) / error)) if error else 0.0


def student(confidence: float, degrees: float) -> float:
    """Return how many standard errors a two-sided interval reaches to either side."""
    return float(stdtrit(degrees, (1 + confidence) / 2))


def spread_of(values: Floats, clusters: Ints | None = None) -> Spread:
    """Return the mean of values over problems with its jackknife variance, leaving out cluster by cluster.

    Without clusters this is the variance of a mean as everybody knows it. With clusters, whose problems are
    more alike than others, it is the estimator that errs on the safe side where there are few of them or
    they differ in size (MacKinnon, Nielsen and Webb 2023, J. Appl. Econometrics 38). The degrees of freedom
    are those that match the second moment of that variance if problems of a cluster were all alike
    (Satterthwaite 1946): with G clusters of one size G - 1, and fewer if a large one decides.

    Args:
        values: One value per problem, shape ``(J,)``, at least one.
        clusters: Number of each problem's cluster, shape ``(J,)``; where not given, each is its own.
    """
    count, mean = len(values), float(np.mean(values))
    numbers = np.arange(count) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    sizes = np.bincount(numbers).astype(float)
    number = len(sizes)
    if number < 2:
        return Spread(mean, np.inf, 0.0)
    sums = np.bincount(numbers, np.asarray(values) - mean)
    variance = (number - 1) / number * float(np.sum((sums / (count - sizes)) ** 2))
    return Spread(mean, variance, _degrees(sizes))


def _degrees(sizes: Floats) -> float:
    """Return Satterthwaite's degrees of freedom of the jackknife, for clusters of alike problems.

    The cluster sums that it squares have the covariance ``D + u u' c - (v u' + u v') / N``; its trace and
    its norm are told without writing it out.
    """
    count = sizes.sum()
    u = sizes / (count - sizes)
    v = u * sizes
    c = float(np.sum(sizes**2)) / count**2
    diagonal = u**2 + u * (c * u - 2 * v / count)
    uu, vv, uv = float(u @ u), float(v @ v), float(u @ v)
    others = c**2 * uu**2 + (2 * vv * uu + 2 * uv**2) / count**2 - 4 * c * uv * uu / count
    norm: float = float(np.sum(u**4)) + 2 * float(u**2 @ (diagonal - u**2)) + others
    trace = float(diagonal.sum())
    return float(trace**2 / norm)


def difference_of(a: Floats, b: Floats, clusters: Ints | None = None) -> Spread:
    """Return the mean of ``a - b`` over the same problems.

    To the squares two problems are added, one a tenth better and one a tenth worse: where nearly all are
    solved both ways, the few that differ may not have been seen, and a spread of next to nothing is not to
    be believed. Where no problem differs at all, the difference is 0.

    Args:
        a: One value in [0, 1] per problem, shape ``(J,)``.
        b: The same.
        clusters: As in :func:`spread_of`.
    """
    difference = np.asarray(a) - np.asarray(b)
    difference = np.where(np.abs(difference) < 1e-12, 0.0, difference)  # equal but for rounding
    found = spread_of(difference, clusters)
    unseen = 2 * UNSEEN**2 / len(difference) ** 2 if difference.any() else 0.0
    return Spread(found.mean, found.variance + unseen, found.degrees)


def rate_of(values: Floats, clusters: Ints | None = None) -> Spread:
    """Return the mean of pass rates, to whose spread one pass and one fail are added.

    So few problems, or equal ones, do not look certain. Clusters whose problems are alike make the variance
    larger, and never smaller.

    Args:
        values: One value in [0, 1] per problem, shape ``(J,)``, at least one.
        clusters: As in :func:`spread_of`.
    """
    count, mean = len(values), float(np.mean(values))
    variance = (count * float(np.var(values)) + (1 - mean) ** 2 + mean**2) / (count + 2) / count
    if clusters is None:
        return Spread(mean, variance, count - 1)
    single, clustered = spread_of(values), spread_of(values, clusters)
    more = clustered.variance - single.variance if np.isfinite(clustered.variance) else np.inf
    return Spread(mean, variance + max(0.0, more), clustered.degrees)


def together(spreads: Sequence[Spread], weights: Sequence[float]) -> Spread:
    """Return the weighted sum of means of different problems, by Welch's degrees of freedom (1947).

    Args:
        spreads: Independent of each other.
        weights: Of each; they need not sum to 1.
    """
    mean = sum(weight * one.mean for one, weight in zip(spreads, weights, strict=True))
    parts = [weight**2 * one.variance for one, weight in zip(spreads, weights, strict=True) if weight]
    degrees = [one.degrees for one, weight in zip(spreads, weights, strict=True) if weight]
    variance = sum(parts)
    if not np.isfinite(variance):
        return Spread(mean, np.inf, 0.0)
    squares = sum(part**2 / free for part, free in zip(parts, degrees, strict=True) if part)
    return Spread(mean, variance, variance**2 / squares if squares else max(degrees, default=1.0))


def ratio_interval(above: Spread, below: Spread, both: Spread, confidence: float = 0.95) -> Interval:
    """Return Fieller's interval (1954) of a ratio of two means of the same problems, both 0 or more.

    It holds the ratios ``r`` for which the mean of ``above - r below`` may be 0. Where the mean below may
    itself be 0, nothing bounds the ratio from above.

    Args:
        above: What is divided.
        below: What it is divided by.
        both: The sum of the two, problem by problem, which tells how they go together.
        confidence: How often such intervals hold the truth.
    """
    if not np.isfinite(both.variance):
        return 0.0, np.inf
    t2 = student(confidence, both.degrees) ** 2
    covariance = (both.variance - above.variance - below.variance) / 2
    a = below.mean**2 - t2 * below.variance
    b = above.mean * below.mean - t2 * covariance
    c = above.mean**2 - t2 * above.variance
    if a <= 0:
        return 0.0, np.inf
    root = float(np.sqrt(max(0.0, b**2 - a * c)))
    return max(0.0, (b - root) / a), (b + root) / a
