"""One budget shared by two tasks against the same budget for each: the release's files as tasks.

    python benchmarks/shared_budget.py [DATA/osca-release]

Equal volume, plug-in estimates, 20 random halves of both files: allocations are chosen on one half and
measured on the other. The standard error is over splits, which overlap.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.decision import Decision
from osca_cli.plan.shared import share_budget
from osca_cli.plan.shares import TaskShare
from osca_cli.spec.types import Budget

SPLITS = 20


def main(folder: Path) -> None:
    files = [read_outcomes(folder / f"{name}.json") for name in ("bcb_results", "swebench_agentless")]
    files = [capped(outcomes) for outcomes in files]
    print("| C | separate | shared | gain | ± SE | better in |\n|---|---|---|---|---|---|")
    for samples in (2, 4, 8, 16, 32):
        table = np.array(
            [both_ways([halved(one, split) for one in files], samples) for split in range(SPLITS)]
        )
        gain = table[:, 1] - table[:, 0]
        error = gain.std(ddof=1) / SPLITS**0.5
        separate, shared = table.mean(axis=0)
        print(
            f"| {samples} | {separate:.4f} | {shared:.4f} | {gain.mean():+.4f} | {error:.4f} "
            f"| {int((gain > 0).sum())} of {SPLITS} |"
        )


def capped(outcomes: Outcomes) -> Outcomes:
    """Cap each configuration at its samples, so that everything can be measured."""
    return Outcomes.of(
        outcomes.configurations, outcomes.problems, outcomes.n, outcomes.c, max_samples=outcomes.n.min(axis=1)
    )


def halved(outcomes: Outcomes, split: int) -> Outcomes:
    train = np.zeros(len(outcomes.problems), bool)
    train[np.random.default_rng(split).permutation(len(train))[: len(train) // 2]] = True
    return outcomes.with_split(train, ~train)


def both_ways(halves: list[Outcomes], samples: int) -> tuple[float, float]:
    """Return mean held-out pass rates, separate and shared."""
    budget = Budget("samples", samples)
    alone = [planned([TaskShare("alone", one, 1.0)], budget)[0] for one in halves]
    shared = planned([TaskShare(str(index), one, 0.5) for index, one in enumerate(halves)], budget)
    return held_out_pass_rate(halves, alone), held_out_pass_rate(halves, shared)


def planned(tasks: list[TaskShare], budget: Budget) -> list[Decision]:
    return list(share_budget(tasks, budget, estimator="plugin", solver="greedy-swap").decisions)


def held_out_pass_rate(halves: list[Outcomes], decisions: list[Decision]) -> float:
    rates = []
    for outcomes, decision in zip(halves, decisions, strict=True):
        counts = dict(zip(outcomes.configurations, decision.choice.counts.tolist(), strict=True))
        rates.append(coverage_per_problem(outcomes, counts, outcomes.held_out).mean())
    return float(np.mean(rates))


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or ["../shared/data/osca-release"]))
