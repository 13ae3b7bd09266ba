"""Curves known at some counts only: for budgets of thousands of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.outcomes.types import Floats, Ints

DENSE = 64
"""Counts up to this are all tabulated, where the horizon is not beyond it."""
EXACT = 32
"""Beyond it, counts up to this are, and then every count that is a tenth larger than the last."""


def knots(horizon: int) -> Ints:
    """Return the counts to tabulate, from 0 to the horizon."""
    if horizon <= DENSE:
        return np.arange(horizon + 1)
    at = [*range(EXACT + 1)]
    while at[-1] < horizon:
        at.append(min(horizon, int(at[-1] * 1.1)))
    return np.array(at)


@dataclass(frozen=True, slots=True, eq=False)
class KnotRows:
    """Curves that are straight between knots.

    A chord lies above a convex curve, so failure is overstated between knots, by a factor of
    ``exp(0.0012 a)`` at most where it falls like ``k^-a``.

    Attributes:
        weights: Share of each row, shape ``(R,)``.
        at: The knots, ascending from 0 to the horizon, shape ``(K,)``.
        log_failure: ``L`` of each configuration and knot on each row, shape ``(S, K, R)``.
    """

    weights: Floats
    at: Ints
    log_failure: Floats

    @property
    def horizon(self) -> int:
        """The last knot."""
        return int(self.at[-1])

    @property
    def linear(self) -> bool:
        """Only between knots."""
        return False

    def curve(self, configuration: int, count: int) -> Floats:
        """Interpolate between the knots on both sides."""
        left = self._left(np.array(count))
        share = (count - self.at[left]) / (self.at[left + 1] - self.at[left])
        low, high = self.log_failure[configuration, left], self.log_failure[configuration, left + 1]
        between: Floats = (1 - share) * low + share * high
        return between

    def steps(self, counts: Ints) -> Floats:
        """Return what one more sample adds; nothing beyond the horizon."""
        left, each = self._left(counts), np.arange(len(counts))
        rise = self.log_failure[each, left + 1] - self.log_failure[each, left]
        step: Floats = rise / (self.at[left + 1] - self.at[left])[:, None]
        return np.where((counts < self.horizon)[:, None], step, 0.0)

    def slopes(self, prices: Floats) -> Floats:
        """Return every step's fall, shape ``(S, horizon)``."""
        width = np.diff(self.at)
        fall = -np.diff(self.log_failure @ prices, axis=1) / width
        return np.repeat(fall, width, axis=1)

    def _left(self, counts: Ints) -> Ints:
        """Return the knot at or before each count, the last but one at most."""
        return np.minimum(np.searchsorted(self.at, counts, side="right") - 1, len(self.at) - 2)
