"""What an allocation may be: within caps, and within a budget on the sum of costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.outcomes.types import UNLIMITED, Floats, Ints

SLACK = 1 + 1e-9
"""A budget of 0.03 buys three samples of 0.01, whatever binary fractions say."""


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """The allocations ``x`` allowed: ``lower <= x <= upper`` and ``costs @ x <= budget``.

    Attributes:
        costs: Cost of one sample of each configuration, shape ``(S,)``; ones for a budget in samples.
        budget: In the unit of the costs.
        lower: Least counts, above 0 where a configuration is required, shape ``(S,)``.
        upper: Caps, 0 where a configuration is forbidden, shape ``(S,)``. Where a sample costs nothing,
            the cap must be finite.
    """

    costs: Floats
    budget: float
    lower: Ints
    upper: Ints

    @classmethod
    def of(
        cls,
        costs: Floats,
        budget: float,
        *,
        lower: Ints | None = None,
        upper: Ints | None = None,
    ) -> Limits:
        """Build limits; none is required and none is capped unless given."""
        size = len(costs)
        return cls(
            costs,
            budget,
            np.zeros(size, np.int64) if lower is None else lower,
            np.full(size, UNLIMITED) if upper is None else upper,
        )

    @classmethod
    def samples(cls, size: int, budget: int, *, upper: Ints | None = None) -> Limits:
        """Build the limits of a budget in samples."""
        return cls.of(np.ones(size), budget, upper=upper)

    def prices(self) -> Floats:
        """Return the costs with next to nothing instead of 0, to divide by, shape ``(S,)``."""
        scale = float(self.costs.max()) or 1.0
        return np.maximum(self.costs, 1e-12 * scale)

    def room(self, counts: Ints) -> float:
        """Return what is left of the budget, rounding forgiven."""
        return self.budget * SLACK - float(self.costs @ counts)

    def most(self) -> Ints:
        """Return how often each configuration could be drawn if the required rest is drawn too."""
        room = max(0.0, self.room(self.lower))
        with np.errstate(divide="ignore", invalid="ignore"):
            affordable = np.where(self.costs > 0, np.floor(room / self.costs), UNLIMITED)
        more = np.minimum(affordable, UNLIMITED).astype(np.int64)
        most: Ints = np.minimum(self.upper, self.lower + more)
        return most

    def allows(self, counts: Ints) -> bool:
        """Tell whether an allocation keeps all limits."""
        within = (self.lower <= counts) & (counts <= self.upper)
        return bool(within.all()) and self.room(counts) >= 0
