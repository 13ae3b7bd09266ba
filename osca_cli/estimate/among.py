"""Rows of some configurations only, as rows of all: the others are taken to solve nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Among:
    """Rows that know some of S configurations.

    Attributes:
        known: The rows of those.
        configurations: Which of all they are, ascending.
        size: How many there are in all, S.
    """

    known: Rows
    configurations: Ints
    size: int

    @property
    def weights(self) -> Floats:
        """Share of each row, shape ``(R,)``."""
        return self.known.weights

    @property
    def horizon(self) -> int:
        """Largest count that the curves reach."""
        return self.known.horizon

    @property
    def linear(self) -> bool:
        """As of those that are known."""
        return self.known.linear

    def curve(self, configuration: int, count: int) -> Floats:
        """Return the log-failure of so many samples, shape ``(R,)``: 0 where it is not known."""
        at = int(np.searchsorted(self.configurations, configuration))
        if at < len(self.configurations) and self.configurations[at] == configuration:
            return self.known.curve(at, count)
        return np.zeros(self.weights.shape)

    def steps(self, counts: Ints) -> Floats:
        """Return the log-failure that one more sample of each configuration adds, shape ``(S, R)``."""
        return self._all(self.known.steps(counts[self.configurations]))

    def slopes(self, prices: Floats) -> Floats:
        """Return every step's fall, shape ``(S, K)``."""
        return self._all(self.known.slopes(prices))

    def _all(self, values: Floats) -> Floats:
        spread = np.zeros((self.size, values.shape[1]))
        spread[self.configurations] = values
        return spread
