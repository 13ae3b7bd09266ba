"""How large a report is, how long it takes to make, and how fast a browser opens it.

    npm install --prefix MODULES playwright-core axe-core
    python benchmarks/report.py [--configurations 200] [--problems 2000] [--samples 4] [--browser MODULES]

The pool is synthetic: every cell has samples of 300 characters, rates as logit = configuration + difficulty,
a third of the problems never solved. Beside it stands a file of counts of the same size, which has no samples
to read. With --browser a headless Chromium opens both pages; see report_browser.mjs.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PATHS = [ROOT, ROOT / "backends", ROOT / "verifiers", ROOT / "tests" / "plugin"]
sys.path[:0] = [str(path) for path in PATHS]

from osca_cli.backends import open_backends  # noqa: E402
from osca_cli.identity import draw_seed, sample_key  # noqa: E402
from osca_cli.spec.cells import CellMaker  # noqa: E402
from osca_cli.spec.load import load_spec  # noqa: E402
from osca_cli.store.pool import Pool  # noqa: E402

GOAL_MB = 5
TEXT = "Count on from the first number: " * 9 + "the sum is "
ADD_SAMPLE = """
    INSERT INTO samples (key, request, idx, run, executed, seed, text, finish_reason, input_tokens,
        output_tokens, seconds, drawn_at)
    VALUES (?,?,?,?,0,?,?,'stop',20,40,0.5,'2026-01-01T00:00:00')
"""
ADD_VERDICT = """
    INSERT INTO verdicts (request, verifier, idx, passed, reason, verified_at)
    VALUES (?,?,?,?,'','2026-01-01')
"""
SPEC = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
    held_out: 0.25
configurations:
  - grid:
      model: [%s]
      temperature: [0.2, 0.5, 0.8, 1.0, 1.2]
      prompt: ["{{ question }} [{{ answer }}]"]
    max_tokens: 64
budget: {samples: 8}
"""


def rates_of(configurations: int, problems: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    level, ease = rng.normal(-1, 1, (configurations, 1)), rng.normal(0, 2.5, problems)
    rates = 1 / (1 + np.exp(-(level + ease + rng.normal(0, 0.7, (configurations, problems)))))
    return rates * (rng.random(problems) > 1 / 3)


def make_pool(folder: Path, configurations: int, problems: int, samples: int) -> Path:
    """Write a spec, its problems, and a pool of all samples with their verdicts."""
    models = ", ".join(f"scripted/model-{i:02}" for i in range(configurations // 5))
    (folder / "spec.yaml").write_text(SPEC % models)
    rows = [
        {"id": f"p{i:04}", "question": f"What is {i} + {2 * i}?", "answer": 3 * i} for i in range(problems)
    ]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = load_spec(folder / "spec.yaml", environment={})
    [task] = spec.tasks
    rates = rates_of(len(spec.configurations), problems)
    rows_of = {one.name: row for row, one in enumerate(spec.configurations)}
    rng = np.random.default_rng(1)
    maker = CellMaker(spec, open_backends(spec))
    with Pool(folder / "osca.db") as pool:
        run = pool.start_run("pilot", spec=spec.path, spec_hash="benchmark", osca="0", engines={})
        sql = pool.connection
        for split, some in (("train", task.train), ("held_out", task.held_out)):
            for at in range(0, len(some), 50):
                chunk = list(maker.cells(task, some[at : at + 50], spec.configurations))
                pool.register(chunk, split, asked=samples)
                sql.execute("BEGIN")
                for cell in chunk:
                    row, column = rows_of[cell.configuration.name], int(cell.problem.id[1:])
                    passed = rng.random(samples) < rates[row, column]
                    keys = [sample_key(cell.request, index) for index in range(samples)]
                    sql.executemany(ADD_SAMPLE, [
                        (keys[i], cell.request_id, i, run.id, draw_seed(0, keys[i]), f"{TEXT}{passed[i]}")
                        for i in range(samples)
                    ])  # fmt: skip
                    sql.executemany(ADD_VERDICT, [
                        (cell.request_id, cell.check_id, i, int(passed[i])) for i in range(samples)
                    ])  # fmt: skip
                sql.execute("COMMIT")
    return folder / "spec.yaml"


def make_counts(folder: Path, configurations: int, problems: int, samples: int) -> Path:
    """Write a file of counts of the same size."""
    passed = np.random.default_rng(1).binomial(samples, rates_of(configurations, problems))
    lines = [
        f"p{p:04},model-{s // 5:02}/{s % 5},{samples},{passed[s, p]}"
        for s in range(configurations)
        for p in range(problems)
    ]
    (folder / "counts.csv").write_text("problem,configuration,n,correct\n" + "\n".join(lines) + "\n")
    return folder / "counts.csv"


def report(folder: Path, source: Path) -> tuple[Path, float, float]:
    """Make a report in a process of its own; return it, processor seconds, and peak memory in MB."""
    page = folder / f"{source.stem}.html"
    code = "import sys; from osca_cli.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "report", source.name, "--budget", "8", "-o", page.name]
    environment = {"PYTHONPATH": ":".join(map(str, PATHS)), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return page, seconds, after.ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--configurations", type=int, default=200)
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="make everything here, and leave it")
    parser.add_argument("--browser", type=Path, metavar="MODULES", help="where npm has installed to")
    given = parser.parse_args()
    size = (given.configurations, given.problems, given.samples)
    with tempfile.TemporaryDirectory() as passing:
        folder = (given.keep or Path(passing)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        pages = []
        for name, make in (("counts", make_counts), ("pool", make_pool)):
            source = make(folder, *size)
            page, seconds, memory = report(folder, source)
            pages.append(page)
            print(f"{name}: {size[0]} configurations x {size[1]} problems x {size[2]} samples")
            print(
                f"  made in  {seconds:6.1f} s of processor time; all processes took at most {memory:.0f} MB"
            )
            print(f"  size     {page.stat().st_size / 1e6:6.2f} MB  (goal: {GOAL_MB} MB)", flush=True)
        if given.browser:
            script = Path(__file__).with_name("report_browser.mjs")
            subprocess.run(["node", script, given.browser.resolve(), *pages], check=True)


if __name__ == "__main__":
    main()
