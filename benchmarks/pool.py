"""How fast the pool is: outcomes of a million samples, a rerun that draws nothing, commits per second.

    python benchmarks/pool.py [--cells 125000] [--rerun-cells 12500]

Pools are synthetic and made in a temporary folder: a number of problems times 25 configurations, 8 samples
of each cell with a text of 200 characters, written with the real schema.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PATHS = [ROOT, ROOT / "backends", ROOT / "verifiers", ROOT / "tests" / "plugin"]
sys.path[:0] = [str(path) for path in PATHS]

from osca_cli.backends import open_backends  # noqa: E402
from osca_cli.identity import draw_seed, sample_key  # noqa: E402
from osca_cli.model import Sample, Verdict  # noqa: E402
from osca_cli.spec.cells import Cell, CellMaker  # noqa: E402
from osca_cli.spec.load import load_spec  # noqa: E402
from osca_cli.store.counts import counted, pool_outcomes  # noqa: E402
from osca_cli.store.pool import Pool, Run  # noqa: E402

SAMPLES = 8
CONFIGURATIONS = 25
TEXT = "To add the two numbers, take the first and count on from it. " * 3 + "The sum is 42."
SPEC = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
configurations:
  - grid:
      model: [scripted/a, scripted/b, scripted/c, scripted/d, scripted/e]
      temperature: [0.2, 0.5, 0.8, 1.0, 1.2]
      prompt: ["{{ question }} [{{ answer }}]"]
    max_tokens: 64
budget: {samples: 8}
"""
GOALS = {
    "outcomes of 1,000,000 samples, whole": "2 s",
    "outcomes of 1,000,000 samples, memory": "500 MB",
    "rerun with 100,000 samples in the pool": "3 s",
}


def write_spec(folder: Path, cells: int) -> Path:
    """Write a spec of so many cells, with its problems."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": f"p{i}", "question": f"What is {i} + {2 * i}?", "answer": 3 * i}
        for i in range(cells // CONFIGURATIONS)
    ]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "spec.yaml").write_text(SPEC)
    return folder / "spec.yaml"


def cells_of(spec_file: Path) -> Iterator[Cell]:
    """Yield the cells of the spec's only task."""
    spec = load_spec(spec_file, environment={})
    [task] = spec.tasks
    return CellMaker(spec, open_backends(spec)).cells(task, task.train, spec.configurations)


def fill(pool: Pool, cells: Iterator[Cell]) -> None:
    """Write every sample and verdict of the cells, many to a transaction."""
    run = start(pool)
    while chunk := list(islice(cells, 5000)):
        pool.register(chunk, "train", asked=SAMPLES)
        sql = pool.connection
        sql.execute("BEGIN")
        sql.executemany(
            "INSERT INTO samples (key, request, idx, run, executed, seed, text, finish_reason, input_tokens,"
            " output_tokens, seconds, drawn_at) VALUES (?,?,?,?,0,?,?,'stop',20,?,0.5,'2026-01-01')",
            (
                (f"{cell.request_id}{index}", cell.request_id, index, run.id, index, TEXT, 40 + index)
                for cell in chunk
                for index in range(SAMPLES)
            ),
        )
        sql.executemany(
            "INSERT INTO verdicts VALUES (?,?,?,?,NULL,'42','','2026-01-01')",
            (
                (cell.request_id, cell.check_id, index, int(cell.request_id[index] < "4"))
                for cell in chunk
                for index in range(SAMPLES)
            ),
        )
        sql.execute("COMMIT")


def start(pool: Pool) -> Run:
    return pool.start_run("pilot", spec=pool.path.parent / "spec.yaml", spec_hash="", osca="0", engines={})


class Clock:
    """Tells how long ago it was made, by the wall and in CPU time, children included."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), sum(os.times()[:4])

    def read(self) -> str:
        """Return the time since then."""
        return f"{time.perf_counter() - self._wall:.2f} s (CPU {sum(os.times()[:4]) - self._cpu:.2f} s)"


def outcomes(folder: Path) -> dict[str, Any]:
    """Read the outcomes of a pool; return the time of each part, and megabytes at most."""
    spec = load_spec(folder / "spec.yaml", environment={})
    [task] = spec.tasks
    with Pool(folder / "osca.db") as pool:
        maker = CellMaker(spec, open_backends(spec))
        shape = (len(task.train), len(spec.configurations))
        began = Clock()
        ids = list(maker.ids(task, task.train, spec.configurations))
        ids_s = began.read()
        began = Clock()
        counted(pool.connection, ids, shape)
        sql_s = began.read()
        del ids
        began = Clock()
        result, _ = pool_outcomes(pool, spec, task, maker)
        whole_s = began.read()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "samples": int(result.n.sum()),
        "ids": ids_s,
        "sql": sql_s,
        "whole": whole_s,
        "peak_mb": peak,
    }


def rerun(folder: Path) -> tuple[str, dict[str, int]]:
    """Run a spec whose samples are all there; return the time and what the run says it did."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    command = [sys.executable, "-m", "osca_cli", "run", "spec.yaml", "--json"]
    began = Clock()
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return began.read(), json.loads(process.stdout)


def commits(folder: Path, number: int = 2000) -> float:
    """Return how many samples with their verdicts, two commits each, are kept in a second."""
    cells = list(cells_of(write_spec(folder, CONFIGURATIONS * 10)))
    with Pool(folder / "osca.db") as pool:
        run = start(pool)
        pool.register(cells, "train", asked=number)
        work = []
        for i in range(number):
            cell, index = cells[i % len(cells)], i // len(cells)
            work.append((cell, index, sample_key(cell.request, index)))
        began = time.perf_counter()
        for cell, index, key in work:
            pool.add_sample(
                run, cell, index, Sample(TEXT, "stop", 20, 40, 0.5), key=key, seed=draw_seed(0, key)
            )
            pool.add_verdict(cell, index, Verdict(passed=True, answer="42"))
        return 2 * number / (time.perf_counter() - began)


def in_its_own_process(folder: Path) -> dict[str, Any]:
    """Read outcomes in a fresh process, so that its memory is its own."""
    command = [sys.executable, __file__, "--read", str(folder)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def report(name: str, value: str) -> None:
    goal = f"  (goal {GOALS[name]})" if name in GOALS else ""
    print(f"{name:45} {value:>24}{goal}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=125_000)
    parser.add_argument("--rerun-cells", type=int, default=12_500)
    parser.add_argument("--keep", type=Path, help="make the pools in this folder, or use those there")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(outcomes(options.read)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        measure(options.keep or Path(temporary), options.cells, options.rerun_cells)


def measure(folder: Path, cells: int, rerun_cells: int) -> None:
    for name, number in (("large", cells), ("small", rerun_cells)):
        if not (folder / name / "osca.db").exists():
            spec_file = write_spec(folder / name, number)
            with Pool(folder / name / "osca.db") as pool:
                fill(pool, cells_of(spec_file))
    found = in_its_own_process(folder / "large")
    title = f"outcomes of {found['samples']:,} samples"
    report(f"{title}, hashes of cells", found["ids"])
    report(f"{title}, read", found["sql"])
    report(f"{title}, whole", found["whole"])
    report(f"{title}, memory", f"{found['peak_mb']:.0f} MB")
    seconds, facts = rerun(folder / "small")
    report(f"rerun with {facts['there']:,} samples in the pool", seconds)
    report("drawn by the rerun", str(facts["drawn"]))
    with tempfile.TemporaryDirectory() as temporary:
        report("commits", f"{commits(Path(temporary) / 'commits'):,.0f} /s")


if __name__ == "__main__":
    main()
