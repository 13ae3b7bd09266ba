"""Planning by cost against planning by sample count, at equal spend, on real prices.

    python benchmarks/equal_spend.py [DATA/mcqa_temperature.json]

Twenty random halves. On one, a plan of C samples is made, and a plan that may spend what it costs (USD a
problem, by the training half's mean costs); both are measured on the other half. Configurations with an
empty cell are left out, and each is capped at its smallest n, so that all is measured without bias. The
estimators: the paper's, a Beta prior for each configuration, and the default. Then the default against the
paper's plug-in, both by cost, at equal USD a problem.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np

from osca_cli.allocate.solve import find
from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Ints, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Estimator, choose, learn
from osca_cli.spec.types import Budget

SPLITS = 20
USD = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
ESTIMATED: tuple[Estimator, ...] = ("plugin", "beta", "hierarchical")


def main(path: Path) -> None:
    outcomes = fully_sampled(read_outcomes(path))
    print(f"{path.stem}: {len(outcomes.configurations)} configurations, {len(outcomes.problems)} problems")
    print("| estimator | C | by count | by cost | USD by count | USD by cost | better in | least gain |")
    print("|---|---|---|---|---|---|---|---|")
    for estimator, samples in product(ESTIMATED, (2, 4, 8, 16)):
        table = np.array(
            [equal_spend(halved(outcomes, split), samples, estimator) for split in range(SPLITS)]
        )
        gain = table[:, 1] - table[:, 0]
        count, cost, paid, spent = table.mean(axis=0)
        print(
            f"| {estimator} | {samples} | {count:.4f} | {cost:.4f} | {paid:.5f} | {spent:.5f} "
            f"| {int((gain > 0).sum())} of {SPLITS} | {gain.min():+.4f} |",
            flush=True,
        )

    at_equal_usd(outcomes)


def at_equal_usd(outcomes: Outcomes) -> None:
    """Print what the default gains over the plug-in at each budget."""
    print("| USD | plugin | hierarchical | points over the plug-in ± SE over splits |\n|---|---|---|---|")
    means = []
    for usd in USD:
        rates = np.array(
            [
                [
                    held_out_pass_rate(half, counts_of(half, Budget("usd", usd), estimator))
                    for estimator in ("plugin", "hierarchical")
                ]
                for half in (halved(outcomes, split) for split in range(SPLITS))
            ]
        )
        gain = 100 * (rates[:, 1] - rates[:, 0])
        means.append(gain.mean())
        error = gain.std(ddof=1) / np.sqrt(SPLITS)
        ours, theirs = rates.mean(axis=0)[::-1]
        print(f"| {usd} | {theirs:.4f} | {ours:.4f} | {means[-1]:+.2f} ± {error:.2f} |", flush=True)
    print(f"| mean | | | {np.mean(means):+.2f} |")


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


def equal_spend(outcomes: Outcomes, samples: int, estimator: Estimator) -> tuple[float, float, float, float]:
    """Return held-out pass rates by count and by cost, and what each spends on a held-out problem at most."""
    prices = outcomes.costs["usd"]
    train = np.nanmean(prices[:, outcomes.train], axis=1)
    by_count = counts_of(outcomes, Budget("samples", samples), estimator)
    by_cost = counts_of(outcomes, Budget("usd", float(train @ by_count)), estimator)
    held_out = np.nanmean(prices[:, outcomes.held_out], axis=1)
    return (
        held_out_pass_rate(outcomes, by_count),
        held_out_pass_rate(outcomes, by_cost),
        float(held_out @ by_count),
        float(held_out @ by_cost),
    )


def counts_of(outcomes: Outcomes, budget: Budget, estimator: Estimator) -> Ints:
    """Return the plan's counts, without its claims and its certificate."""
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)
    rows = learn(train, estimator, limits).rows
    return choose(train, limits, rows, lambda *within: find(*within, "greedy-swap", seed=0)).counts


def held_out_pass_rate(outcomes: Outcomes, counts: Ints) -> float:
    by_name = dict(zip(outcomes.configurations, counts.tolist(), strict=True))
    return float(coverage_per_problem(outcomes, by_name, outcomes.held_out).mean())


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or ["../shared/data/mcqa_temperature.json"]))
