"""Values of a plan's block, which a person may have written: taken where they are what they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from osca_cli.estimate.intervals import Interval
from osca_cli.model import Json


def mapping(value: object) -> Mapping[str, Json]:
    """Return a mapping, empty where there is none."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> Sequence[Json]:
    """Return a list, empty where there is none."""
    return value if isinstance(value, list | tuple) else ()


def number(value: object) -> float | None:
    """Return a number, None where there is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def interval(value: object) -> Interval | None:
    """Return an interval, None where there is none."""
    match value:
        case [int() | float() as low, int() | float() as high]:
            return float(low), float(high)
    return None
