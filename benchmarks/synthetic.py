"""Matrices of pass rates of several shapes, known because they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import expit

from osca_cli.outcomes.types import Floats, Outcomes

Shape = Callable[[np.random.Generator, int], Floats]


def bimodal(rng: np.random.Generator, problems: int) -> Floats:
    """Ten configurations that solve a problem nearly always or nearly never."""
    ease = rng.normal(0, 1.5, problems)
    solves = rng.random((10, problems)) < expit(ease + rng.normal(-0.5, 0.7, (10, 1)))
    return np.where(solves, rng.beta(12, 1, solves.shape), rng.beta(1, 25, solves.shape))


def zero_inflated(rng: np.random.Generator, problems: int) -> Floats:
    """Ten configurations; four problems in ten are solved by nobody, the others now and then."""
    ease = rng.normal(-1.5, 1.5, problems)
    rates = expit(ease + rng.normal(0, 0.8, (10, 1)) + rng.normal(0, 0.7, (10, problems)))
    return rates * (rng.random(problems) > 0.4)


def easy(rng: np.random.Generator, problems: int) -> Floats:
    """Ten configurations on problems that most of them solve most of the time."""
    ease = rng.normal(2, 1.5, problems)
    return expit(ease + rng.normal(0, 0.5, (10, 1)) + rng.normal(0, 0.8, (10, problems)))


def dominated(rng: np.random.Generator, problems: int) -> Floats:
    """Ten configurations, one of which is better on every problem."""
    ease = rng.normal(-1, 2, problems)
    level = np.where(np.arange(10) == 0, 1.5, -1.0)[:, None]
    return expit(ease + level)


def equal(rng: np.random.Generator, problems: int) -> Floats:
    """Twenty configurations with the same rate on every problem: nothing can be gained."""
    rates = rng.beta(0.5, 0.9, problems)
    return np.tile(rates, (20, 1))


SHAPES: Mapping[str, Shape] = {
    "bimodal": bimodal,
    "zero-inflated": zero_inflated,
    "easy": easy,
    "dominated": dominated,
    "equal": equal,
}


EQUAL: Mapping[str, Shape] = {
    "spread": lambda rng, problems: rng.beta(0.5, 0.9, problems),
    "hard": lambda rng, problems: rng.beta(0.3, 2.5, problems),
    "easy": lambda rng, problems: rng.beta(3, 0.6, problems),
    "bimodal": lambda rng, problems: np.where(
        rng.random(problems) < 0.5, rng.beta(1, 30, problems), rng.beta(20, 1, problems)
    ),
    "zero-inflated": lambda rng, problems: rng.beta(0.7, 1, problems) * (rng.random(problems) > 0.4),
}
"""Rates of problems, shape ``(P,)``, that are the same for every configuration."""


def pilot(rates: Floats, samples: int, rng: np.random.Generator) -> Outcomes:
    """Draw so many samples of every cell."""
    n = np.full(rates.shape, samples)
    names = [f"s{index}" for index in range(rates.shape[0])]
    ids = [f"p{index}" for index in range(rates.shape[1])]
    return Outcomes.of(names, ids, n, rng.binomial(n, rates))
