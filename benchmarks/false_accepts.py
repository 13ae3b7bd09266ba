"""What a plan made for a verifier's false accepts is worth, and what the plan that trusts the verifier is.

    python benchmarks/false_accepts.py FOLDER [--splits 8] [--pilot 8] [--budgets 4 8 … 128] [--files NAME …]

Half of the problems train, with a pilot of at most so many samples a cell, of which wrong ones are accepted
at a known rate. The others test, with all their samples and what these are in truth: both plans draw until
the first accept, a right answer counts +1 and a wrong accept -1, and the expectation over samples and false
accepts is without bias. No plan draws a configuration more often than every cell has samples; a budget that
no configuration has samples for is left out. Points are hundredths of net utility; standard errors are over
problems, of the mean over the splits that tested the problem.
"""

from __future__ import annotations

import argparse
import os
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from heldout import load, mean_of_known, pilots, solver

from osca_cli.allocate.limits import Limits
from osca_cli.errors import OscaError
from osca_cli.estimate.unbiased import log_unbiased_failure
from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.accepted import Wrong
from osca_cli.plan.certified import certified_order
from osca_cli.plan.choice import choose, learn

RATES = (0.0, 0.005, 0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Job:
    """One file at one rate of false accepts."""

    path: Path
    rate: float
    pilot: int
    splits: int
    budgets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One file at one rate and budget; of the naive plan and of ours, in this order.

    Attributes:
        right: Right answers, mean over splits and problems.
        wrong: Wrong accepts.
        length: Samples that the plan draws at most.
        gain: Of ours in net utility, with its standard error.
        same: Splits in which both plans are the same.
    """

    name: str
    rate: float
    budget: int
    right: tuple[float, float]
    wrong: tuple[float, float]
    length: tuple[float, float]
    gain: tuple[float, float]
    same: int


def measure(job: Job) -> list[Cell]:
    """Plan with and without knowing the rate, and evaluate both on every split."""
    outcomes = load(job.path)
    caps = outcomes.n.min(axis=1)
    budgets = [budget for budget in job.budgets if budget < 8 or caps.max() >= budget]
    shape = (len(budgets), 2, job.splits, len(outcomes.problems))
    right, wrong = np.full(shape, np.nan), np.full(shape, np.nan)
    length, same = np.zeros((len(budgets), 2, job.splits)), np.zeros(len(budgets), int)
    per_reject = Wrong.at(job.rate, len(caps))
    drawn = pilots(outcomes, job.pilot, job.splits, zlib.crc32(job.path.stem.encode()))
    for split, (train, test) in enumerate(drawn):
        fooled = fool(train, job.rate, split)
        known = learn(fooled, "auto", Limits.samples(len(caps), max(budgets), upper=caps))
        for b, budget in enumerate(budgets):
            limits = Limits.samples(len(caps), budget, upper=caps)
            naive = choose(fooled, limits, known.rows, solver).schedule
            orders = [naive, certified_order(fooled, known, limits, [naive], per_reject)]
            same[b] += orders[1] == naive
            for m, order in enumerate(orders):
                found = right_and_wrong(outcomes.n[:, test], outcomes.c[:, test], order, job.rate)
                right[b, m, split, test], wrong[b, m, split, test] = found
                length[b, m, split] = len(order)
    return [
        cell(job, budget, right[b], wrong[b], length[b], int(same[b])) for b, budget in enumerate(budgets)
    ]


def fool(train: Outcomes, rate: float, seed: int) -> Outcomes:
    """Return a pilot in which wrong samples are accepted at this rate."""
    fooled = np.random.default_rng([seed, 7]).binomial(train.n - train.c, rate)
    return Outcomes.of(train.configurations, train.problems, train.n, train.c + fooled)


def right_and_wrong(n: Ints, c: Ints, order: Sequence[int], rate: float) -> tuple[Floats, Floats]:
    """Return the probability of a right answer and of a wrong accept on every problem, without bias.

    Args:
        n: Samples of the problems, shape ``(S, J)``.
        c: Those that are right in truth.
        order: Drawn until the first accept.
        rate: At which wrong samples are accepted.
    """
    counts, log_wrong = np.zeros(len(n), np.int64), np.zeros(n.shape)
    right, wrong = np.zeros(n.shape[1]), np.zeros(n.shape[1])
    before = np.ones(n.shape[1])
    for rejected, s in enumerate(order):
        counts[s] += 1
        log_wrong[s] = log_unbiased_failure(n[s], c[s], counts[s])
        after = np.exp(log_wrong.sum(axis=0))
        right += (1 - rate) ** rejected * (before - after)
        wrong += (1 - rate) ** rejected * rate * after
        before = after
    return right, wrong


def cell(job: Job, budget: int, right: Floats, wrong: Floats, length: Floats, same: int) -> Cell:
    net = [mean_of_known(one) for one in right - wrong]
    apart = net[1] - net[0]
    error = np.nanstd(apart, ddof=1) / np.sqrt(np.sum(~np.isnan(apart)))
    gain = float(np.nanmean(right[1] - wrong[1]) - np.nanmean(right[0] - wrong[0]))
    naive, ours = ((float(np.nanmean(right[m])), float(np.nanmean(wrong[m]))) for m in (0, 1))
    return Cell(
        name=job.path.stem,
        rate=job.rate,
        budget=budget,
        right=(naive[0], ours[0]),
        wrong=(naive[1], ours[1]),
        length=(float(length[0].mean()), float(length[1].mean())),
        gain=(100 * gain, 100 * float(error)),
        same=same,
    )


def print_cells(cells: Sequence[Cell], splits: int) -> None:
    print(
        "| file | rate | C | right, naive | wrong, naive | samples | right, ours | wrong, ours"
        " | net gain, points | same plan |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for one in cells:
        print(
            f"| {one.name} | {one.rate:g} | {one.budget} | {one.right[0]:.3f} | {one.wrong[0]:.3f} "
            f"| {one.length[1]:.1f} | {one.right[1]:.3f} | {one.wrong[1]:.3f} "
            f"| {one.gain[0]:+.2f} ± {one.gain[1]:.2f} | {one.same} of {splits} |"
        )


def print_summary(cells: Sequence[Cell]) -> None:
    print("| rate | cells | mean net gain, points | worst | below 0 by two standard errors |")
    print("|---|---|---|---|---|")
    for rate in sorted({one.rate for one in cells}):
        gains = np.array([one.gain for one in cells if one.rate == rate])
        beyond = int(np.sum(gains[:, 0] < -2 * gains[:, 1] - 1e-9))
        print(
            f"| {rate:g} | {len(gains)} | {gains[:, 0].mean():+.2f} | {gains[:, 0].min():+.2f} | {beyond} |"
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=8)
    parser.add_argument("--pilot", type=int, default=8)
    parser.add_argument("--budgets", type=int, nargs="+", default=[4, 8, 16, 32, 64, 128])
    parser.add_argument("--files", nargs="+", help="names without .json; default: all")
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
    jobs = [
        Job(path, rate, given.pilot, given.splits, tuple(given.budgets)) for path in files for rate in RATES
    ]
    begun = time.perf_counter()
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # a process per core is faster than threads
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        cells = [cell for cells in pool.map(measure, jobs) for cell in cells]
    print_cells(cells, given.splits)
    print()
    print_summary(cells)
    print(f"\n{given.splits} splits, {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except OscaError as error:
        raise SystemExit(f"error: {error}") from None
