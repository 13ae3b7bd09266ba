"""Whether what a plan claims is true: intervals and gains on made matrices, whose pass rates are known.

    python benchmarks/claims.py [--repeats 100] [--problems 100] [--pilots 4 16] [--budgets 4 16]

Each repeat draws training problems, pilots and plans, and evaluates the plan by the known rates of 4,000
other problems. "covers": how often the 95% interval of expected pass@C holds that truth; "bias": mean claim
minus truth, in points; "gain covers": the same of the gain over the best pure configuration; "told apart":
how often a gain is called distinguishable, and "wrongly" how often with the wrong sign, or where there is
none.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from synthetic import SHAPES, pilot

from osca_cli.outcomes.types import Floats
from osca_cli.plan.choice import ESTIMATORS, Estimator
from osca_cli.plan.planner import make_plan
from osca_cli.spec.types import Budget

POPULATION = 4000
NONE = 0.0005
"""A gain below this is none."""


@dataclass(frozen=True, slots=True)
class Job:
    """One repeat."""

    shape: str
    pilot: int
    budget: int
    problems: int
    estimator: Estimator
    seed: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a plan said, and what is true."""

    bias: float
    covers: bool
    gain_covers: bool
    told_apart: bool
    wrongly: bool


def judge(job: Job) -> Claim:
    rng = np.random.default_rng([job.seed, job.pilot, job.budget])
    rates = SHAPES[job.shape](rng, job.problems + POPULATION)
    outcomes = pilot(rates[:, : job.problems], job.pilot, rng)
    plan = make_plan(outcomes, Budget("samples", job.budget), task="made", estimator=job.estimator)
    assert plan.expected is not None
    assert plan.over_best_pure is not None
    names = {name: row for row, name in enumerate(outcomes.configurations)}
    truth = coverage(rates[:, job.problems :], {names[s]: x for s, x in plan.allocation.items()})
    pure = coverage(rates[:, job.problems :], {names[s]: x for s, x in plan.best_pure.allocation.items()})
    claim, gain = plan.expected.measured, plan.over_best_pure
    apart = gain.distinguishable
    return Claim(
        100 * (claim.pass_rate - truth),
        claim.interval[0] <= truth <= claim.interval[1],
        gain.interval[0] <= truth - pure <= gain.interval[1],
        apart,
        apart and (abs(truth - pure) < NONE or (gain.value > 0) != (truth > pure)),
    )


def coverage(rates: Floats, counts: dict[int, float]) -> float:
    """Return the true mean coverage of counts."""
    failure = np.ones(rates.shape[1])
    for row, count in counts.items():
        failure *= (1 - rates[row]) ** count
    return float(1 - failure.mean())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--pilots", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--budgets", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--estimator", choices=ESTIMATORS, default="auto")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def main() -> None:
    given = arguments()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    print("| shape | pilot | C | bias | covers | gain covers | told apart | wrongly |")
    print("|---|---|---|---|---|---|---|---|")
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        for shape in given.shapes:
            for samples in given.pilots:
                for budget in given.budgets:
                    jobs = [
                        Job(shape, samples, budget, given.problems, given.estimator, seed)
                        for seed in range(given.repeats)
                    ]
                    claims = list(pool.map(judge, jobs, chunksize=10))
                    shares = " | ".join(
                        f"{np.mean([getattr(claim, what) for claim in claims]):.2f}"
                        for what in ("bias", "covers", "gain_covers", "told_apart", "wrongly")
                    )
                    print(f"| {shape} | {samples} | {budget} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
