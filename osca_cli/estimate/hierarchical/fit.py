"""The fit: expectation maximisation, maximum a posteriori, deterministic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit

from osca_cli.estimate.hierarchical.cells import Cells
from osca_cli.estimate.hierarchical.likelihood import (
    NODES,
    Evidence,
    Parameters,
    evidence,
    log_beta_binomial,
)
from osca_cli.outcomes.types import Floats

ROUNDS = 16
"""Rounds of expectation and maximisation; more change no plan that was looked at."""
ALIKE_EVERY = 4
"""Rounds between two looks at ``alike``, which moves slowly."""

LEVEL_SD = 1.0
"""Levels are normal around their mean: configurations are thought to be like each other."""
SLOPE_SD = 0.5
SLOPE_MEAN = 1.0
"""Slopes are normal around 1. Without slopes the plans are worse by half a point."""
SLOPES = (0.2, 4.0)
"""A slope stays within these: an easier problem is easier for everybody."""

ALIKE = np.exp(np.linspace(np.log(0.15), np.log(60.0), 13))
"""What ``alike`` may be."""
ALIKE_MEAN = 2.0
"""The common value is log-normal around this, with standard deviation 1, and never without bound."""
ALIKE_SD = 0.5
"""Each configuration's is log-normal around the common value."""


def fit(cells: Cells) -> Parameters:
    """Fit the model to training problems.

    The insurance is not fitted but set: ``min(0.15, 4 / P)``, as much as four problems of the P.
    """
    parameters = _start(cells)
    for turn in range(ROUNDS):
        known = evidence(cells, parameters)
        weight = (cells.membership @ known.ease) * known.regular
        parameters = replace(_regress(cells, weight, parameters), share=_share(known))
        if turn % ALIKE_EVERY == ALIKE_EVERY - 1:
            parameters = replace(parameters, alike=_alike(cells, weight, parameters))
    return parameters


def _start(cells: Cells) -> Parameters:
    """Start from marginal rates: of configurations for levels, of problems for the shares of nodes."""
    n, c = cells.n[cells.kind], cells.c[cells.kind]
    marginal = (c.sum(axis=1) + 0.5) / (n.sum(axis=1) + 1)
    ease = float(np.clip(logit((c.sum(axis=0) + 0.5) / (n.sum(axis=0) + 1)), -4, 4).mean())
    share = np.exp(-0.5 * ((NODES - ease) / 2) ** 2)
    configurations, problems = cells.kind.shape
    return Parameters(
        level=1.2 * logit(marginal) - ease,
        slope=np.full(configurations, SLOPE_MEAN),
        alike=np.full(configurations, ALIKE_MEAN),
        share=share / share.sum(),
        marginal=marginal,
        insurance=min(0.15, 4 / problems),
    )


def _share(known: Evidence) -> Floats:
    """Return the share of problems at each node, with one problem's weight spread evenly over all."""
    problems, nodes = known.ease.shape
    share: Floats = (known.ease.sum(axis=0) + 1 / nodes) / (problems + 1)
    return share


def _regress(cells: Cells, weight: Floats, parameters: Parameters) -> Parameters:
    """Move levels and slopes by two Newton steps of a logistic regression on ease, one per configuration.

    The samples of a cell are alike, so n of them count as ``n / (1 + (n - 1) / (alike + 1))``: the
    variance of a beta-binomial against that of a binomial.

    Args:
        cells: The counts.
        weight: Regular cells expected of each kind at each node, shape ``(V, G)``.
        parameters: Where to start.
    """
    effective = weight / (1 + (cells.n - 1) / (parameters.alike[cells.owner] + 1))[:, None]
    samples = _per_configuration(cells, effective * cells.n[:, None])
    passes = _per_configuration(cells, effective * cells.c[:, None])
    design = np.stack([np.ones_like(NODES), NODES], axis=1)
    precision = 1 / np.array([LEVEL_SD, SLOPE_SD]) ** 2
    coefficients = np.stack([parameters.level, parameters.slope], axis=1)
    for _ in range(2):
        rate = expit(coefficients @ design.T)
        centre = np.array([coefficients[:, 0].mean(), SLOPE_MEAN])
        gradient = (passes - samples * rate) @ design - (coefficients - centre) * precision
        information = np.einsum("sg,gi,gj->sij", samples * rate * (1 - rate), design, design)
        step = np.linalg.solve(information + np.diag(precision), gradient[..., None])[..., 0]
        coefficients = coefficients + np.clip(step, -0.5, 0.5)
        coefficients[:, 1] = np.clip(coefficients[:, 1], *SLOPES)
    return replace(parameters, level=coefficients[:, 0], slope=coefficients[:, 1])


def _alike(cells: Cells, weight: Floats, parameters: Parameters) -> Floats:
    """Return the most probable ``alike`` of each configuration, shape ``(S,)``; their centre comes first."""
    mean, n, c = parameters.mean[cells.owner], cells.n[:, None], cells.c[:, None]
    fits = [
        _per_configuration(cells, log_beta_binomial(n, c, mean, value) * weight).sum(axis=1)
        for value in ALIKE
    ]
    likelihood, grid = np.stack(fits, axis=1), np.log(ALIKE)
    common = grid[np.argmax(likelihood.sum(axis=0) - 0.5 * (grid - np.log(ALIKE_MEAN)) ** 2)]
    best: Floats = ALIKE[np.argmax(likelihood - 0.5 * ((grid - common) / ALIKE_SD) ** 2, axis=1)]
    return best


def _per_configuration(cells: Cells, values: Floats) -> Floats:
    """Sum values of kinds, shape ``(V, G)``, over each configuration's, shape ``(S, G)``."""
    first = np.flatnonzero(np.diff(cells.owner, prepend=-1))
    total: Floats = np.add.reduceat(values, first, axis=0)
    return total
