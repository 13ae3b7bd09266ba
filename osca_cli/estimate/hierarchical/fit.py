"""The fit: expectation maximisation, maximum a posteriori, deterministic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit

from osca_cli.estimate.hierarchical.cells import Cells
from osca_cli.estimate.hierarchical.likelihood import (
    DESIGN,
    EASE,
    FLAVOUR_SHARE,
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

LEVEL_SD = 2.0
"""Levels are normal around their mean: configurations are thought to be somewhat like each other."""
SLOPE, SLOPE_SD = 1.0, 0.5
"""Slopes are normal around 1. Without slopes the plans are worse by half a point."""
SLOPES = (0.2, 4.0)
"""A slope stays within these: an easier problem is easier for everybody."""
TASTE_SD = 0.5
"""Tastes are normal around 0."""
TASTES = (-2.0, 2.0)
STEP = 0.5
"""Longest step of a coefficient in one of Newton's."""

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
        weight = (cells.membership @ known.node) * known.regular
        parameters = replace(_regress(cells, weight, parameters), share=_share(known))
        if cells.stopped:  # passes over samples, of the start, are biased then
            parameters = replace(parameters, marginal=parameters.mean @ parameters.share)
        if turn % ALIKE_EVERY == ALIKE_EVERY - 1:
            parameters = replace(parameters, alike=_alike(cells, weight, parameters))
    return parameters


def fit_share(cells: Cells, parameters: Parameters) -> Parameters:
    """Fit the share of problems at each node alone, starting from a model of more problems.

    Unlike in a whole fit flavours have no distribution to keep: some kinds of problem suit one half of the
    configurations. One problem's weight is spread as the model has it.
    """
    start = parameters.share
    for _ in range(ROUNDS):
        nodes = evidence(cells, parameters).node
        parameters = replace(parameters, share=(nodes.sum(axis=0) + start) / (len(nodes) + 1))
    return parameters


def _start(cells: Cells) -> Parameters:
    """Start from marginal rates: of configurations for levels, of problems for the shares of nodes."""
    n, c = cells.n[cells.kind], cells.c[cells.kind]
    marginal = (c.sum(axis=1) + 0.5) / (n.sum(axis=1) + 1)
    ease = np.clip(logit((c.sum(axis=0) + 0.5) / (n.sum(axis=0) + 1)), -4, 4)
    share = np.outer(FLAVOUR_SHARE, np.exp(-0.5 * ((EASE - ease.mean()) / 2) ** 2)).ravel()
    configurations, problems = cells.kind.shape
    level = 1.2 * logit(marginal) - ease.mean()
    taste = _first_taste(n, c, expit(logit(marginal)[:, None] + ease - ease.mean()))
    return Parameters(
        coefficients=np.stack([level, np.full(configurations, SLOPE), taste], axis=1),
        alike=np.full(configurations, ALIKE_MEAN),
        share=share / share.sum(),
        marginal=marginal,
        insurance=min(0.15, 4 / problems),
    )


def _first_taste(n: Floats, c: Floats, rates: Floats) -> Floats:
    """Return the main direction in which passes depart from what marginal rates explain, shape ``(S,)``.

    It is the first singular vector of the residuals, each over its standard deviation as if ``alike`` were
    2. Its sign means nothing; it is chosen so that the order of configurations has no part in it.
    """
    variance = n * rates * (1 - rates) * (1 + (n - 1) / (ALIKE_MEAN + 1))
    residuals = (c - n * rates) / np.sqrt(np.maximum(variance, 0.05))
    vectors, strength, _ = np.linalg.svd(residuals, full_matrices=False)
    if strength[0] < 1e-9:
        return np.zeros(len(n))
    first = vectors[:, 0] * np.sqrt(len(n)) * np.sign(np.sum(vectors[:, 0] ** 3) or 1.0)
    taste: Floats = TASTE_SD * np.clip(first, *TASTES)
    return taste


def _share(known: Evidence) -> Floats:
    """Return the share of problems at each node, with one problem's weight spread evenly over all eases.

    Flavour keeps its distribution, which sets the scale of tastes.
    """
    nodes = known.node.sum(axis=0).reshape(len(FLAVOUR_SHARE), len(EASE))
    ease = (nodes.sum(axis=0) + 1 / len(EASE)) / (len(known.node) + 1)
    return np.outer(FLAVOUR_SHARE, ease).ravel()


def _regress(cells: Cells, weight: Floats, parameters: Parameters) -> Parameters:
    """Move coefficients by two Newton steps of a logistic regression on the nodes, one per configuration.

    The samples of a cell are alike, so n of them count as ``n / (1 + (n - 1) / (alike + 1))``: the
    variance of a beta-binomial against that of a binomial. So weighted, ``c - n mean`` is a multiple of the
    posterior mean of the cell's rate less its prior mean, whose expectation is 0 whatever stopped sampling.

    Args:
        cells: The counts.
        weight: Regular cells expected of each kind at each node, shape ``(V, G)``.
        parameters: Where to start.
    """
    effective = weight / (1 + (cells.n - 1) / (parameters.alike[cells.owner] + 1))[:, None]
    samples = _per_configuration(cells, effective * cells.n[:, None])
    passes = _per_configuration(cells, effective * cells.c[:, None])
    precision = 1 / np.array([LEVEL_SD, SLOPE_SD, TASTE_SD]) ** 2
    pairs = DESIGN[:, :, None] * DESIGN[:, None, :]
    at = parameters.coefficients
    for _ in range(2):
        rate = expit(at @ DESIGN.T)
        gradient = (passes - samples * rate) @ DESIGN - (at - [at[:, 0].mean(), SLOPE, 0.0]) * precision
        information = np.tensordot(samples * rate * (1 - rate), pairs, axes=1) + np.diag(precision)
        at = at + np.clip(np.linalg.solve(information, gradient[..., None])[..., 0], -STEP, STEP)
        at[:, 1] = np.clip(at[:, 1], *SLOPES)
        at[:, 2] = np.clip(at[:, 2], *TASTES)
    return replace(parameters, coefficients=at)


def _alike(cells: Cells, weight: Floats, parameters: Parameters) -> Floats:
    """Return the most probable ``alike`` of each configuration, shape ``(S,)``; their centre comes first."""
    mean = parameters.mean
    fits = [
        _per_configuration(cells, log_beta_binomial(cells, mean, np.full(len(mean), value)) * weight).sum(
            axis=1
        )
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
