"""Filters of problems: which of them a spec means by ``where``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from osca_cli.model import Json

Where: TypeAlias = Mapping[str, Json]
"""For each field a value, a list of values, or ``{from, to}``."""


def matches(fields: Mapping[str, Json], where: Where) -> bool:
    """Tell whether a problem has what each key of a filter asks for; a field that is missing has nothing.

    >>> matches({"level": 3, "date": "2026-07-02"}, {"level": [2, 3], "date": {"from": "2026-07-01"}})
    True
    """
    return all(name in fields and _allows(wanted, fields[name]) for name, wanted in where.items())


def _allows(wanted: Json, value: Json) -> bool:
    if isinstance(wanted, Mapping):
        return _within(value, wanted.get("from"), wanted.get("to"))
    if isinstance(wanted, list):
        return any(_equal(one, value) for one in wanted)
    return _equal(wanted, value)


def _equal(wanted: Json, value: Json) -> bool:
    # CSV knows texts alone: there 3 is "3".
    return wanted == value or (str(wanted) == value and not isinstance(wanted, bool))


def _within(value: Json, low: Json, high: Json) -> bool:
    """Compare numbers as numbers, and anything else as text, ISO dates too; both ends count."""
    bounds = [bound for bound in (low, high) if bound is not None]
    if all(isinstance(one, int | float) for one in bounds):
        number = _number(value)
        return number is not None and (low is None or low <= number) and (high is None or number <= high)  # type: ignore[operator]
    text = str(value)
    return (low is None or str(low) <= text) and (high is None or text <= str(high))


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
