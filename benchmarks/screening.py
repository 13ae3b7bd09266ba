"""Held-out pass@C of plans from a screened pilot against uniform ones, on a folder of outcomes files.

    python benchmarks/screening.py FOLDER [--splits 12] [--budgets 2 4 8 16 64] [--files NAME …]

The protocol of heldout.py: half of the problems train, the others test with all their samples. The full pilot
has 16 samples a cell, or as many as there are. The screened one has 4 of them, and the others of the
configurations alone that go on, as `pilot: {samples: 16, screen: 4}` chooses them for each budget. Every plan
is by the default estimator. Differences to plans from the full pilot are in points of held-out pass@C, means
over splits and budgets, followed by the share of the full pilot's samples; standard errors are over files.
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
from heldout import covered, load, pilots, solver

from osca_cli.allocate.limits import Limits
from osca_cli.errors import OscaError
from osca_cli.estimate.plugin import mean_rates
from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.choice import choose, estimate
from osca_cli.plan.elimination import promising
from osca_cli.spec.pilot import going_on

SAMPLES, SCREEN, HALF = 16, 4, 8
METHODS = ("screened", "uniform 8", "best third by rate", "third by lot", "uniform 4")


@dataclass(frozen=True, slots=True)
class Job:
    """One file."""

    path: Path
    splits: int
    budgets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What plans from other pilots lose on one file.

    Attributes:
        enough: Whether every cell has as many samples as the full pilot asks for.
        points: Over plans from the full pilot, by method.
        shares: Of the full pilot's samples, by method.
    """

    name: str
    enough: bool
    points: dict[str, float]
    shares: dict[str, float]


class Pilots:
    """Every pilot of one split; pilots of the same samples are estimated once."""

    def __init__(self, full: Outcomes, widest: Limits, rng: np.random.Generator) -> None:
        self.full = full
        self.first = thinner(full, SCREEN, rng)
        self.half = thinner(full, HALF, rng)
        size = len(full.configurations)
        self.by_lot = rng.permutation(size)[: going_on(size)].tolist()
        self.by_rate = np.argsort(-mean_rates(self.first), kind="stable")[: going_on(size)].tolist()
        self._widest = widest
        self._known: dict[bytes, Rows] = {}

    def of(self, method: str, limits: Limits) -> Outcomes:
        """Return the pilot of a method."""
        match method:
            case "screened":
                return self._partly(promising(self.first, limits))
            case "best third by rate":
                return self._partly(self.by_rate)
            case "third by lot":
                return self._partly(self.by_lot)
            case "uniform 8":
                return self.half
            case "uniform 4":
                return self.first
        return self.full

    def rows(self, pilot: Outcomes) -> Rows:
        """Return its estimate."""
        key = pilot.n.tobytes() + pilot.c.tobytes()
        if key not in self._known:
            self._known[key] = estimate(pilot, "auto", self._widest)
        return self._known[key]

    def _partly(self, chosen: Sequence[int]) -> Outcomes:
        """Return the first samples of all configurations, and all of the chosen ones."""
        n, c = self.first.n.copy(), self.first.c.copy()
        n[chosen], c[chosen] = self.full.n[chosen], self.full.c[chosen]
        return Outcomes.of(self.full.configurations, self.full.problems, n, c)


def thinner(pilot: Outcomes, samples: int, rng: np.random.Generator) -> Outcomes:
    """Return so many samples of each cell, drawn without replacement."""
    n = np.minimum(pilot.n, samples)
    c = rng.hypergeometric(pilot.c, pilot.n - pilot.c, n)
    return Outcomes.of(pilot.configurations, pilot.problems, n, c)


def measure(job: Job) -> Result:
    """Plan from every pilot on every split."""
    outcomes = load(job.path)
    caps = outcomes.n.min(axis=1)
    budgets = [budget for budget in job.budgets if budget < 64 or caps.max() >= budget]
    limits = [Limits.samples(len(caps), budget, upper=caps) for budget in budgets]
    names = ("full", *METHODS)
    coverage, samples = np.empty((2, len(names), job.splits, len(budgets)))
    seed = zlib.crc32(job.path.stem.encode())
    for split, (full, test) in enumerate(pilots(outcomes, SAMPLES, job.splits, seed)):
        every = Pilots(full, limits[-1], np.random.default_rng([split, seed, 1]))
        for m, name in enumerate(names):
            for b, within in enumerate(limits):
                pilot = every.of(name, within)
                counts = choose(pilot, within, every.rows(pilot), solver).counts
                coverage[m, split, b] = covered(outcomes.n[:, test], outcomes.c[:, test], counts).mean()
                samples[m, split, b] = pilot.n.sum()
    return Result(
        job.path.stem,
        bool((outcomes.n >= SAMPLES).all()),
        dict(zip(names, 100 * (coverage - coverage[0]).mean(axis=(1, 2)), strict=True)),
        dict(zip(names, (samples / samples[0]).mean(axis=(1, 2)), strict=True)),
    )


def print_results(results: Sequence[Result]) -> None:
    print(f"| file | {' | '.join(METHODS)} |")
    print("|---" * (len(METHODS) + 1) + "|")
    for one in results:
        cells = [f"{one.points[name]:+.2f}, {one.shares[name]:.0%}" for name in METHODS]
        print(f"| {one.name} | {' | '.join(cells)} |")
    enough = [one for one in results if one.enough]
    for name, some in (("all", results), (f"those with {SAMPLES} samples", enough)):
        if len(some) > 1:
            print(f"| **{name}** | {' | '.join(summary(some, method) for method in METHODS)} |")


def summary(results: Sequence[Result], method: str) -> str:
    """Return the mean over files, with its standard error, and the share of samples."""
    points: Floats = np.array([one.points[method] for one in results])
    error = points.std(ddof=1) / np.sqrt(len(points))
    share = np.mean([one.shares[method] for one in results])
    return f"{points.mean():+.2f} ± {error:.2f}, {share:.0%}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=12)
    parser.add_argument("--budgets", type=int, nargs="+", default=[2, 4, 8, 16, 64])
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
        Job(path, given.splits, tuple(sorted(given.budgets)))
        for path in sorted(files, key=lambda path: -path.stat().st_size)
    ]
    begun = time.perf_counter()
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # a process per core is faster than threads
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        results = sorted(pool.map(measure, jobs), key=lambda one: one.name)
    print_results(results)
    print(f"\n{given.splits} splits, {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except OscaError as error:
        raise SystemExit(f"error: {error}") from None
