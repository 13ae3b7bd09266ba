"""Writes the problems of the quickstart, always the same: ``python arithmetic.py > arithmetic.jsonl``.

Each has a question in words and a ``start``, the same as a line that only its answer is missing from. Each
family begins with easy problems and ends with hard ones.
"""

import json
import math
import random
from collections.abc import Callable, Iterator

PER_FAMILY = 16
WORDS = ["apple", "balloon", "bottle", "butter", "coffee", "letter", "pepper", "potato", "rabbit", "yellow"]

Parts = tuple[str, str, int]  # question, start, answer
Family = Callable[[random.Random, float], Parts]  # hardness from 0 to 1


def a_sum(draw: random.Random, hardness: float) -> Parts:
    """Add a small number to one of two digits, or two of two digits."""
    a, b = draw.randint(10, 49), draw.randint(2, 9) if hardness < 0.5 else draw.randint(10, 49)
    return f"What is {a} + {b}?", f"{a} + {b} =", a + b


def a_product(draw: random.Random, hardness: float) -> Parts:
    """Multiply one digit with one digit, or with a number up to 15."""
    a, b = draw.randint(3, 9), draw.randint(3, 9) if hardness < 0.5 else draw.randint(10, 15)
    return f"What is {a} * {b}?", f"{a} * {b} =", a * b


def a_divisor(draw: random.Random, hardness: float) -> Parts:
    """Find the greatest common divisor of two numbers up to 12, or up to 24."""
    divisor = draw.randint(2, 6)
    a, b = sorted(divisor * k for k in draw.sample(range(1, int(12 + 12 * hardness) // divisor + 1), 2))
    question = f"What is the greatest common divisor of {a} and {b}?"
    return question, f"gcd({a}, {b}) =", math.gcd(a, b)


def a_letter(draw: random.Random, hardness: float) -> Parts:
    """Count a letter in a word; rarely one that is not in it."""
    word = draw.choice(WORDS)
    letter = draw.choice(sorted(set(word))) if hardness < 0.9 else draw.choice("jqxz")
    question = f"How many times does the letter {letter} occur in the word {word}?"
    return question, f"count({letter}, {word}) =", word.count(letter)


def a_sequence(draw: random.Random, hardness: float) -> Parts:
    """Continue a sequence in steps of 1 to 3, or up to 9."""
    first, step = draw.randint(1, 9), draw.randint(1, int(3 + 6 * hardness))
    shown = ", ".join(str(first + step * k) for k in range(4))
    return f"Which number comes next? {shown},", f"{shown},", first + step * 4


FAMILIES: dict[str, Family] = {
    "sum": a_sum,
    "product": a_product,
    "divisor": a_divisor,
    "letter": a_letter,
    "sequence": a_sequence,
}


def problems(seed: int = 0) -> Iterator[dict[str, str | int]]:
    """Yield all problems, no two with one question."""
    draw = random.Random(seed)
    for name, family in FAMILIES.items():
        asked: dict[str, Parts] = {}
        while len(asked) < PER_FAMILY:
            parts = family(draw, len(asked) / PER_FAMILY)
            asked.setdefault(parts[0], parts)
        for number, (question, start, answer) in enumerate(asked.values(), 1):
            yield {
                "id": f"{name}-{number:02}",
                "family": name,
                "question": question,
                "start": start,
                "answer": answer,
            }


if __name__ == "__main__":
    for problem in problems():
        print(json.dumps(problem))
