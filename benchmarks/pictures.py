"""The pictures of docs/method.md, from a folder of outcomes files.

python benchmarks/pictures.py FOLDER [--output docs/images] [--splits 12]
"""

from __future__ import annotations

import argparse
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from heldout import Cell, Job, covered, load, measure, pilots

from osca_cli.plan.planner import make_plan
from osca_cli.plan.result import Plan
from osca_cli.spec.types import Budget

CURVES = ("bcb_hard", "livecodebench_2024")
SAMPLES = (1, 2, 4, 8, 16)
COLOURS = {"osca": "#1b6ca8", "pure": "#c44536", "uniform": "#7a9e47"}

Point = tuple[Plan, dict[str, float]]


def planned(path: Path, budget: int) -> Point:
    """Plan from one split with a pilot of 16, and return what is true of the test half."""
    outcomes = load(path)
    caps = outcomes.n.min(axis=1)
    train, test = next(pilots(outcomes, 16, 1, zlib.crc32(path.stem.encode())))
    capped = type(train).of(train.configurations, train.problems, train.n, train.c, max_samples=caps)
    plan = make_plan(capped, Budget("samples", budget), task=path.stem)
    n, c = outcomes.n[:, test], outcomes.c[:, test]
    truth = {}
    for name, allocation in (
        ("osca", plan.allocation),
        ("pure", plan.best_pure.allocation),
        ("uniform", plan.uniform.allocation),
    ):
        counts = np.array([int(allocation.get(one, 0)) for one in outcomes.configurations])
        truth[name] = float(covered(n, c, counts).mean())
    return plan, truth


def draw_curves(points: dict[str, list[Point]], output: Path) -> None:
    figure, axes = plt.subplots(1, len(CURVES), figsize=(9, 3.4), sharey=False)
    for axis, name in zip(axes, CURVES, strict=True):
        for method, colour in COLOURS.items():
            axis.plot(SAMPLES, [truth[method] for _, truth in points[name]], "o", color=colour, ms=4)
        claims = [plan.expected.measured for plan, _ in points[name] if plan.expected]
        axis.plot(
            SAMPLES, [claim.pass_rate for claim in claims], color=COLOURS["osca"], label="osca, claimed"
        )
        low, high = zip(*(claim.interval for claim in claims), strict=True)
        axis.fill_between(SAMPLES, low, high, color=COLOURS["osca"], alpha=0.2, label="its 95% interval")
        for method, pick in (("pure", "best_pure"), ("uniform", "uniform")):
            line = [getattr(plan, pick).expected.pass_rate for plan, _ in points[name]]
            axis.plot(SAMPLES, line, color=COLOURS[method], label=f"{method}, claimed")
        axis.set(title=name, xlabel="samples per problem", xscale="log", xticks=SAMPLES, xticklabels=SAMPLES)
    axes[0].set_ylabel("pass@C (dots: held out)")
    axes[0].legend(fontsize=8)
    save(figure, output / "coverage.svg")


def draw_claims(points: dict[str, list[Point]], output: Path) -> None:
    figure, axis = plt.subplots(figsize=(4.6, 4.4))
    for some in points.values():
        known = [(plan.expected.measured, truth["osca"]) for plan, truth in some if plan.expected]
        rates = [claim.pass_rate for claim, _ in known]
        bars = np.transpose([(m.pass_rate - m.interval[0], m.interval[1] - m.pass_rate) for m, _ in known])
        axis.errorbar([truth for _, truth in known], rates, bars, fmt="o", ms=3, lw=0.7, alpha=0.8)
    axis.plot([0, 1], [0, 1], color="black", lw=0.8)
    axis.set(xlabel="held-out pass@C", ylabel="claimed pass@C, 95% interval", xlim=(0, 1), ylim=(0, 1))
    save(figure, output / "claims.svg")


def draw_losses(cells: list[Cell], output: Path) -> None:
    cells = sorted(cells, key=lambda cell: cell.points("auto", cell.best)[0])
    height = np.arange(len(cells))
    figure, axis = plt.subplots(figsize=(7, 8))
    for method, colour, shift in (("auto", COLOURS["osca"], 0.2), ("paper", "#999999", -0.2)):
        gains = np.array([cell.points(method, cell.best) for cell in cells])
        label = "osca" if method == "auto" else "the paper's plug-in"
        axis.barh(
            height + shift,
            gains[:, 0],
            0.4,
            xerr=gains[:, 1],
            color=colour,
            label=label,
            error_kw={"lw": 0.6},
        )
    axis.axvline(0, color="black", lw=0.8)
    axis.set_yticks(height, [f"{cell.name}, C = {cell.budget}" for cell in cells], fontsize=7)
    axis.set_xlabel("points of held-out pass@C over the better of pure and uniform, ± 1 SE")
    axis.legend(loc="lower right")
    save(figure, output / "losses.svg")


def save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs/images"))
    parser.add_argument("--splits", type=int, default=12)
    given = parser.parse_args()
    mpl.rcParams["svg.hashsalt"] = "osca"
    given.output.mkdir(parents=True, exist_ok=True)
    files = sorted(given.folder.glob("*.json"))
    jobs = [Job(path, 4, given.splits, (2, 4, 8, 16, 64), ("auto",)) for path in files]
    tasks = [(path, budget) for path in files for budget in SAMPLES]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        made = list(pool.map(planned, *zip(*tasks, strict=True)))
        cells = [cell for some in pool.map(measure, jobs) for cell in some]
    points: dict[str, list[Point]] = {}
    for (path, _), point in zip(tasks, made, strict=True):
        points.setdefault(path.stem, []).append(point)
    if set(CURVES) <= set(points):
        draw_curves(points, given.output)
    draw_claims(points, given.output)
    draw_losses(cells, given.output)


if __name__ == "__main__":
    main()
