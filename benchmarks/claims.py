"""Whether what a plan claims is true: intervals and gains on made matrices, whose pass rates are known.

    python benchmarks/claims.py [--repeats 100] [--problems 100] [--pilots 4 16] [--budgets 4 16]
    python benchmarks/claims.py --no-effect [--repeats 50]

Each repeat draws training problems, pilots and plans, and evaluates plan and baselines by the known rates
of 4,000 other problems. "bias": mean claim of pass@C minus truth, in points; "rate", "over pure", "over
uniform": how often the 95% interval of pass@C and of the two gains holds the truth; "told apart": how often
the gain over the best pure configuration is called distinguishable, and "wrongly" how often a gain is so with
the wrong sign, or where there is none. Of 16 draws a pilot of 4 says little: that is the hard case.

--no-effect draws matrices in which all configurations are equal, of many sizes: 3 to 40 configurations, 30 to
300 problems, 2 to 16 samples a cell. No gain should be told apart, but for one in twenty.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from synthetic import EQUAL, SHAPES, pilot

from osca_cli.allocate.solve import find
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import ESTIMATORS, Choice, Estimate, Estimator, choose, learn
from osca_cli.plan.crossvalidation import cross_validate
from osca_cli.plan.extrapolation import Extrapolation
from osca_cli.plan.planner import Decision, described, usd_per_sample
from osca_cli.plan.result import Certificate, Gain, Plan
from osca_cli.spec.types import Budget

POPULATION = 4000
NONE = 0.0005
"""A gain below this is none."""
UNSOLVED = Certificate(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Job:
    """One matrix."""

    shape: str
    pilot: int
    budgets: tuple[int, ...]
    problems: int
    estimator: Estimator
    seed: int
    configurations: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a plan said, and what is true."""

    shape: str
    pilot: int
    budget: int
    bias: float
    rate: bool
    over_pure: bool
    over_uniform: bool
    told_apart: bool
    wrongly: bool


COLUMNS = ("bias", "rate", "over_pure", "over_uniform", "told_apart", "wrongly")


def judge(job: Job) -> list[Claim]:
    rng = np.random.default_rng([job.seed, job.pilot, job.problems])
    if job.configurations is None:
        rates = SHAPES[job.shape](rng, job.problems + POPULATION)
    else:
        rates = np.tile(EQUAL[job.shape](rng, job.problems + POPULATION), (job.configurations, 1))
    outcomes = pilot(rates[:, : job.problems], job.pilot, rng)
    return [
        compare(job, rates[:, job.problems :], plan) for plan in plans(outcomes, job.budgets, job.estimator)
    ]


def plans(outcomes: Outcomes, budgets: Sequence[int], estimator: Estimator) -> Iterator[Plan]:
    """Plan as ``make_plan`` does, but for certificates; budgets share what was learned."""
    within = {budget: limits_of(outcomes, Budget("samples", budget)) for budget in budgets}
    known: dict[tuple[str, ...], Estimate] = {}

    def learned(rest: Outcomes) -> Estimate:
        if rest.problems not in known:
            known[rest.problems] = learn(rest, estimator, within[max(budgets)])
        return known[rest.problems]

    for budget, limits in within.items():

        def chosen(rest: Outcomes, limits=limits) -> tuple[Choice, Extrapolation | None]:  # type: ignore[no-untyped-def]
            rows = learned(rest).rows
            choice = choose(rest, limits, rows, lambda *both: find(*both, "auto", seed=0))
            return choice, learned(rest).extrapolation

        decision = Decision(learned(outcomes), limits, chosen(outcomes)[0], UNSOLVED, "greedy-swap")
        validation = cross_validate(outcomes, usd_per_sample(outcomes), chosen)
        yield described(outcomes, Budget("samples", budget), "made", decision, validation)


def compare(job: Job, rates: Floats, plan: Plan) -> Claim:
    assert plan.expected is not None
    rows = {f"s{row}": row for row in range(len(rates))}
    truth, pure, even = (
        coverage(rates, {rows[name]: count for name, count in allocation.items()})
        for allocation in (plan.allocation, plan.best_pure.allocation, plan.uniform.allocation)
    )
    claim, gains = plan.expected.measured, (plan.over_best_pure, plan.over_uniform)
    apart = [(gain, truth - other) for gain, other in zip(gains, (pure, even), strict=True) if gain]
    return Claim(
        job.shape,
        job.pilot,
        int(plan.budget.amount),
        100 * (claim.pass_rate - truth),
        holds(claim.interval, truth),
        *(holds(gain.interval, true) for gain, true in apart),
        told_apart=bool(gains[0] and gains[0].distinguishable),
        wrongly=any(is_wrong(gain, true) for gain, true in apart),
    )


def holds(interval: tuple[float, float], truth: float) -> bool:
    return interval[0] - 1e-12 <= truth <= interval[1] + 1e-12


def is_wrong(gain: Gain, truth: float) -> bool:
    return gain.distinguishable and (abs(truth) < NONE or (gain.value > 0) != (truth > 0))


def coverage(rates: Floats, counts: dict[int, float]) -> float:
    """Return the true mean coverage of counts."""
    failure = np.ones(rates.shape[1])
    for row, count in counts.items():
        failure *= (1 - rates[row]) ** count
    return float(1 - failure.mean())


def no_effect(repeats: int, estimator: Estimator) -> Iterator[Job]:
    """Yield jobs over all sizes in turns, so that few repeats see many."""
    draws = np.random.default_rng(0)
    for shape in EQUAL:
        for seed in range(repeats):
            yield Job(
                shape,
                int(draws.choice([2, 4, 8, 16])),
                (2, 4, 8, 16),
                int(draws.choice([30, 60, 100, 300])),
                estimator,
                seed,
                int(draws.choice([3, 6, 10, 20, 40])),
            )


def print_table(claims: Sequence[Claim], key: Callable[[Claim], tuple[object, ...]]) -> None:
    """Print a line for each kind of claims, in the order that they come."""
    for kind in dict.fromkeys(map(key, claims)):
        of = [claim for claim in claims if key(claim) == kind]
        shares = " | ".join(f"{np.mean([getattr(claim, what) for claim in of]):.3f}" for what in COLUMNS)
        print(f"| {' | '.join(map(str, kind))} | {len(of)} | {shares} |", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--pilots", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--budgets", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--no-effect", action="store_true")
    parser.add_argument("--estimator", choices=ESTIMATORS, default="auto")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def main() -> None:
    given = arguments()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if given.no_effect:
        jobs = list(no_effect(given.repeats, given.estimator))
    else:
        jobs = [
            Job(shape, samples, tuple(given.budgets), given.problems, given.estimator, seed)
            for shape in given.shapes
            for samples in given.pilots
            for seed in range(given.repeats)
        ]
    heads = " | ".join(column.replace("_", " ") for column in COLUMNS)
    print(f"| shape | plans | {heads} |\n|{'---|' * (2 + len(COLUMNS))}")
    claims: list[Claim] = []
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        for shape in dict.fromkeys(job.shape for job in jobs):
            of = [job for job in jobs if job.shape == shape]
            claims += (some := [claim for each in pool.map(judge, of, chunksize=2) for claim in each])
            print_table(some, lambda claim: (claim.shape,))
    print(f"\n| shape | pilot | C | plans | {heads} |\n|{'---|' * (4 + len(COLUMNS))}")
    print_table(claims, lambda claim: (claim.shape, claim.pilot, claim.budget))


if __name__ == "__main__":
    main()
