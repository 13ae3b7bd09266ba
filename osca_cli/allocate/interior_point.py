"""A small convex solver: exponential sums over a box and one budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv

from osca_cli.estimate.rows import LEAST
from osca_cli.outcomes.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """Minimise ``sum_r mass_r exp(-z @ fall)`` over ``0 <= z <= high`` and ``costs @ z <= room``.

    Attributes:
        mass: Shape ``(R,)``, > 0.
        fall: Shape ``(V, R)``, >= 0.
        costs: Shape ``(V,)``, >= 0.
        high: Shape ``(V,)``, > 0.
        room: Above 0.
    """

    mass: Floats
    fall: Floats
    costs: Floats
    high: Floats
    room: float


@dataclass(slots=True, eq=False)
class _Point:
    """A strictly feasible point with the multipliers of its three kinds of constraint.

    The distances to the constraints are kept, not computed anew: rounding would make them 0.
    """

    z: Floats
    above: Floats
    slack: float
    low_dual: Floats
    high_dual: Floats
    cost_dual: float


def minimise(programme: Programme, *, tolerance: float = 1e-10, most_steps: int = 50) -> tuple[Floats, float]:
    """Return the optimum ``z`` and what one more unit of budget is worth there.

    A primal-dual interior-point method (Nocedal and Wright 2006, section 19.3). It is never trusted:
    bounds are computed from whatever it returns, so an early end costs tightness only.
    """
    # Costs in units of the room: every number is then of order 1, whatever the budget's kind.
    costs = programme.costs / programme.room
    point = _start(programme, costs)
    for _ in range(most_steps):
        mass = programme.mass * np.exp(np.maximum(-(point.z @ programme.fall), LEAST))
        gradient = -(programme.fall @ mass)
        gap = float(point.low_dual @ point.z + point.high_dual @ point.above) + point.cost_dual * point.slack
        residual = gradient - point.low_dual + point.high_dual + point.cost_dual * costs
        if gap < tolerance and np.abs(residual).max() < tolerance:
            break
        # The curvature is factors.T @ factors: of coverage, and of the budget.
        factors = np.vstack(
            [programme.fall.T * np.sqrt(mass)[:, None], costs * np.sqrt(point.cost_dual / point.slack)]
        )
        if not _advance(point, gradient, factors, costs, 0.1 * gap / (2 * len(costs) + 1)):
            break
    return point.z, point.cost_dual / programme.room


def _start(programme: Programme, costs: Floats) -> _Point:
    """Start half-way to the nearest limit, with multipliers that balance the constraints."""
    full = float(costs @ programme.high)
    z = programme.high * (0.5 if full <= 1 else 0.5 / full)
    balance = float(programme.mass.sum()) / (2 * len(z) + 1)
    above, slack = programme.high - z, 1.0 - float(costs @ z)
    return _Point(z, above, slack, balance / z, balance / above, balance / slack)


def _advance(point: _Point, gradient: Floats, factors: Floats, costs: Floats, target: float) -> bool:
    """Take one Newton step towards complementarity ``target``, strictly feasible; tell if there was one."""
    above, slack = point.above, point.slack
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        low, high, cost = point.low_dual / point.z, point.high_dual / above, point.cost_dual / slack
        right = target / point.z - target / above - (target / slack) * costs - gradient
    if not np.isfinite([*low, *high, cost, *right]).all():
        return False  # at a limit but for rounding: what was reached is the answer
    step, failed = _newton(factors, low + high, right)
    if failed:
        return False
    spent = float(costs @ step)
    low_step = target / point.z - point.low_dual - low * step
    high_step = target / above - point.high_dual + high * step
    cost_step = target / slack - point.cost_dual + cost * spent
    ahead = min(_ahead(point.z, step), _ahead(above, -step), _ahead(slack, -spent))
    dual_ahead = min(
        _ahead(point.low_dual, low_step),
        _ahead(point.high_dual, high_step),
        _ahead(point.cost_dual, cost_step),
    )
    point.z = point.z + ahead * step
    point.above = above - ahead * step
    point.slack = slack - ahead * spent
    point.low_dual = point.low_dual + dual_ahead * low_step
    point.high_dual = point.high_dual + dual_ahead * high_step
    point.cost_dual += dual_ahead * cost_step
    return True


def _newton(factors: Floats, diagonal: Floats, right: Floats) -> tuple[Floats, bool]:
    """Solve ``(diag(diagonal) + factors.T @ factors) step = right``, and tell whether that failed.

    Where variables outnumber factors, the system is solved in the factors instead (Woodbury's identity).
    """
    number, size = factors.shape
    if size <= 2 * number:
        system = factors.T @ factors
        system.flat[:: size + 1] += diagonal
        _, step, failed = dposv(system, right, overwrite_a=True)
        return step, bool(failed)
    scaled = factors / diagonal
    system = scaled @ factors.T
    system.flat[:: number + 1] += 1.0
    _, inner, failed = dposv(system, scaled @ right, overwrite_a=True)
    return right / diagonal - scaled.T @ inner, bool(failed)


def _ahead(value: Floats | float, step: Floats | float) -> float:
    """Return how far along a step, at most 1, a positive value stays clearly positive."""
    shrink = float(np.max(-step / value))
    return 1.0 if shrink <= 0 else min(1.0, 0.99 / shrink)
