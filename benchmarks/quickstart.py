"""Runs the whole quickstart as a new user does, times each command, and draws the README's picture.

    python benchmarks/quickstart.py [--picture docs/images/quickstart.svg]

It works in a fresh folder, from `osca init` to `osca check`, and prints each command with its time and its
table, and at the end the README's. With --picture it then draws every configuration on the held-out problems
too, and plots the held-out pass rate of plans, best pure configuration and even spread at every budget up to
8; that needs the dependency group `pictures`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COMMANDS = (
    "init --template arithmetic",
    "run",
    "plan --budget 8",
    "run plan.yaml",
    "run plan.yaml --measure",
    "check plan.yaml",
)
BUDGETS = range(1, 9)


def osca(folder: Path, command: str) -> float:
    """Run one command, print it with its output and its time, and return the seconds."""
    print(f"\n$ osca {command}", flush=True)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "osca_cli", *command.split()], cwd=folder, check=True)
    seconds = time.perf_counter() - start
    print(f"[{seconds:.1f} s]", flush=True)
    return seconds


def table(folder: Path) -> str:
    """Return the README's table: what the plan and its rivals are expected to do on new problems."""
    command = [sys.executable, "-m", "osca_cli", "plan", "--budget", "8", "--json"]
    told = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    plan = json.loads(told)
    names = ", ".join(f"{count} of {name}" for name, count in plan["allocation"].items())
    pure, uniform = plan["baselines"]["best_pure"], plan["baselines"]["uniform"]
    rows = [
        (
            "with eight samples a problem",
            "solved, expected",
            "95% interval",
            "the plan gains",
            "95% interval",
        ),
        ("---",) * 5,
        (f"the plan: {names}", *_rate(plan["expected"]), "", ""),
        (f"8 x {pure['name']}, the best single configuration", *_rate(pure), *_gain(plan, "over_best_pure")),
        ("an even spread over all six", *_rate(uniform), *_gain(plan, "over_uniform")),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _rate(measured: dict[str, Any]) -> tuple[str, str]:
    low, high = measured["interval"]
    return f"{measured['pass_rate']:.1%}", f"{100 * low:.1f} to {100 * high:.1f}"


def _gain(plan: dict[str, Any], name: str) -> tuple[str, str]:
    gain = plan["gain"][name]
    low, high = gain["interval"]
    return f"{100 * gain['value']:+.1f}", f"{100 * low:+.1f} to {100 * high:+.1f}"


def curves(folder: Path) -> dict[str, list[tuple[float, tuple[float, float]]]]:
    """Return held-out pass rates with intervals at each budget, each chosen on the training problems."""
    from osca_cli.estimate.heldout import coverage_per_problem, mean_interval
    from osca_cli.plan.baselines import baselines
    from osca_cli.plan.planner import make_plan
    from osca_cli.plan.sources import task_outcomes
    from osca_cli.spec.load import load_spec
    from osca_cli.spec.types import Budget
    from osca_cli.store.pool import Pool

    spec = load_spec(folder / "osca.yaml", environment=os.environ)
    found: dict[str, list[tuple[float, tuple[float, float]]]] = {
        "osca": [],
        "best pure": [],
        "even spread": [],
    }
    with Pool(folder / "osca.db") as pool:
        outcomes, _ = task_outcomes(spec, spec.tasks[0], pool)
        for amount in BUDGETS:
            budget = Budget("samples", amount)
            plan = make_plan(outcomes, budget, task=spec.tasks[0].name)
            others = baselines(outcomes, budget, plan.estimator)
            allocations = (plan.allocation, others["best_pure"], others["uniform"])
            for name, counts in zip(found, allocations, strict=True):
                found[name].append(mean_interval(coverage_per_problem(outcomes, counts, outcomes.held_out)))
    return found


def draw(found: dict[str, list[tuple[float, tuple[float, float]]]], path: Path) -> None:
    """Plot the curves."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "osca"  # the same numbers give the same file
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    styles = {"osca": ("#0b6e4f", "o-"), "best pure": ("#c1440e", "s--"), "even spread": ("#5b5b5b", "^:")}
    for name, points in found.items():
        colour, line = styles[name]
        axes.plot(BUDGETS, [100 * rate for rate, _ in points], line, color=colour, label=name)
        if name == "osca":
            low, high = ([100 * interval[end] for _, interval in points] for end in (0, 1))
            axes.fill_between(BUDGETS, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set(xlabel="samples per problem", ylabel="held-out problems solved, %", xticks=list(BUDGETS))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Run the quickstart, and draw if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        total = sum(osca(folder, command) for command in COMMANDS)
        print(f"\nin all: {total:.1f} s\n\n{table(folder)}")
        if arguments.picture is not None:
            osca(folder, "run osca.yaml --split all")
            found = curves(folder)
            for label, points in found.items():
                print(label.ljust(12), *(f"{100 * rate:5.1f}" for rate, _ in points))
            draw(found, arguments.picture)


if __name__ == "__main__":
    main()
