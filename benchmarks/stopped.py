"""What samples of executed plans say of pass rates, by the model and by counting, on made matrices.

    python benchmarks/stopped.py [--repeats 20] [--pilot 60] [--executed 60] [--samples 4] [--budget 8]

Each repeat draws a pilot, plans from it, executes the plan on other problems, where it stops at the first
pass, and plans again with ``--update``. Truth is the mean rate of 4,000 other problems; all columns are means
over the configurations that the plan draws:

- covers: how often the model's 95% interval of a mean pass rate holds the truth, with the executed samples
  and with the pilot alone; width: of these intervals, in points;
- bias: of the model, of the mean of c/n over the problems that a configuration was drawn on, and of all
  passes over all samples, in points;
- pass@C covers: how often the interval that the updated plan claims holds its true coverage;
- gain: its true coverage over the first plan's, in points.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
from claims import coverage
from synthetic import SHAPES, pilot

from osca_cli.estimate.hierarchical import pass_rates
from osca_cli.outcomes.types import Floats, Ints, Outcomes, Stopped
from osca_cli.plan.planner import make_plan
from osca_cli.plan.result import Plan
from osca_cli.spec.types import Budget

POPULATION = 4000
GROUPS = 20


@dataclass(frozen=True, slots=True)
class Job:
    """One repeat."""

    shape: str
    pilot: int
    executed: int
    samples: int
    budget: int
    seed: int


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a repeat: means over the configurations that were executed, rates in points."""

    covers: float
    covers_alone: float
    width: float
    width_alone: float
    bias: float
    naive: float
    pooled: float
    claim_covers: float
    gain: float


def execute(rates: Floats, schedule: Sequence[int], rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw along a schedule on every problem until its first pass; return samples and passes."""
    n, c = np.zeros(rates.shape, np.int64), np.zeros(rates.shape, np.int64)
    unsolved = np.ones(rates.shape[1], np.bool_)
    for s in schedule:
        passed = unsolved & (rng.random(unsolved.size) < rates[s])
        n[s] += unsolved
        c[s] += passed
        unsolved &= ~passed
    return n, c


def updated(before: Outcomes, n: Ints, c: Ints) -> Outcomes:
    """Put problems with executed samples alone beside those of a pilot."""
    width = n.shape[1]
    nothing = np.zeros_like(before.n)
    ids = [*before.problems, *(f"e{index}" for index in range(width))]
    full = [np.pad(counts, ((0, 0), (0, width))) for counts in (before.n, before.c)]
    stopped = Stopped(*(np.hstack([nothing, counts]) for counts in (n, c, n)))
    return replace(Outcomes.of(before.configurations, ids, *full), stopped=stopped)


def judge(job: Job) -> Found:
    rng = np.random.default_rng([job.seed, job.pilot, job.executed])
    rates = SHAPES[job.shape](rng, job.pilot + job.executed + POPULATION)
    before = pilot(rates[:, : job.pilot], job.samples, rng)
    new, truth = rates[:, job.pilot : job.pilot + job.executed], rates[:, job.pilot + job.executed :]
    first = make_plan(before, Budget("samples", job.budget), task="made")
    row = {name: index for index, name in enumerate(before.configurations)}
    n, c = execute(new, [row[name] for name in first.schedule], rng)
    after = updated(before, n, c)
    second = make_plan(after, Budget("samples", job.budget), task="made")
    drawn = np.flatnonzero(n.any(axis=1))
    mean = truth.mean(axis=1)
    with_, alone = (_rates(one, job.seed) for one in (after, before))
    naive = np.array([np.mean(c[s, n[s] > 0] / n[s, n[s] > 0]) for s in drawn])
    pooled = c[drawn].sum(axis=1) / n[drawn].sum(axis=1)
    assert second.expected is not None
    low, high = second.expected.measured.interval
    reached = _reached(second, truth, row)
    return Found(
        *(
            float(np.mean((r[drawn, 1] <= mean[drawn]) & (mean[drawn] <= r[drawn, 2])))
            for r in (with_, alone)
        ),
        *(100 * float(np.mean(r[drawn, 2] - r[drawn, 1])) for r in (with_, alone)),
        *(100 * float(np.mean(found - mean[drawn])) for found in (with_[drawn, 0], naive, pooled)),
        float(low <= reached <= high),
        100 * (reached - _reached(first, truth, row)),
    )


def _rates(outcomes: Outcomes, seed: int) -> Floats:
    """Return each configuration's rate and the ends of its interval, shape ``(S, 3)``."""
    group = np.random.default_rng(seed).permutation(np.arange(len(outcomes.problems)) % GROUPS)
    return np.array([(rate, *interval) for rate, interval in pass_rates(outcomes, group)])


def _reached(plan: Plan, truth: Floats, row: dict[str, int]) -> float:
    return coverage(truth, {row[name]: count for name, count in plan.allocation.items()})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--pilot", type=int, default=60, help="problems of the pilot")
    parser.add_argument("--executed", type=int, default=60, help="problems that the plan is executed on")
    parser.add_argument("--samples", type=int, default=4, help="of each cell of the pilot")
    parser.add_argument("--budget", type=int, default=8)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def main() -> None:
    given = arguments()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    print(
        "| shape | covers | pilot alone | width | pilot alone | bias | mean of c/n | passes/samples"
        " | pass@C covers | gain |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        for shape in given.shapes:
            jobs = [
                Job(shape, given.pilot, given.executed, given.samples, given.budget, seed)
                for seed in range(given.repeats)
            ]
            found = list(pool.map(judge, jobs))
            cells = [np.mean([getattr(one, what) for one in found]) for what in Found.__slots__]
            signs = ("", "", "", "", "+", "+", "+", "", "+")
            shown = (f"{value:{sign}.2f}" for value, sign in zip(cells, signs, strict=True))
            print(f"| {shape} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
