"""How often `math` says what it should of answers as models write them, beside other ways to compare.

    python benchmarks/math_agreement.py

Reads the pairs of tests/verifiers/math_pairs.yaml, made while the verifier was, and math_pairs_unseen.yaml,
written after it. Prints, for each way to compare, the share of right verdicts, wrong passes and wrong fails;
then every pair that `math` gets wrong, with what it read.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import math_verify
import yaml

from osca_cli.errors import UsageError
from osca_cli.model import Problem
from osca_cli.registry import verifier_class

PAIRS = Path(__file__).parents[1] / "tests" / "verifiers"


class Pair(NamedTuple):
    """A reference, a model's text, and whether the text answers it."""

    reference: str
    text: str
    passes: bool


def pairs(name: str) -> Iterator[Pair]:
    for reference, texts in yaml.safe_load((PAIRS / name).read_text()).items():
        for verdict in ("pass", "fail"):
            yield from (Pair(reference, text, verdict == "pass") for text in texts[verdict])


def by_verifier(kind: str) -> Callable[[Pair], bool]:
    verifier = verifier_class(kind)({})

    def judge(pair: Pair) -> bool:
        problem = Problem(task="maths", id="p", fields={}, reference=pair.reference)
        try:
            return bool(verifier.verify(pair.text, verifier.reads(problem, {})).passed)
        except UsageError:
            return False  # a reference that this verifier cannot compare with

    return judge


def by_math_verify(pair: Pair) -> bool:
    reference, answer = (
        math_verify.parse(text, parsing_timeout=None) for text in (f"${pair.reference}$", pair.text)
    )
    return bool(math_verify.verify(reference, answer, timeout_seconds=None))


def main() -> None:
    logging.disable(logging.WARNING)
    ways = {
        "math": by_verifier("math"),
        "Math-Verify alone": by_math_verify,
        "number": by_verifier("number"),
        "exact": by_verifier("exact"),
    }
    for name in ("math_pairs.yaml", "math_pairs_unseen.yaml", "math_pairs_later.yaml"):
        every = list(pairs(name))
        print(f"{name}: {len(every)} pairs, {sum(pair.passes for pair in every)} of them right answers")
        print(f"{'':20}{'right':>10}{'wrong pass':>12}{'wrong fail':>12}")
        for way, judge in ways.items():
            wrong = [pair for pair in every if judge(pair) is not pair.passes]
            kinds = Counter(pair.passes for pair in wrong)
            print(f"{way:20}{1 - len(wrong) / len(every):10.1%}{kinds[False]:12}{kinds[True]:12}")
            if way == "math":
                told = [
                    f"  {p.reference!r} / {p.text!r}: should {'pass' if p.passes else 'fail'}" for p in wrong
                ]
        print("\n".join(told), end="\n\n")


if __name__ == "__main__":
    main()
