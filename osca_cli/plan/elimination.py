"""Which configurations go on after the first samples of a pilot."""

from __future__ import annotations

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.allocate.solve import find
from osca_cli.estimate.plugin import mean_rates
from osca_cli.estimate.rows import Rows, unsolved_mass
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.choice import learn
from osca_cli.spec.pilot import going_on


def promising(train: Outcomes, limits: Limits) -> list[int]:
    """Return the third of the configurations that can still matter, at least two, ascending.

    Those of the highest :func:`scores` by the default estimator, the better pass rate first where these are
    equal. A deterministic configuration is known after one sample, so it never goes on.

    Args:
        train: The first samples of every configuration on the training problems.
        limits: Of the budget that is to be planned for.
    """
    able = (limits.upper > 0) & ~train.deterministic
    score = np.where(able, scores(learn(train, "auto", limits).rows, limits), -1.0)
    order = np.lexsort((-mean_rates(train), -score))
    return sorted(order[: going_on(int(able.sum()))].tolist())


def scores(rows: Rows, limits: Limits) -> Floats:
    """Return how much each configuration matters, in [0, 2], shape ``(S,)``.

    A configuration matters by its part in what the best plan spends, and by what one more sample of it would
    add to that plan per cost, as a share of what the best one would add.

    Args:
        rows: The estimate after the first samples.
        limits: Of the budget.
    """
    counts = find(rows, limits, "auto", seed=0)
    prices = limits.prices()
    spent = prices * counts
    gain = -np.expm1(rows.steps(counts)) @ unsolved_mass(rows, counts) / prices
    score: Floats = _as_share(spent, float(spent.sum())) + _as_share(gain, float(gain.max()))
    return score


def _as_share(values: Floats, whole: float) -> Floats:
    return values / whole if whole > 0 else np.zeros(len(values))
