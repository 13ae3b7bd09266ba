"""How long `osca --help` takes, against `python -c "import click"`: paired runs, alternating.

python benchmarks/startup.py [--pairs 20]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL = 2.0


def seconds(*args: str) -> float:
    """Return the wall time of a Python process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    subprocess.run([sys.executable, *args], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args().pairs
    help_of_osca, import_of_click = ("-m", "osca_cli", "--help"), ("-c", "import click")
    seconds(*help_of_osca), seconds(*import_of_click)  # the files are read and compiled once
    times = [(seconds(*help_of_osca), seconds(*import_of_click)) for _ in range(pairs)]
    ratio = statistics.median(ours / theirs for ours, theirs in times)
    print(f"osca --help               {1000 * statistics.median(ours for ours, _ in times):7.0f} ms")
    print(f"python -c 'import click'  {1000 * statistics.median(theirs for _, theirs in times):7.0f} ms")
    print(f"median ratio of {pairs} pairs  {ratio:7.2f}     (goal: under {GOAL:g})")


if __name__ == "__main__":
    main()
