"""Which configurations go on after the first samples of a pilot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import Rows, log_failure
from osca_cli.outcomes.types import Floats, Ints

SHARE = 1 / 3
"""Share of configurations that go on."""
LEAST = 2
"""So many go on at the least."""


def promising(rows: Rows, budgets: Sequence[Limits], find: Callable[[Rows, Limits], Ints]) -> list[int]:
    """Return the third of the configurations that can still matter, ascending.

    A configuration matters by its part in the plan of a budget, and by what one more sample of it would
    add to that plan. Each is taken relative to the largest, at the budget where it is largest, and the
    two are added. The others keep the samples that they have, and may still be planned with.

    Args:
        rows: The estimate after the first samples.
        budgets: The limits of each budget of interest.
        find: The solver.
    """
    allowed = np.max([limits.upper for limits in budgets], axis=0) > 0
    plans = [find(rows, limits) for limits in budgets]
    part = np.max([_part(counts, limits) for counts, limits in zip(plans, budgets, strict=True)], axis=0)
    gains = [_gain(rows, counts, limits) for counts, limits in zip(plans, budgets, strict=True)]
    score = np.where(allowed, part + np.max(gains, axis=0), -1.0)
    number = min(int(allowed.sum()), max(LEAST, math.ceil(SHARE * allowed.sum())))
    return sorted(np.argsort(-score, kind="stable")[:number].tolist())


def _part(counts: Ints, limits: Limits) -> Floats:
    """Return each configuration's share of what a plan spends, shape ``(S,)``."""
    spent: Floats = limits.costs * counts
    return spent / max(float(spent.sum()), 1e-300)


def _gain(rows: Rows, counts: Ints, limits: Limits) -> Floats:
    """Return what one more sample of each would add per cost, as a share of the most, shape ``(S,)``."""
    mass = rows.weights * np.exp(log_failure(rows, counts))
    gain: Floats = -np.expm1(rows.steps(counts)) @ mass / np.maximum(limits.costs, 1e-300)
    return gain / max(float(gain.max()), 1e-300)
