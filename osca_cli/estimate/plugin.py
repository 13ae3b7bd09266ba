"""The paper's estimator: the share of passes, taken as the pass rate."""

from __future__ import annotations

import numpy as np

from osca_cli.estimate.rows import RateRows
from osca_cli.outcomes.types import Floats, Outcomes


def plugin(outcomes: Outcomes) -> RateRows:
    """Estimate every pass rate by ``c / n``, one row per problem with equal weights (OSCA, arXiv 2410.22480).

    A cell without samples is unknown, not a rate of 0: it takes the mean rate of its configuration. A
    configuration without any sample has rate 0; the planner forbids it.
    """
    return RateRows.of(plugin_rates(outcomes))


def plugin_rates(outcomes: Outcomes) -> Floats:
    """Return ``c / n``, a configuration's mean where ``n = 0``, shape ``(S, P)``."""
    known = outcomes.n > 0
    rates = np.where(known, outcomes.c / np.maximum(outcomes.n, 1), 0.0)
    return np.where(known, rates, mean_rates(outcomes)[:, None])


def mean_rates(outcomes: Outcomes) -> Floats:
    """Return each configuration's mean pass rate over the problems that it was sampled on, shape ``(S,)``."""
    known = outcomes.n > 0
    rates = np.where(known, outcomes.c / np.maximum(outcomes.n, 1), 0.0)
    mean: Floats = rates.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return mean
