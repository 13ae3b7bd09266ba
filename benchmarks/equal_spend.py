"""Planning by cost against planning by sample count, at equal spend, on real prices.

    python benchmarks/equal_spend.py [DATA/mcqa_temperature.json]

Twenty random halves. On one, a plan of C samples is made, and a plan that may spend what it costs (USD a
problem, by the training half's mean costs); both are measured on the other half. Configurations with an
empty cell are left out, and each is capped at its smallest n, so that all is measured without bias.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.planner import make_plan
from osca_cli.spec.types import Budget

SPLITS = 20


def main(path: Path) -> None:
    outcomes = fully_sampled(read_outcomes(path))
    print(f"{path.stem}: {len(outcomes.configurations)} configurations, {len(outcomes.problems)} problems")
    print("| C | by count | by cost | USD by count | USD by cost | better in |")
    print("|---|---|---|---|---|---|")
    for samples in (2, 4, 8, 16):
        table = np.array([equal_spend(halved(outcomes, split), samples) for split in range(SPLITS)])
        wins = int((table[:, 1] > table[:, 0]).sum())
        count, cost, paid, spent = table.mean(axis=0)
        print(f"| {samples} | {count:.4f} | {cost:.4f} | {paid:.5f} | {spent:.5f} | {wins} of {SPLITS} |")


def fully_sampled(outcomes: Outcomes) -> Outcomes:
    """Leave out configurations with an empty cell or without a price, and cap each at its smallest n."""
    priced = ~np.isnan(outcomes.costs["usd"]).all(axis=1)
    view = outcomes.select(np.flatnonzero((outcomes.n.min(axis=1) > 0) & priced))
    return Outcomes.of(
        view.configurations, view.problems, view.n, view.c, costs=view.costs, max_samples=view.n.min(axis=1)
    )


def halved(outcomes: Outcomes, split: int) -> Outcomes:
    train = np.zeros(len(outcomes.problems), bool)
    train[np.random.default_rng(split).permutation(len(train))[: len(train) // 2]] = True
    return outcomes.with_split(train, ~train)


def equal_spend(outcomes: Outcomes, samples: int) -> tuple[float, float, float, float]:
    """Return held-out pass rates by count and by cost, and what each spends on a held-out problem at most."""
    prices = outcomes.costs["usd"]
    train = np.nanmean(prices[:, outcomes.train], axis=1)
    by_count = counts_of(outcomes, Budget("samples", samples))
    by_cost = counts_of(outcomes, Budget("usd", float(train @ by_count)))
    held_out = np.nanmean(prices[:, outcomes.held_out], axis=1)
    return (
        held_out_pass_rate(outcomes, by_count),
        held_out_pass_rate(outcomes, by_cost),
        float(held_out @ by_count),
        float(held_out @ by_cost),
    )


def counts_of(outcomes: Outcomes, budget: Budget) -> Floats:
    plan = make_plan(outcomes, budget, task="equal spend", estimator="plugin", solver="greedy-swap")
    return np.array([plan.allocation.get(name, 0) for name in outcomes.configurations], float)


def held_out_pass_rate(outcomes: Outcomes, counts: Floats) -> float:
    by_name = dict(zip(outcomes.configurations, counts.tolist(), strict=True))
    return float(coverage_per_problem(outcomes, by_name, outcomes.held_out).mean())


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or ["../shared/data/mcqa_temperature.json"]))
