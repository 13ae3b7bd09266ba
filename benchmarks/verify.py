"""Verdicts a second: worker processes of a run beside a plain loop in one process.

    python benchmarks/verify.py [--texts 2000] [--rounds 3]

Each verifier judges texts such as a model writes, half of them right. The loop has no time limit and no
process of its own, so one text that hangs or crashes the verifier ends it; a run survives both. The first
verdicts, in which libraries are imported, are not counted. Medians of the rounds are printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence

import anyio

from osca_cli.model import Check, Problem
from osca_cli.registry import verifier_class
from osca_cli.run.verification import Verification

REASONING = "Let us see. First we add the parts, then we compare them with the whole, 17 and 25. " * 12


def texts(kind: str, number: int) -> tuple[str, list[str]]:
    """Return a reference and texts that answer it, half of them right."""
    if kind == "math":
        reference, right = r"\frac{n^2+n}{2}", r"\boxed{\frac{n(n+1)}{2} + %d - %d}"
        return reference, [
            f"{REASONING} So the sum is {right % (i, i + i % 2)}." for i in range(1, number + 1)
        ]
    if kind == "number":
        return "12", [f"{REASONING} The answer is {12 + i % 2}.{'0' * (i % 7)}" for i in range(number)]
    return "Oslo", [("Oslo" if i % 2 else "Rome") + " " * (i % 50) for i in range(number)]


def looped(check: Check, answers: Sequence[str]) -> float:
    """Return the seconds of a plain loop."""
    verifier = verifier_class(check.type)(check.settings)
    verifier.verify(answers[0], check.given)
    begun = time.perf_counter()
    for answer in answers:
        verifier.verify(answer, check.given)
    return time.perf_counter() - begun


def in_workers(check: Check, answers: Sequence[str]) -> float:
    """Return the seconds of worker processes, one for each core."""

    async def judge() -> float:
        workers = os.cpu_count() or 1
        remaining = iter(answers)
        async with Verification(workers, 60) as verification:

            async def take() -> None:
                for answer in remaining:
                    await verification.verify(check, answer)

            async with anyio.create_task_group() as group:
                for _ in range(workers):
                    group.start_soon(verification.verify, check, answers[0])
            begun = time.perf_counter()
            async with anyio.create_task_group() as group:
                for _ in range(2 * workers):
                    group.start_soon(take)
            return time.perf_counter() - begun

    return anyio.run(judge)


Way = Callable[[Check, Sequence[str]], float]


def median(way: Way, check: Check, answers: list[str], rounds: int) -> float:
    """Return verdicts a second."""
    return len(answers) / statistics.median(way(check, answers) for _ in range(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, {asked.texts} texts (math: a tenth), median of {asked.rounds} rounds")
    print(f"{'verifier':10}{'one process':>14}{'osca':>10}{'ratio':>8}   verdicts a second")
    for kind in ("exact", "number", "math"):
        reference, answers = texts(kind, asked.texts // (10 if kind == "math" else 1))
        verifier = verifier_class(kind)({})
        given = verifier.reads(Problem("t", "p", {}, reference=reference), {})
        check = Check(kind, verifier.version, {}, given)
        alone, osca = (median(way, check, answers, asked.rounds) for way in (looped, in_workers))
        print(f"{kind:10}{alone:14,.0f}{osca:10,.0f}{osca / alone:8.2f}")


if __name__ == "__main__":
    main()
