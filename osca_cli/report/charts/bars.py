"""Bars: amounts by name, the name above each bar so that long ones fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from osca_cli.report.charts.svg import CHARACTER, element, group, picture, shortened

ROW = 40
SIZE = 12.5


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount.

    Attributes:
        name: What it is of.
        value: How long it is.
        text: How it is written.
        role: Its colour.
        low: Lower end of its interval, if it has one.
        high: Upper end.
    """

    name: str
    value: float
    text: str
    role: str = "plan"
    low: float | None = None
    high: float | None = None


def bars(
    width: float, rows: Sequence[Bar], title: str, about: str, id_: str, *, parts: int | None = None
) -> Markup:
    """Draw bars from the left.

    Args:
        width: Of the picture.
        rows: From the top down.
        title: What it is.
        about: What it shows.
        id_: Unique on the page.
        parts: Samples, where bars are counts of at most so many: each has its own block.
    """
    texts = max((len(row.text) for row in rows), default=0) * SIZE * CHARACTER + 12
    most = max([1e-12, *(max(row.value, row.high or 0.0) for row in rows)])
    unit = (width - texts) / most
    drawn = [_bar(row, at * ROW, width, unit, parts) for at, row in enumerate(rows)]
    return picture(width, max(1, len(rows)) * ROW, title, about, id_, *drawn)


def _bar(row: Bar, top: float, width: float, unit: float, parts: int | None) -> Markup:
    length = row.value * unit
    content = [
        element("text", shortened(row.name, width, SIZE), x=0, y=top + 13, class_="name ink"),
        element("rect", x=0, y=top + 19, width=max(length, 1.0), height=13, class_=f"bar {row.role}"),
    ]
    if parts is not None and row.value <= parts and unit > 5:
        content += [
            element("line", x1=at * unit, x2=at * unit, y1=top + 19, y2=top + 32, class_="gap")
            for at in range(1, round(row.value))
        ]
    end = length
    if row.low is not None and row.high is not None:
        low, end = row.low * unit, max(length, row.high * unit)
        content.append(element("path", d=f"M{low:.2f},{top + 25.5}H{row.high * unit:.2f}", class_="whisker"))
    content.append(element("text", row.text, x=end + 7, y=top + 30, class_="value"))
    return group(*content)
