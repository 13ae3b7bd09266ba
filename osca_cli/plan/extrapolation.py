"""Failure of more samples than a cell has: no unbiased estimate exists, so two biased ones are averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.estimate.hierarchical import Model, Posterior
from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes


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

    def to(self, outcomes: Outcomes, weight: float = 0.5) -> Extrapolated:
        """Apply it to the counts of problems that it was not fitted to; see :class:`Extrapolated`."""
        known = outcomes.select(configurations=self.configurations.tolist())
        return Extrapolated(self, self.model.given(known), weight)


@dataclass(frozen=True, slots=True, eq=False)
class Extrapolated:
    """What the model makes of some problems.

    Attributes:
        by: The fitted model.
        posterior: Given the counts of these problems.
        weight: What the model's failure counts for; the rest goes to ``(1 - c/n)^k``.
    """

    by: Extrapolation
    posterior: Posterior
    weight: float

    def knows(self, configuration: int) -> bool:
        """Tell whether the model was fitted to this configuration."""
        return self.by.knows(configuration)

    def failure(self, configuration: int, k: Ints, rates: Floats, sampled: Mask) -> Floats:
        """Return the probability that k samples of one configuration all fail, shape ``(K, P)``.

        It is a mean of ``(1 - c/n)^k``, which understates coverage by Jensen's inequality, and of the
        model's, which overstates it: measured on real sets, their even mean is nearly unbiased. Of a cell
        without samples only the model says anything.

        Args:
            configuration: Its index among all.
            k: Numbers of samples, shape ``(K,)``.
            rates: ``c/n`` of each problem, shape ``(P,)``.
            sampled: Which problems have samples, shape ``(P,)``.
        """
        at = int(np.searchsorted(self.by.configurations, configuration))
        model = np.exp(self.posterior.log_failure(at, k))
        plain = (1 - rates) ** k[:, None]
        return np.where(sampled, (1 - self.weight) * plain + self.weight * model, model)
