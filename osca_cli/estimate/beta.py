"""Empirical Bayes: each configuration's pass rates are drawn from a Beta distribution of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from scipy.special import gammaln

from osca_cli.errors import UsageError
from osca_cli.estimate.rows import CurveRows
from osca_cli.outcomes.types import Floats, Ints, Outcomes

CONCENTRATIONS = np.exp(np.linspace(np.log(0.1), np.log(100), 31))
TYPICAL = 2.0
"""Concentration that the prior of concentrations is centred on: rates spread over all of [0, 1]."""
SPREAD = 0.75
"""Standard deviation of the logarithm of concentrations under that prior."""
ROUNDS = 10
CELLS = 2 * 10**8
"""Most numbers in a table of curves: 1.6 GB."""

Prior: TypeAlias = tuple[float, float]
"""Mean and concentration of one configuration's rates."""


def beta(outcomes: Outcomes, horizon: int, priors: Sequence[Prior] | None = None) -> CurveRows:
    """Estimate log-failure curves ``log E[(1 - p)^k | n, c]``, one row per problem with equal weights.

    The rates of a configuration over problems are Beta with mean ``m`` and concentration ``s``; of each
    problem's counts the posterior is Beta again. Unlike the plug-in, a cell with one failure is not
    hopeless, nor one with a pass solved for good. A cell without samples has the configuration's prior.

    Shrinkage may choose an allocation, but its values are not to be claimed: never-solved problems are
    shared by configurations, which priors of their own cannot know, so coverage is overstated.

    Args:
        outcomes: Training problems.
        horizon: Largest count that a plan may draw.
        priors: Of each configuration, where they are fitted to other problems as well.

    Raises:
        UsageError: the table of curves would not fit in memory.
    """
    size, problems = outcomes.n.shape
    if size * problems * (horizon + 1) > CELLS:
        raise UsageError(
            f"the beta estimator cannot hold {size} x {problems} curves of {horizon} samples; "
            "use --estimator plugin, or fewer configurations (--only)"
        )
    table = np.empty((size, horizon + 1, problems))
    for s, (mean, concentration) in enumerate(fit_priors(outcomes) if priors is None else priors):
        passes = mean * concentration + outcomes.c[s]
        fails = (1 - mean) * concentration + outcomes.n[s] - outcomes.c[s]
        table[s] = _posterior_curve(passes, fails, horizon)
    return CurveRows(np.full(problems, 1 / problems), table)


def fit_priors(outcomes: Outcomes) -> list[Prior]:
    """Fit every configuration's prior."""
    return [fit_prior(n, c) for n, c in zip(outcomes.n, outcomes.c, strict=True)]


def fit_prior(n: Ints, c: Ints) -> Prior:
    """Fit mean and concentration of one configuration's rates to its counts, shape ``(P,)`` each.

    Cells with one sample tell the mean but nothing of the concentration, so the concentration is its
    maximum a posteriori under a log-normal prior around 2; with more samples the data decide. The mean
    weighs problems by what they tell of it, ``n / (1 + (n - 1) / (s + 1))``, half a pass and half a fail
    added.
    """
    known = n > 0
    n, c = n[known], c[known]
    if not n.size:
        return 0.5, TYPICAL
    concentration = TYPICAL
    for _ in range(ROUNDS):
        weight = n / (1 + (n - 1) / (concentration + 1))
        mean = (float(weight @ (c / n)) + 0.5) / (float(weight.sum()) + 1)
        evidence = _log_evidence(n[:, None], c[:, None], mean, CONCENTRATIONS).sum(axis=0)
        evidence -= 0.5 * (np.log(CONCENTRATIONS / TYPICAL) / SPREAD) ** 2
        concentration = float(CONCENTRATIONS[evidence.argmax()])
    return mean, concentration


def _log_evidence(n: Ints, c: Ints, mean: float, concentration: Floats) -> Floats:
    """Return the log-likelihood of counts, less what does not depend on the prior."""
    a, b = mean * concentration, (1 - mean) * concentration
    return gammaln(a + c) - gammaln(a) + gammaln(b + n - c) - gammaln(b) - gammaln(a + b + n) + gammaln(a + b)


def _posterior_curve(passes: Floats, fails: Floats, horizon: int) -> Floats:
    """Return ``log E[(1 - p)^k]``, ``p ~ Beta(passes, fails)``, for ``k`` from 0, shape ``(K + 1, P)``."""
    k = np.arange(horizon)[:, None]
    steps = np.log(fails + k) - np.log(passes + fails + k)
    return np.concatenate([np.zeros((1, len(passes))), np.cumsum(steps, axis=0)])
