"""How fast allocations are found and certified, and how that compares with hill climbing.

    python benchmarks/planner.py [DATA/osca-release/bcb_results.json]

1. The release's BigCodeBench-Hard counts at C = 256, plug-in estimator: greedy with swaps and its
   certificate, against the paper's hill climbing written in plain Python (one start, counts tallied once
   per evaluation), in the same process.
2. A synthetic matrix of 10,000 problems and 1,000 configurations at C = 4,096.
3. Whole plans with all that they claim, by the default estimator at C = 16, from four samples a cell: 60
   configurations and 500 problems, and 1,000 and 10,000. CPU seconds, of one thread.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from synthetic import pilot

from osca_cli.allocate.limits import Limits
from osca_cli.allocate.solve import solve
from osca_cli.estimate.plugin import plugin, plugin_rates
from osca_cli.estimate.rows import RateRows
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Floats
from osca_cli.plan.planner import make_plan
from osca_cli.spec.types import Budget


def main(path: Path) -> None:
    outcomes = read_outcomes(path)
    train = outcomes.select(problems=outcomes.train)
    limits = Limits.samples(len(train.configurations), 256)
    rows = plugin(train)
    seconds, solution = best_of(20, lambda: solve(rows, limits, "auto", seed=0, out_of_time=lambda: False))
    print(f"BigCodeBench-Hard, C = 256: {solution.value:.6f}, gap {solution.bound - solution.value:.1e}")
    print(f"  {solution.solver} and certificate: {seconds * 1e3:.2f} ms")
    slow, value = best_of(1, lambda: plain_hill_climb(plugin_rates(train).T.tolist(), 256))
    print(f"  plain Python hill climbing: {value:.6f}, {slow:.2f} s: {slow / seconds:.0f} times as long")

    rows = RateRows.of(synthetic(10_000, 1_000))
    limits = Limits.samples(1_000, 4_096)
    seconds, solution = best_of(1, lambda: solve(rows, limits, "auto", seed=0, out_of_time=lambda: False))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    gap = solution.bound - solution.value
    print(f"10,000 problems x 1,000 configurations, C = 4,096: {solution.value:.6f}, gap {gap:.1e}")
    print(f"  {seconds:.1f} s, at most {memory:.2f} GiB")
    for problems, configurations in ((500, 60), (10_000, 1_000)):
        whole_plan(problems, configurations)


def whole_plan(problems: int, configurations: int) -> None:
    """Plan with cross-validation, intervals, compute factors and certificate, and print the CPU time."""
    rates = synthetic(problems, configurations)
    outcomes = pilot(rates, 4, np.random.default_rng(1))
    begun = time.process_time()
    plan = make_plan(outcomes, Budget("samples", 16), task="made")
    seconds = time.process_time() - begun
    assert plan.expected is not None
    low, high = plan.expected.measured.interval
    size = f"{configurations} configurations x {problems} problems, C = 16"
    print(f"{size}, all numbers: {seconds:.1f} s of CPU time")
    print(f"  pass rate {plan.expected.measured.pass_rate:.3f} ({low:.3f} to {high:.3f})")


def best_of(times: int, work):  # type: ignore[no-untyped-def]
    """Return the least time of several runs, and the result."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        result = work()
        taken.append(time.perf_counter() - begun)
    return min(taken), result


def plain_hill_climb(rates: list[list[float]], budget: int) -> float:
    """The paper's algorithm 1 on ``rates[problem][configuration]``, without numpy."""
    chance = random.Random(0)
    size = len(rates[0])
    strategy = [chance.randrange(size) for _ in range(budget)]
    best = evaluate(rates, strategy)
    improved = True
    while improved:
        improved = False
        for position in range(budget):
            for configuration in range(size):
                before = strategy[position]
                if configuration == before:
                    continue
                strategy[position] = configuration
                value = evaluate(rates, strategy)
                if value > best:
                    best, improved = value, True
                else:
                    strategy[position] = before
    return best


def evaluate(rates: list[list[float]], strategy: list[int]) -> float:
    counts = Counter(strategy)
    total = 0.0
    for row in rates:
        failure = 1.0
        for configuration, count in counts.items():
            failure *= (1 - row[configuration]) ** count
        total += 1 - failure
    return total / len(rates)


def synthetic(problems: int, configurations: int) -> Floats:
    """Rates of logit ``configuration + difficulty`` (sd 2.5), mean .05, as few samples would show them.

    30% of the problems are never solved; 1% of the cells of the others were observed as 1.
    """
    draws = np.random.default_rng(0)
    ability, difficulty = draws.normal(0, 1, configurations), draws.normal(0, 2.5, problems)
    solvable = draws.random(problems) >= 0.3
    low, high = -20.0, 5.0
    for _ in range(40):
        shift = (low + high) / 2
        mean = sigmoid(ability[::20, None] + difficulty + shift)[:, solvable].sum() / (
            problems * len(ability[::20])
        )
        low, high = (shift, high) if mean < 0.05 else (low, shift)
    rates = sigmoid(ability[:, None] + difficulty + shift) * solvable
    rates[(draws.random(rates.shape) < 0.01) & solvable] = 1.0
    return rates


def sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or ["../shared/data/osca-release/bcb_results.json"]))
