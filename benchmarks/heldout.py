"""Held-out pass@C of the planner against simple choices and the paper's, on a folder of outcomes files.

    python benchmarks/heldout.py FOLDER [--splits 12] [--pilots 4 16] [--budgets 2 4 8 16 64] [--files NAME …]

Half of the problems train, with a pilot of at most so many samples a cell; the others test, with all their
samples, by the unbiased estimator. Configurations with an empty cell are left out, and of more than 60 the
60 best are kept. No plan and no baseline draws a configuration more often than every cell has samples;
budgets of 64 are run where a configuration has as many. Points are percentage points of held-out pass@C,
and "best" is the better of pure and uniform in hindsight, per file and budget. Standard errors are over
problems: of the mean over the splits that tested the problem.
"""

from __future__ import annotations

import argparse
import os
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.allocate.solve import find
from osca_cli.errors import OscaError
from osca_cli.estimate.plugin import plugin
from osca_cli.estimate.rows import Rows
from osca_cli.estimate.unbiased import log_unbiased_failure
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.choice import ESTIMATORS, Estimator, choose, estimate

MOST_CONFIGURATIONS = 60
TOLERANCE = 0.2
"""Points below the best simple choice that do not count as a loss."""
SIMPLE = ("pure", "uniform")


@dataclass(frozen=True, slots=True)
class Job:
    """One file at one pilot size."""

    path: Path
    pilot: int
    splits: int
    budgets: tuple[int, ...]
    estimators: tuple[Estimator, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Held-out coverage of every method on one file, at one pilot size and budget.

    Attributes:
        mean: Mean over splits, by method.
        by_problem: Mean over the splits that tested a problem, by method, shape ``(P,)``.
    """

    name: str
    pilot: int
    budget: int
    mean: dict[str, float]
    by_problem: dict[str, Floats]

    @property
    def best(self) -> str:
        """The better simple choice."""
        return max(SIMPLE, key=lambda method: self.mean[method])

    def points(self, method: str, other: str) -> tuple[float, float]:
        """Return by how many points a method is better than another, and the standard error."""
        apart = self.by_problem[method] - self.by_problem[other]
        error = np.nanstd(apart, ddof=1) / np.sqrt(np.sum(~np.isnan(apart)))
        return 100 * (self.mean[method] - self.mean[other]), 100 * float(error)


def load(path: Path) -> Outcomes:
    """Read a file, without configurations that have an empty cell, and of too many the best."""
    outcomes = read_outcomes(path)
    full = np.flatnonzero((outcomes.n > 0).all(axis=1))
    rate = (outcomes.c[full] / outcomes.n[full]).mean(axis=1)
    best = full[np.argsort(-rate, kind="stable")[:MOST_CONFIGURATIONS]]
    return outcomes.select(configurations=np.sort(best).tolist())


def pilots(outcomes: Outcomes, samples: int, splits: int, seed: int) -> Iterator[tuple[Outcomes, Ints]]:
    """Yield the pilot of a random half of the problems, drawn without replacement, and the other half."""
    for split in range(splits):
        rng = np.random.default_rng([split, seed])
        order = rng.permutation(len(outcomes.problems))
        train, test = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
        have, passed = outcomes.n[:, train], outcomes.c[:, train]
        n = np.minimum(have, samples)
        c = rng.hypergeometric(passed, have - passed, n)
        problems = [outcomes.problems[column] for column in train]
        yield Outcomes.of(outcomes.configurations, problems, n, c), test


def measure(job: Job) -> list[Cell]:
    """Plan and evaluate every method on every split."""
    outcomes = load(job.path)
    caps = outcomes.n.min(axis=1)
    budgets = [budget for budget in job.budgets if budget < 64 or caps.max() >= budget]
    methods = (*SIMPLE, "paper", *job.estimators)
    shape = (len(budgets), len(methods), job.splits, len(outcomes.problems))
    coverage = np.full(shape, np.nan)
    drawn = pilots(outcomes, job.pilot, job.splits, zlib.crc32(job.path.stem.encode()))
    for split, (train, test) in enumerate(drawn):
        limits = [Limits.samples(len(caps), budget, upper=caps) for budget in budgets]
        for b, plans in enumerate(allocations(train, limits, job.estimators)):
            for m, counts in enumerate(plans):
                coverage[b, m, split, test] = covered(outcomes.n[:, test], outcomes.c[:, test], counts)
    return [
        Cell(
            job.path.stem,
            job.pilot,
            budget,
            {method: float(np.nanmean(coverage[b, m])) for m, method in enumerate(methods)},
            {method: mean_of_known(coverage[b, m]) for m, method in enumerate(methods)},
        )
        for b, budget in enumerate(budgets)
    ]


def mean_of_known(values: Floats) -> Floats:
    """Return the mean over splits, NaN for a problem that was never tested."""
    number = np.sum(~np.isnan(values), axis=0)
    return np.where(number > 0, np.nansum(values, axis=0) / np.maximum(number, 1), np.nan)


def allocations(
    train: Outcomes, limits: Sequence[Limits], estimators: Sequence[Estimator]
) -> Iterator[list[Ints]]:
    """Yield for each budget the counts of all methods, in the order of :func:`measure`."""
    widest = max(limits, key=lambda one: one.budget)
    plug = plugin(train)
    rows = [estimate(train, estimator, widest) for estimator in estimators]
    for within in limits:
        paper = choose(train, within, plug, solver)
        pure = np.zeros(len(within.upper), np.int64)
        pure[paper.best_pure[0]] = int(paper.best_pure[1])
        yield [
            pure,
            paper.uniform,
            paper.counts,
            *(choose(train, within, one, solver).counts for one in rows),
        ]


def solver(rows: Rows, limits: Limits) -> Ints:
    """Return the counts of greedy with swaps."""
    return find(rows, limits, "auto", seed=0)


def covered(n: Ints, c: Ints, counts: Ints) -> Floats:
    """Return the unbiased pass@C of counts on every problem."""
    used = np.flatnonzero(counts)
    return 1 - np.exp(log_unbiased_failure(n[used], c[used], counts[used, None]).sum(axis=0))


def print_cells(cells: Sequence[Cell], osca: str) -> None:
    print(f"| file | pilot | C | pure | uniform | paper | {osca} | less best, points | less paper, points |")
    print("|---|---|---|---|---|---|---|---|---|")
    for cell in cells:
        rates = " | ".join(f"{cell.mean[method]:.4f}" for method in (*SIMPLE, "paper", osca))
        gains = [cell.points(osca, other) for other in (cell.best, "paper")]
        words = " | ".join(f"{value:+.2f} ± {error:.2f}" for value, error in gains)
        print(f"| {cell.name} | {cell.pilot} | {cell.budget} | {rates} | {words} |")


def print_summary(cells: Sequence[Cell], methods: Sequence[str]) -> None:
    print("| pilot | method | mean | less paper ± SE over files | ok | worst | loss |")
    print("|---|---|---|---|---|---|---|")
    for pilot in sorted({cell.pilot for cell in cells}):
        here = [cell for cell in cells if cell.pilot == pilot]
        for method in methods:
            apart = np.array([cell.points(method, cell.best)[0] for cell in here])
            gain, error = over_paper(here, method)
            print(
                f"| {pilot} | {method} | {np.mean([cell.mean[method] for cell in here]):.4f} "
                f"| {gain:+.2f} ± {error:.2f} | {np.sum(apart >= -TOLERANCE)} of {len(here)} "
                f"| {apart.min():+.2f} | {np.minimum(0.0, apart + TOLERANCE).sum():.1f} |"
            )


def over_paper(cells: Sequence[Cell], method: str) -> tuple[float, float]:
    """Return the mean gain over the paper's plans over cells, and its standard error over files."""
    gains: dict[str, list[float]] = {}
    for cell in cells:
        gains.setdefault(cell.name, []).append(cell.points(method, "paper")[0])
    means = np.array([np.mean(one) for one in gains.values()])
    error = float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("nan")
    return float(np.mean([gain for one in gains.values() for gain in one])), error


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=12)
    parser.add_argument("--pilots", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--budgets", type=int, nargs="+", default=[2, 4, 8, 16, 64])
    parser.add_argument("--files", nargs="+", help="names without .json; default: all")
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=["auto"])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def main() -> None:
    given = arguments()
    files = sorted(
        path for path in given.folder.glob("*.json") if not given.files or path.stem in given.files
    )
    if not files:
        raise SystemExit(
            f"{given.folder}: no outcomes file (*.json) to measure; name the folder that has them"
        )
    estimators = tuple(given.estimators)
    jobs = [
        Job(path, pilot, given.splits, tuple(given.budgets), estimators)
        for path in sorted(files, key=lambda path: -path.stat().st_size)
        for pilot in given.pilots
    ]
    begun = time.perf_counter()
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # a process per core is faster than threads
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        cells = [cell for cells in pool.map(measure, jobs) for cell in cells]
    cells.sort(key=lambda cell: (cell.pilot, cell.name, cell.budget))
    print_cells(cells, estimators[-1])
    print()
    print_summary(cells, (*SIMPLE, "paper", *estimators))
    print(f"\n{given.splits} splits, {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except OscaError as error:
        raise SystemExit(f"error: {error}") from None
