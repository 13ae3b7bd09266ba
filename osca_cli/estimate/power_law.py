"""The power law of repeated sampling: how coverage grows with samples, and where it does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.estimate.unbiased import pass_at_k
from osca_cli.outcomes.types import Floats, Ints

STEPS = 50
MISFIT = 0.01
"""A fit that is a point of pass rate away from a curve does not describe it.

The curve's points come from the same samples, so what is left over is no noise between them.
"""
RANGE = 4
"""The fit to the first quarter of the samples says what all of them come to."""


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """``log coverage(k) = -scale * k ** -exponent``.

    Attributes:
        scale: Minus the logarithm of the coverage of one sample.
        exponent: How fast that falls; above 0 where more samples solve more.
        misfit: Largest distance between law and curve, in coverage.
        surprise: What the curve reaches less what a law fitted to the first quarter of its samples expects
            there; None where that is too short to fit.
    """

    scale: float
    exponent: float
    misfit: float
    surprise: float | None = None

    @property
    def fits(self) -> bool:
        """Whether the law describes the curve, and what its first quarter says of the rest holds."""
        return self.misfit <= MISFIT and abs(self.surprise or 0.0) <= 2 * MISFIT

    def coverage(self, k: Floats) -> Floats:
        """Return the law's coverage at numbers of samples."""
        return np.asarray(np.exp(-self.scale * np.asarray(k, float) ** -self.exponent))


def coverage_curve(n: Ints, c: Ints) -> tuple[Ints, Floats]:
    """Return the mean unbiased pass@k of one configuration over problems, at doubling numbers of samples.

    Args:
        n: Samples of each problem; those without any are left out.
        c: Samples that passed.

    Returns:
        Numbers of samples up to the least that a problem has, shape ``(K,)``, and the coverage of each.
    """
    known = n > 0
    if not known.any():
        return np.zeros(0, np.int64), np.zeros(0)
    most = int(n[known].min())
    k = np.array([*(2**i for i in range(most.bit_length()) if 2**i < most), most], np.int64)
    return k, np.array([float(pass_at_k(n[known], c[known], int(one)).mean()) for one in k])


def fit_power_law(k: Ints | Floats, coverage: Floats) -> PowerLaw | None:
    """Fit the form of "Large Language Monkeys" (Brown et al. 2024, arXiv 2407.21787, section 3.1).

    Least squares in coverage, by Gauss and Newton's steps on ``log(-log coverage)``, which is linear in
    ``log k``. The law describes a mean over problems only where the rates near 0 are dense enough
    (Schaeffer et al. 2025, arXiv 2502.17578): problems that are never solved, or that are always, bend the
    curve away from it, so the misfit is part of the answer.

    Args:
        k: Numbers of samples, ascending, shape ``(K,)``.
        coverage: Mean pass@k, shape ``(K,)``.

    Returns:
        None where fewer than three points lie between 0 and 1.
    """
    law = _fit(np.asarray(k, float), coverage)
    if law is None:
        return None
    early = np.asarray(k) <= np.max(k) / RANGE
    first = _fit(np.asarray(k, float)[early], coverage[early])
    misfit = float(np.max(np.abs(law.coverage(np.asarray(k, float)) - coverage)))
    surprise = None
    if first is not None:
        surprise = float(coverage[-1] - first.coverage(np.array([float(k[-1])]))[0])
    return PowerLaw(law.scale, law.exponent, misfit, surprise)


def _fit(k: Floats, coverage: Floats) -> PowerLaw | None:
    inside = (coverage > 0) & (coverage < 1)
    if inside.sum() < 3:
        return None
    k, coverage = k[inside], coverage[inside]
    design = np.stack([np.ones_like(k), np.log(k)], axis=1)
    theta = np.linalg.lstsq(design, np.log(-np.log(coverage)), rcond=None)[0]
    best, least = theta, _squares(design, theta, coverage)
    for _ in range(STEPS):
        slope = np.exp(design @ best)
        fitted = np.exp(-slope)
        weight = slope * fitted
        step = np.linalg.lstsq(design * -weight[:, None], coverage - fitted, rcond=None)[0]
        while (squares := _squares(design, best + step, coverage)) > least and np.abs(step).max() > 1e-12:
            step = step / 2
        if squares >= least:
            break
        best, least = best + step, squares
    return PowerLaw(float(np.exp(best[0])), float(-best[1]), 0.0)


def _squares(design: Floats, theta: Floats, coverage: Floats) -> float:
    return float(np.sum((np.exp(-np.exp(np.minimum(design @ theta, 50.0))) - coverage) ** 2))
