"""What an estimate is to a solver: weighted rows, each with a log-failure curve per configuration.

A row is a training problem, a scenario of one, or a fresh problem that a model expects. Its curve
``L[s, r, k]`` is the logarithm of the probability that ``k`` samples of configuration ``s`` all fail on
row ``r``: 0 at ``k = 0``, non-increasing and convex in ``k``. Configurations are independent given the
row, so counts ``x`` fail with probability ``exp(sum_s L[s, r, x[s]])``.

Point rates are the case ``L = k log(1 - p)`` and stay rates; posterior curves ``log E[(1 - p)^k]`` are
the general case. Both are :class:`Rows`; solvers know no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from osca_cli.outcomes.types import UNLIMITED, Floats, Ints

LOG_FLOOR = -35.0
"""Least log-failure of one sample: a coverage that differs from 1 by exp(-35) is 1 in double precision."""

LEAST = -500.0
"""Logarithms below this are this in products, which subnormal numbers would slow down a hundredfold."""


class Rows(Protocol):
    """Weighted rows with a log-failure curve per configuration."""

    @property
    def weights(self) -> Floats:
        """Share of each row, shape ``(R,)``; they sum to 1."""

    @property
    def horizon(self) -> int:
        """Largest count that the curves reach."""

    @property
    def linear(self) -> bool:
        """Whether every sample of a configuration adds the same log-failure."""

    def curve(self, configuration: int, count: int) -> Floats:
        """Return the log-failure of so many samples of a configuration, shape ``(R,)``."""

    def steps(self, counts: Ints) -> Floats:
        """Return the log-failure that one more sample of each configuration adds, shape ``(S, R)``, <= 0."""

    def slopes(self, prices: Floats) -> Floats:
        """Return how fast log-failure falls, summed over rows at these prices.

        Args:
            prices: One per row, shape ``(R,)``, >= 0.

        Returns:
            The fall from count ``k`` to ``k + 1``, shape ``(S, K)``, non-increasing along ``k``; of shape
            ``(S, 1)`` where the rows are linear.
        """


@dataclass(frozen=True, slots=True, eq=False)
class RateRows:
    """Point rates: every sample of a configuration adds the same log-failure.

    Attributes:
        weights: Share of each row, shape ``(R,)``.
        log_failure: ``log(1 - p)`` of each configuration on each row, shape ``(S, R)``.
    """

    weights: Floats
    log_failure: Floats

    @classmethod
    def of(cls, rates: Floats, weights: Floats | None = None) -> RateRows:
        """Build rows from pass rates of shape ``(S, R)``; equal weights unless given."""
        rows = rates.shape[1]
        with np.errstate(divide="ignore"):
            log_failure = np.maximum(np.log1p(-rates), LOG_FLOOR)
        return cls(np.full(rows, 1 / rows) if weights is None else weights, log_failure)

    @property
    def horizon(self) -> int:
        """No count is too large."""
        return UNLIMITED

    @property
    def linear(self) -> bool:
        """They are."""
        return True

    def curve(self, configuration: int, count: int) -> Floats:
        """Return ``count log(1 - p)``."""
        log_failure: Floats = self.log_failure[configuration] * count
        return log_failure

    def steps(self, counts: Ints) -> Floats:  # noqa: ARG002
        """Return ``log(1 - p)``, whatever the counts."""
        return self.log_failure

    def slopes(self, prices: Floats) -> Floats:
        """Return the one slope of each configuration, shape ``(S, 1)``."""
        return -(self.log_failure @ prices)[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class CurveRows:
    """Curves in general, tabulated for counts from 0 to the horizon.

    Attributes:
        weights: Share of each row, shape ``(R,)``.
        log_failure: ``L`` of each configuration and count on each row, shape ``(S, K + 1, R)``: the rows
            last, since every step of a solver runs over them.
    """

    weights: Floats
    log_failure: Floats

    @property
    def horizon(self) -> int:
        """The last count of the tables."""
        return int(self.log_failure.shape[1]) - 1

    @property
    def linear(self) -> bool:
        """They need not be."""
        return False

    def curve(self, configuration: int, count: int) -> Floats:
        """Look the curve up."""
        log_failure: Floats = self.log_failure[configuration, count]
        return log_failure

    def steps(self, counts: Ints) -> Floats:
        """Return what one more sample adds; nothing beyond the horizon."""
        each = np.arange(len(counts))
        after: Floats = self.log_failure[each, np.minimum(counts + 1, self.horizon)]
        return after - self.log_failure[each, counts]

    def slopes(self, prices: Floats) -> Floats:
        """Return every step's fall, shape ``(S, K)``."""
        total: Floats = self.log_failure @ prices
        return -np.diff(total, axis=1)


def failure(rows: Rows, counts: Ints) -> Floats:
    """Return the probability that all samples of these counts fail, per row, shape ``(R,)``."""
    return np.exp(log_failure(rows, counts))


def log_failure(rows: Rows, counts: Ints) -> Floats:
    """Return the logarithm of :func:`failure`, shape ``(R,)``."""
    total = np.zeros(rows.weights.shape)
    for configuration in np.flatnonzero(counts):
        total += rows.curve(int(configuration), int(counts[configuration]))
    return total


def unsolved_mass(rows: Rows, counts: Ints) -> Floats:
    """Return the weight of each row times its failure, shape ``(R,)``.

    Meant for matrix products: no failure is below exp(-500).
    """
    return rows.weights * np.exp(np.maximum(log_failure(rows, counts), LEAST))


def coverage(rows: Rows, counts: Ints) -> float:
    """Return the share of rows that at least one of the samples solves: the objective of every solver."""
    return min(1.0, 0.0 - float(rows.weights @ np.expm1(log_failure(rows, counts))))
