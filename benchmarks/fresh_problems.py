"""One plan, executed on fresh problems of ten seeds: how often what it claims holds.

    nice python benchmarks/fresh_problems.py [--seeds 10] [--budget 4] [--every 2] [--folder F]

The quickstart's spec: its embedded model, its pilot, its generator of problems. One plan for so many samples
is executed on problem files that the generator writes from other seeds, each in a pool of its own; then the
same with `budget: {share: problems}`. `of so many` is the plan's 95% prediction interval for as many problems
as one file has: in about 19 of 20 files the realised pass rate should lie within. A file has every second of
the 80 that a seed gives. With --folder the work is kept there, and a second call goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def osca(folder: Path, *args: str) -> Any:
    """Run a command; return what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "osca_cli", *args, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 4}:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def fresh(folder: Path, seed: int, every: int) -> Path:
    """Write the generator's problems from another seed."""
    found = importlib.util.spec_from_file_location("arithmetic", folder / "arithmetic.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    path = folder / f"fresh{seed}.jsonl"
    lines = [json.dumps({**row, "id": f"{seed}-{row['id']}"}) for row in module.problems(seed)][::every]
    path.write_text("\n".join(lines) + "\n")
    return path


def main() -> None:
    """Plan once, execute often, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, default=4)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        if not (folder / "osca.yaml").exists():
            command = [sys.executable, "-m", "osca_cli", "init", "--template", "arithmetic", "."]
            subprocess.run(command, cwd=folder, check=True)
        osca(folder, "run", "osca.yaml")
        text = (folder / "osca.yaml").read_text()
        for label, share in (("alone", ""), ("shared", ", share: problems")):
            spec = folder / f"{label}.yaml"
            spec.write_text(text.replace("{samples: 8}", f"{{samples: {arguments.budget}{share}}}"))
            osca(folder, "plan", spec.name, "-o", f"plan-{label}.yaml")
            report(folder, label, range(1, arguments.seeds + 1), arguments.every)


def report(folder: Path, label: str, seeds: range, every: int) -> None:
    """Execute the plan on each file and print what it gave."""
    print(f"\n{label}\n\n| seed | problems | realised | claimed | of so many | within | samples | expected |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    within, rates = 0, []
    for seed in seeds:
        problems = fresh(folder, seed, every)
        found = osca(
            folder, "run", f"plan-{label}.yaml", "--problems", problems.name, "--db", f"fresh{seed}.db"
        )
        [task] = found["tasks"]
        claim = task["expected"]
        low, high = claim["of_so_many"]
        within += not task["outside"]
        rates.append(task["pass_rate"])
        print(
            f"| {seed} | {task['problems']} | {task['pass_rate']:.3f} | {claim['pass_rate']:.3f}"
            f" | {low:.3f} to {high:.3f} | {'no' if task['outside'] else 'yes'} | {task['samples']:.2f}"
            f" | {claim['samples']:.2f} |",
            flush=True,
        )
    print(f"\nwithin: {within} of {len(rates)}; mean realised {sum(rates) / len(rates):.3f}", flush=True)


if __name__ == "__main__":
    main()
