"""Rows of several tasks as one: what solves problems of one task does nothing for those of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Stacked:
    """The rows of T estimates one after the other, and their configurations likewise.

    The curves are blocks on a diagonal; only the blocks are kept.

    Attributes:
        parts: One estimate a task, all of the same estimator.
        weights: Share of each row, shape ``(R,)``.
        first_row: Where the rows of each part begin, then R, shape ``(T + 1,)``.
        first: Where the configurations of each part begin, then S, shape ``(T + 1,)``.
    """

    parts: tuple[Rows, ...]
    weights: Floats
    first_row: Ints
    first: Ints

    @classmethod
    def of(cls, parts: Sequence[Rows], sizes: Sequence[int], shares: Floats) -> Stacked:
        """Stack estimates.

        Args:
            parts: One estimate a task.
            sizes: Numbers of their configurations.
            shares: What each task counts for, shape ``(T,)``; they sum to 1.
        """
        return cls(
            tuple(parts),
            np.concatenate([share * part.weights for part, share in zip(parts, shares, strict=True)]),
            _starts([len(part.weights) for part in parts]),
            _starts(sizes),
        )

    @property
    def horizon(self) -> int:
        """Largest count that any curve reaches; beyond its own horizon a curve stays where it is."""
        return max(part.horizon for part in self.parts)

    @property
    def linear(self) -> bool:
        """Whether the parts are."""
        return all(part.linear for part in self.parts)

    def curve(self, configuration: int, count: int) -> Floats:
        """Return the log-failure of so many samples, shape ``(R,)``: 0 on the rows of other tasks."""
        at = int(np.searchsorted(self.first, configuration, side="right")) - 1
        part = self.parts[at]
        curve = np.zeros(self.weights.shape)
        known = min(count, part.horizon)
        curve[self._rows(at)] = part.curve(configuration - int(self.first[at]), known)
        return curve

    def steps(self, counts: Ints) -> Floats:
        """Return the log-failure that one more sample of each configuration adds, shape ``(S, R)``."""
        steps = np.zeros((int(self.first[-1]), len(self.weights)))
        for at, part in enumerate(self.parts):
            own = slice(self.first[at], self.first[at + 1])
            steps[own, self._rows(at)] = part.steps(np.minimum(counts[own], part.horizon))
        return steps

    def slopes(self, prices: Floats) -> Floats:
        """Return every step's fall, shape ``(S, K)``; 0 beyond the horizon of a part."""
        falls = [part.slopes(prices[self._rows(at)]) for at, part in enumerate(self.parts)]
        width = max(fall.shape[1] for fall in falls)
        return np.concatenate([np.pad(fall, ((0, 0), (0, width - fall.shape[1]))) for fall in falls])

    def _rows(self, at: int) -> slice:
        return slice(int(self.first_row[at]), int(self.first_row[at + 1]))


def _starts(sizes: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
