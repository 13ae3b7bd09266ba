"""Budgets as the command line takes them."""

from __future__ import annotations

import math
import re

from osca_cli.errors import UsageError
from osca_cli.spec.types import Budget, BudgetKind

UNITS: dict[str, BudgetKind] = {
    "": "samples",
    "samples": "samples",
    "usd": "usd",
    "output_tokens": "output_tokens",
    "s": "seconds",
    "gpu_s": "gpu_seconds",
}


def parse_budget(text: str) -> Budget:
    """Read one budget: ``8`` is 8 samples, ``0.03usd``, ``20000output_tokens`` and ``90s`` say their unit.

    Raises:
        UsageError: it is not a number above 0 with a known unit, or part of a sample.

    >>> str(parse_budget("0.03usd"))
    '0.03 usd'
    """
    match = re.fullmatch(r"\s*([0-9.eE+-]+)\s*([a-z_]*)\s*", text)
    try:
        amount, unit = float(match[1] if match else text), match[2] if match else ""
    except ValueError:
        raise UsageError(
            f"--budget {text}: write a number, such as 8, 0.03usd, 20000output_tokens or 90s"
        ) from None
    if unit not in UNITS:
        raise UsageError(
            f"--budget {text}: no unit is named '{unit}' (there are {', '.join(filter(None, UNITS))})"
        )
    if not (math.isfinite(amount) and amount > 0):
        raise UsageError(f"--budget {text}: a budget is a number above 0")
    if UNITS[unit] == "samples" and amount != int(amount):
        raise UsageError(f"--budget {text}: part of a sample cannot be drawn; write a whole number")
    return Budget(UNITS[unit], amount)


def parse_budgets(text: str) -> list[Budget]:
    """Read a list of budgets, ``1,2,4,8``.

    Raises:
        UsageError: one of them is none.
    """
    return [parse_budget(part) for part in text.split(",")]
