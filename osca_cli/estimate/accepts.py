"""How often what accepts in production is wrong, by configuration, and how often at most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, gammaln

from osca_cli.outcomes.types import Floats, Ints

STRENGTHS = np.exp(np.linspace(np.log(1e5), np.log(3), 41))
"""Samples that what configurations have in common may count for, from the most down."""

LEAST_STRENGTH = 0.05
MOST = 0.999
"""No rate is taken for larger: even a verifier that accepts everything rejects in the end."""


UNLIKELY = 0.5
"""How much less probable, in its logarithm, a strength may be than the most probable one."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Shares of events of each configuration, shape ``(S,)`` each.

    Attributes:
        likely: What they probably are.
        most: Their upper limits, of exact 95% intervals.
        strength: How alike problems are: their shares are Beta with this strength around a configuration's.
    """

    likely: Floats
    most: Floats
    strength: float


def shrunk_rates(events: Ints, samples: Ints) -> Rates:
    """Estimate shares of configurations, each drawn towards what all have in common.

    Shares are Beta around a common mean, with the largest strength that is nearly the most probable one: what
    nothing tells apart is taken for one. Events gather on problems, since a weak test passes again: counts
    are divided by how much more they vary between problems than independent samples would (the design
    effect; Kish 1965). The upper limit is Clopper and Pearson's (1934) for what was seen of a configuration
    with what the others lend it.

    Args:
        events: Samples with the event, shape ``(S, P)``.
        samples: All of them, shape ``(S, P)``.
    """
    effect, strength = gathering(events, samples)
    seen, total = events.sum(axis=1) / effect, samples.sum(axis=1) / effect
    common = (seen.sum() + 0.5) / (total.sum() + 1)
    lent = np.minimum(_strength(seen, total, common), total.sum() - total)
    # What the others lend is what they have: the half event that keeps the mean above 0 is not.
    observed = seen.sum() / max(total.sum(), 1.0)
    count, number = seen + observed * lent, total + lent
    most = np.where(number > count, betaincinv(count + 1, np.maximum(number - count, 1e-9), 0.975), 1.0)
    likely = (seen + common * (lent + 1)) / (total + lent + 1)
    return Rates(np.minimum(likely, MOST), np.clip(most, likely, MOST), strength)


def gathering(events: Ints, samples: Ints) -> tuple[float, float]:
    """Tell how events gather on problems.

    Returns:
        How many times the variance of independent samples their sum has, at least 1; and the strength of the
        Beta distribution of the problems' shares that has this effect, infinite where that is 1.
    """
    each = samples.sum(axis=0)
    total, problems = int(each.sum()), int(np.sum(each > 0))
    share = int(events.sum()) / max(total, 1)
    independent = total * share * (1 - share)
    if independent == 0 or problems < 2:
        return 1.0, np.inf
    apart = (events - share * samples).sum(axis=0)
    effect = float(apart @ apart) * problems / (problems - 1) / independent
    if effect <= 1:
        return 1.0, np.inf
    alike = float(each @ each) / total
    return effect, max((alike - 1) / (effect - 1) - 1, LEAST_STRENGTH)


def _strength(seen: Floats, total: Floats, common: float) -> float:
    """Return the largest strength of the common mean that is nearly the most probable one."""
    a, b = common * STRENGTHS, (1 - common) * STRENGTHS
    c, n = seen[:, None], total[:, None]
    evidence = gammaln(a + c) - gammaln(a) + gammaln(b + n - c) - gammaln(b)
    evidence = np.sum(evidence + gammaln(a + b) - gammaln(a + b + n), axis=0)
    return float(STRENGTHS[np.flatnonzero(evidence >= evidence.max() - UNLIKELY)[0]])
