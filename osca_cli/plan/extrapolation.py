"""Failure of more samples than a cell has: the samples say what they can, a model says the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from osca_cli.estimate.hierarchical import Model, Posterior
from osca_cli.outcomes.types import Floats, Ints, Outcomes

TRUST = 0.8
"""What the model counts for beyond the samples; the rest goes to the bound that they solve nothing more.

On ten real data sets the model alone overstates what is solved far beyond the samples; four fifths of it are
nearly unbiased there, and on made matrices.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Extrapolation:
    """A model fitted to other problems, of some configurations.

    Attributes:
        model: The model.
        configurations: Which configurations of the outcomes it knows, ascending.
    """

    model: Model
    configurations: Ints

    def knows(self, configuration: int) -> bool:
        """Tell whether the model was fitted to this configuration."""
        return bool(np.any(self.configurations == configuration))

    def to(self, outcomes: Outcomes) -> Extrapolated:
        """Apply it to the counts of problems that it was not fitted to; see :class:`Extrapolated`.

        Samples of schedules that stopped at a pass are left aside: the first n are to be without bias.
        """
        known = replace(outcomes.select(configurations=self.configurations.tolist()), stopped=None)
        return Extrapolated(self, self.model.given(known))


@dataclass(frozen=True, slots=True, eq=False)
class Extrapolated:
    """What the model makes of some problems.

    ``x`` samples of a cell that has ``n < x`` all fail where the ``n`` failed and ``x - n`` more do. Of the
    first the samples tell without bias, whatever the model. Of the second the model tells, given all counts
    of the problem; the mean over what those counts could have been is then ``(1 - p)^x``, if the model is
    right, and never below the share that the samples solve, if it is wrong.

    Attributes:
        by: The fitted model.
        posterior: Given the counts of these problems.
    """

    by: Extrapolation
    posterior: Posterior

    @property
    def node(self) -> Floats:
        """Probability of each node of the model for each problem, shape ``(P, G)``."""
        return self.posterior.known.node

    def knows(self, configuration: int) -> bool:
        """Tell whether the model was fitted to this configuration."""
        return self.by.knows(configuration)

    def beyond(self, configuration: int, k: Ints) -> tuple[Floats, Ints]:
        """Return the probability that what k samples draw beyond those of a cell all fails, at each node.

        Args:
            configuration: Its index among all.
            k: Numbers of samples, shape ``(K,)``.

        Returns:
            By kind of cell, shape ``(K, V, G)``, 1 where the cell has as many; and the kind of each problem,
            shape ``(P,)``.
        """
        at = int(np.searchsorted(self.by.configurations, configuration))
        return self.posterior.failure_beyond(at, k)
