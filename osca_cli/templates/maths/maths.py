"""Writes maths.jsonl: five families of small problems whose answers are fractions, equations and powers.

    python maths.py > maths.jsonl

`question` asks in words, `start` begins a line to be continued, `answer` is LaTeX.
"""

import json
import random
from collections.abc import Iterator
from fractions import Fraction

EACH = 12  # problems of a family


def latex(value: Fraction) -> str:
    """Write a number as a textbook does."""
    return str(value) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def problems(rng: random.Random) -> Iterator[tuple[str, str, str, str]]:
    """Yield family, question, start and answer, more than are needed."""
    while True:
        a, b, d = rng.randint(1, 5), rng.randint(1, 5), rng.randint(3, 9)
        yield "sum", f"What is {a}/{d} + {b}/{d}?", f"{a}/{d} + {b}/{d} =", latex(Fraction(a + b, d))
        x, c = rng.randint(1, 9), rng.randint(1, 9)
        yield "equation", f"Solve x + {c} = {x + c}.", f"x + {c} = {x + c}, x =", f"x = {x}"
        k, n, m = rng.randint(2, 5), rng.randint(1, 4), rng.randint(5, 7)
        yield "simplify", f"Simplify {k * n}/{k * m}.", f"{k * n}/{k * m} =", latex(Fraction(n, m))
        share, whole = rng.choice([10, 20, 25, 50]), rng.choice([20, 40, 60, 80, 100, 200])
        part = latex(Fraction(share * whole, 100))
        yield "percent", f"What is {share}% of {whole}?", f"{share}% of {whole} =", part
        base, power = rng.randint(2, 9), rng.randint(2, 3)
        yield "power", f"What is {base} to the power of {power}?", f"{base}^{power} =", str(base**power)


def main() -> None:
    """Print the problems, one on a line, each question once."""
    families: dict[str, dict[str, tuple[str, str]]] = {}
    for family, question, start, answer in problems(random.Random(0)):
        found = families.setdefault(family, {})
        if len(found) < EACH:
            found.setdefault(question, (start, answer))
        if sum(map(len, families.values())) == 5 * EACH:
            break
    for family, found in families.items():
        for number, (question, (start, answer)) in enumerate(found.items(), start=1):
            row = {"id": f"{family}-{number:02}", "family": family, "question": question}
            print(json.dumps({**row, "start": start, "answer": answer}))


if __name__ == "__main__":
    main()
