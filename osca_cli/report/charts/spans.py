"""Spans: numbers with their intervals, one under the other on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from osca_cli.report.charts.scale import percent_scale
from osca_cli.report.charts.svg import element, group, picture, shortened

ROW = 44
SIZE = 12.5


@dataclass(frozen=True, slots=True)
class Span:
    """A rate with its interval.

    Attributes:
        name: What it is of.
        value: The rate.
        text: How it is written.
        low: Lower end of its interval; None where it has none.
        high: Upper end.
        role: Its colour.
    """

    name: str
    value: float
    text: str
    low: float | None = None
    high: float | None = None
    role: str = "plan"


def spans(width: float, rows: Sequence[Span], title: str, about: str, id_: str) -> Markup:
    """Draw rates as dots on their intervals, from the top down."""
    x = percent_scale([max(row.value, row.high or 0.0) for row in rows], 0.0, width - 24)
    bottom = len(rows) * ROW + 8
    axis = [element("line", x1=x(tick), x2=x(tick), y1=0, y2=bottom, class_="grid") for tick in x.ticks]
    ticks = [
        element(
            "text",
            f"{100 * tick:g}" + ("%" if tick == x.ticks[-1] else ""),
            x=x(tick),
            y=bottom + 16,
            class_="tick",
            text_anchor="middle" if tick else None,
        )
        for tick in x.ticks
    ]
    drawn = []
    for at, row in enumerate(rows):
        middle = at * ROW + 32
        parts = [
            element("text", shortened(row.name, width - 70, SIZE), x=0, y=middle - 15, class_="name ink")
        ]
        end = x(row.value)
        if row.low is not None and row.high is not None:
            end = max(end, x(row.high))
            parts.append(
                element(
                    "line", x1=x(row.low), x2=x(row.high), y1=middle, y2=middle, class_=f"span {row.role}"
                )
            )
        parts.append(element("circle", cx=x(row.value), cy=middle, r=5, class_=f"dot {row.role}"))
        late = end > width - 70
        parts.append(
            element(
                "text",
                row.text,
                x=x(row.value) if late else end + 9,
                y=middle - 11 if late else middle + 4,
                class_="value",
                text_anchor="middle" if late else None,
            )
        )
        drawn.append(group(*parts))
    return picture(width, bottom + 22, title, about, id_, group(*axis, *ticks, aria_hidden="true"), *drawn)
