"""The certificate: an upper bound on the coverage of every allocation within the limits.

Failure is ``f(x) = sum_r w_r exp(sum_s L[s, r, x_s])``. For any prices ``m > 0``, one per row, the tangent
inequality ``w e^t >= m (1 + t - log(m / w))`` gives

    f(x) >= sum_r m_r (1 - log(m_r / w_r)) + sum_s sum_r m_r L[s, r, x_s],

whose right side falls apart into configurations: its minimum within the limits is a knapsack, solved
exactly where samples cost the same and by its fractional relaxation otherwise. So *every* price vector
certifies a bound; good ones are the failures ``w_r exp(...)`` at the optimum of the convex relaxation.
"""

from __future__ import annotations

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import Rows, unsolved_mass
from osca_cli.outcomes.types import Floats, Ints


def upper_bound(rows: Rows, limits: Limits, prices: Floats) -> float:
    """Return a coverage that no allocation within the limits exceeds.

    Args:
        rows: The estimate.
        limits: What allocations keep.
        prices: One per row, shape ``(R,)``, >= 0.
    """
    priced = prices > 0
    paid = prices[priced]
    constant = float(paid.sum() - paid @ np.log(paid / rows.weights[priced]))
    return min(1.0, 1.0 - constant + _best_fall(rows.slopes(prices), limits, linear=rows.linear))


def tangent_prices(rows: Rows, counts: Ints) -> Floats:
    """Return the prices that make the bound touch the objective at these counts, shape ``(R,)``."""
    return unsolved_mass(rows, counts)


def _best_fall(slopes: Floats, limits: Limits, *, linear: bool) -> float:
    """Return the most that log-failure can fall, priced: a knapsack over steps, filled by density.

    Steps of one configuration become less worthwhile with every sample, so filling by density takes them
    in their order.
    """
    lower, most = limits.lower, limits.most()
    if linear:
        fixed = float(slopes[:, 0] @ lower)
        value, cost, number = slopes[:, 0], limits.costs, most - lower
    else:
        step = np.arange(slopes.shape[1])
        fixed = float(slopes[step < lower[:, None]].sum())
        free = (step >= lower[:, None]) & (step < most[:, None])
        value = slopes[free]
        cost = np.broadcast_to(limits.costs[:, None], slopes.shape)[free]
        number = np.ones(len(value), np.int64)
    return fixed + _fill(value, cost, number, max(0.0, limits.room(lower)))


def _fill(value: Floats, cost: Floats, number: Ints, room: float) -> float:
    """Return the value of the fractional knapsack: densest items first, a part of the last one."""
    worth = (value > 0) & (number > 0)
    value, cost, number = value[worth], cost[worth], number[worth]
    with np.errstate(divide="ignore"):
        order = np.argsort(-value / cost, kind="stable")
    total = cost[order] * number[order]
    before = np.concatenate([[0.0], np.cumsum(total)[:-1]])[: len(order)]
    with np.errstate(invalid="ignore", divide="ignore"):
        taken = np.where(total > 0, np.clip((room - before) / total, 0.0, 1.0), 1.0)
    return float((value[order] * number[order]) @ taken)
