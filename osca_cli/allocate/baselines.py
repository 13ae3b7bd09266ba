"""What a user would do without osca: one configuration only, or all of them in turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osca_cli.allocate.limits import SLACK, Limits
from osca_cli.allocate.schedule import round_robin
from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Floats, Ints


def best_pure(rows: Rows, limits: Limits) -> tuple[int, float]:
    """Return the best configuration to spend the whole budget on, and how many samples that buys.

    Every configuration is drawn as often as the budget and its cap allow. A budget that buys 2.6 samples
    draws 2 on 40% of the problems and 3 on 60%: the mean of both coverages. Ties go to the first.
    """
    counts = np.minimum(affordable(limits), float(rows.horizon))
    coverages = [_pure_coverage(rows, index, float(count)) for index, count in enumerate(counts)]
    best = int(np.argmax(coverages))
    return best, float(counts[best])


def affordable(limits: Limits) -> Floats:
    """Return how many samples the budget buys of each configuration alone, in fractions."""
    with np.errstate(divide="ignore", invalid="ignore"):
        bought = np.where(limits.costs > 0, limits.budget / limits.costs, np.inf)
    whole = np.floor(bought * SLACK)
    # 0.03 / 0.01 is 2.9999999999999996: what is whole but for rounding is whole.
    counts: Floats = np.minimum(limits.upper, np.where(whole > np.floor(bought), whole, bought))
    return counts


def _pure_coverage(rows: Rows, configuration: int, count: float) -> float:
    low = int(np.floor(count))
    share = count - low
    failure = (1 - share) * np.exp(rows.curve(configuration, low))
    if share:
        failure = failure + share * np.exp(rows.curve(configuration, low + 1))
    return float(1.0 - rows.weights @ failure)


def uniform(preference: Sequence[int], limits: Limits) -> Ints:
    """Return the even spread: round-robin over all configurations from the best pass rate down."""
    return round_robin(preference, limits, np.zeros(len(limits.costs), np.int64))


def by_pass_rate(mean_rates: Floats) -> list[int]:
    """Return configurations by training pass rate from the highest down, ties in their own order."""
    order: list[int] = np.argsort(-mean_rates, kind="stable").tolist()
    return order
