"""Cost of a pass: what a solved problem costs, by whom it costs least, and what a loss of that one costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.outcomes.types import Floats, Mask


@dataclass(frozen=True, slots=True)
class Loss:
    """What is lost without some configurations.

    Attributes:
        problems: Problems that no other configuration solves.
        dearer: How many times as much a pass costs on the problems that others solve, too: the geometric
            mean over them of the least cost without by the least cost with. 1 where nothing is lost.
    """

    problems: int
    dearer: float


def cost_of_pass(rates: Floats, costs: Floats) -> Floats:
    """Return the expected cost of drawing until a sample passes, infinite where none does, shape ``(S, P)``.

    ``cost / rate`` (Erol et al. 2025, arXiv 2504.13359, equation 1).

    Args:
        rates: Pass rates, shape ``(S, P)``.
        costs: Of one sample, shape ``(S, P)``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rates > 0, costs / rates, np.inf)


def frontier_cost(rates: Floats, costs: Floats) -> Floats:
    """Return the least cost of a pass of each problem over all configurations, shape ``(P,)``."""
    least: Floats = cost_of_pass(rates, costs).min(axis=0)
    return least


def price_of_losing(rates: Floats, costs: Floats, groups: Mapping[str, Sequence[int]]) -> dict[str, Loss]:
    """Return what is lost without each group of configurations, such as those of one model.

    Erol et al. 2025, section 2.4, with the problems that nothing else solves counted instead of priced: an
    expert's price is nothing that samples tell.

    Args:
        rates: Pass rates, shape ``(S, P)``.
        costs: Of one sample, shape ``(S, P)``, above 0.
        groups: Rows of each group, by name.
    """
    every = cost_of_pass(rates, costs)
    least = frontier_cost(rates, costs)
    solved = np.isfinite(least)
    losses = {}
    for name, rows in groups.items():
        others = np.delete(every, list(rows), axis=0)
        without = others.min(axis=0) if len(others) else np.full(len(least), np.inf)
        still = solved & np.isfinite(without)
        ratio = np.log(without[still] / least[still])
        losses[name] = Loss(int((solved & ~still).sum()), float(np.exp(ratio.mean())) if still.any() else 1.0)
    return losses


def pareto(costs: Floats, rates: Floats) -> Mask:
    """Tell which points no other one beats: none costs less and passes as often, or the reverse.

    Args:
        costs: Shape ``(S,)``; NaN where unknown, which is on no frontier.
        rates: Shape ``(S,)``.
    """
    best, on = -np.inf, np.zeros(len(costs), np.bool_)
    for index in np.lexsort((-rates, costs)):
        if not np.isnan(costs[index]) and rates[index] > best:
            best, on[index] = rates[index], True
    return on
