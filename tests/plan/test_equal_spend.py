"""Planning by cost against planning by sample count, at equal spend, on real prices."""

import numpy as np
import pytest

from osca_cli.allocate.solve import find
from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import choose, learn
from osca_cli.spec.types import Budget


@pytest.fixture(scope="module")
def priced(data_folder) -> Outcomes:
    """Configurations without an empty cell, each capped at its smallest n."""
    outcomes = read_outcomes(data_folder / "mcqa_temperature.json")
    view = outcomes.select(np.flatnonzero(outcomes.n.min(axis=1) > 0))
    return Outcomes.of(
        view.configurations, view.problems, view.n, view.c, costs=view.costs, max_samples=view.n.min(axis=1)
    )


# In the splits that the plug-in loses, one held-out problem of 50 decides: dear models solve it more often.
@pytest.mark.parametrize(
    ("estimator", "count", "splits", "wins", "gain"),
    [
        ("plugin", 2, 20, 20, 0.08),
        ("plugin", 4, 20, 19, 0.05),
        ("plugin", 8, 20, 20, 0.04),
        ("plugin", 16, 20, 19, 0.03),
        ("beta", 4, 6, 6, 0.05),
        ("beta", 16, 6, 6, 0.02),
    ],
)
def test_planning_by_cost_beats_planning_by_count_at_equal_spend(
    priced, estimator, count, splits, wins, gain
):
    gains = np.array([equal_spend(halved(priced, split), count, estimator) for split in range(splits)])
    assert (gains > 0).sum() >= wins
    assert gains.mean() > gain


def halved(outcomes: Outcomes, split: int) -> Outcomes:
    train = np.zeros(len(outcomes.problems), bool)
    train[np.random.default_rng(split).permutation(len(train))[: len(train) // 2]] = True
    return outcomes.with_split(train, ~train)


def equal_spend(outcomes: Outcomes, count: int, estimator) -> float:
    """The gain of a plan by cost over a plan by count that costs as much."""
    cost = np.nanmean(outcomes.costs["usd"][:, outcomes.train], axis=1)
    by_count = counts_of(outcomes, Budget("samples", count), estimator)
    by_cost = counts_of(outcomes, Budget("usd", float(cost @ by_count)), estimator)
    return held_out(outcomes, by_cost) - held_out(outcomes, by_count)


def counts_of(outcomes: Outcomes, budget: Budget, estimator) -> np.ndarray:
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)
    rows = learn(train, estimator, limits).rows
    return choose(train, limits, rows, lambda *within: find(*within, "greedy-swap", seed=0)).counts


def held_out(outcomes: Outcomes, counts: np.ndarray) -> float:
    by_name = dict(zip(outcomes.configurations, counts.tolist(), strict=True))
    return float(coverage_per_problem(outcomes, by_name, outcomes.held_out).mean())
