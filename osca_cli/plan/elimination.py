"""Which configurations go on after the first samples of a pilot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.allocate.solve import find
from osca_cli.estimate.plugin import mean_rates
from osca_cli.estimate.rows import Rows, unsolved_mass
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.choice import learn
from osca_cli.spec.pilot import going_on

ROOM = 8
"""Samples at the least for which the plan is made that says what matters: a plan of two leaves most out."""


def promising(train: Outcomes, limits: Limits) -> list[int]:
    """Return the third of the configurations that can still matter, at least two, ascending.

    First those of the best plan by the default estimator, in the order of what it spends on them; then those
    of which one more sample would add most to it for its cost. The plan is for the budget, or for what eight
    samples cost where that is more. A deterministic configuration is known after one sample, so it never
    goes on.

    Args:
        train: The first samples of every configuration on the training problems.
        limits: Of the budget that is to be planned for.
    """
    able = (limits.upper > 0) & ~train.deterministic
    if not able.any():
        return []
    room = ROOM * float(limits.costs[limits.upper > 0].mean())
    limits = replace(limits, budget=max(limits.budget, room))
    spent, gain = matters(learn(train, "auto", limits).rows, limits)
    order = np.lexsort((-mean_rates(train), -gain, -spent, ~able))
    return sorted(order[: going_on(int(able.sum()))].tolist())


def matters(rows: Rows, limits: Limits) -> tuple[Floats, Floats]:
    """Return what the best plan spends on each configuration, and what one more sample adds per cost.

    Args:
        rows: The estimate after the first samples.
        limits: Of the budget.

    Returns:
        Both of shape ``(S,)``: in the unit of the costs, and in coverage.
    """
    counts = find(rows, limits, "auto", seed=0)
    prices = limits.prices()
    gain: Floats = -np.expm1(rows.steps(counts)) @ unsolved_mass(rows, counts) / prices
    return prices * counts, gain
