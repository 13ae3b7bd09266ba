"""Prints results for people: tables and lines, with hostile text made harmless."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import click


def harmless(text: str, width: int | None = None) -> str:
    r"""Return text with everything replaced that could steer a terminal.

    Args:
        text: Any text, a model's included.
        width: At most so many characters; the rest is cut.

    >>> harmless("a\x1b[31mb\n")
    'a\ufffd[31mb\ufffd'
    """
    if width is not None and len(text) > width:
        text = text[: width - 1] + "…"
    return "".join("\ufffd" if unicodedata.category(char)[0] == "C" else char for char in text)


def news(text: str) -> None:
    """Tell the user something that is not the result, on standard error."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """Print a result as JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Print a table on standard output; the first column is text, the others are numbers.

    Args:
        title: What it shows.
        columns: Their names.
        rows: Their cells.
        styles: Of columns by name, such as ``bold`` or ``yellow``: never all that tells something.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=Text(title), title_justify="left", pad_edge=False)
    for position, column in enumerate(columns):
        justify: Literal["left", "right"] = "left" if position == 0 else "right"
        table.add_column(column, justify=justify, overflow="fold", style=styles.get(column))
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = 200  # a file or a pipe has no width; do not fold what will be searched
    console.print(table)


def percent(rate: float | None, digits: int = 1) -> str:
    """Write a rate in percent, an unknown one as a dash."""
    return "–" if rate is None else f"{100 * rate:.{digits}f}%"


def points(gain: float) -> str:
    """Write a difference of rates in points, with its sign."""
    return f"{100 * gain:+.1f}"


def interval_text(interval: Sequence[float] | None, *, signed: bool = False) -> str:
    """Write an interval of rates in percent, or of differences in points."""
    if interval is None:
        return "–"
    low, high = (points(end) if signed else f"{100 * end:.1f}" for end in interval)
    return f"{low} to {high}"


BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(rates: Sequence[float | None], most: float = 1.0) -> str:
    """Write rates as bars, one character each: the lowest for next to nothing, a dot where unknown.

    >>> sparkline([0.0, 0.5, 1.0, None])
    '▁▅█·'
    """
    return "".join(
        "·" if rate is None else BLOCKS[min(len(BLOCKS) - 1, max(0, int(rate / most * len(BLOCKS))))]
        for rate in rates
    )


def print_facts(facts: Mapping[str, str]) -> None:
    """Print named facts, one a line, aligned."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {harmless(value)}")
