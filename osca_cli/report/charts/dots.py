"""Dots: one for each configuration, what it costs against how often it passes, and the frontier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from osca_cli.report.charts.scale import linear, logarithmic, percent_scale
from osca_cli.report.charts.svg import BOLD, element, group, path, picture, shortened
from osca_cli.report.charts.words import tick

SIZE = 12
SPREAD = 8
"""Costs that differ by more than this are laid out by their ratios."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One configuration.

    Attributes:
        name: Written beside it where it is on the frontier or in the plan.
        x: Its cost.
        y: Its pass rate.
        best: Whether it is on the frontier.
        planned: Whether the plan draws it.
    """

    name: str
    x: float
    y: float
    best: bool
    planned: bool


def dots(
    size: tuple[float, float],
    points: Sequence[Dot],
    title: str,
    about: str,
    x_label: str,
    id_: str,
    x_tick: Callable[[float], str] = tick,
) -> Markup:
    """Draw configurations, and the line of those that none beats."""
    width, height = size
    xs = [one.x for one in points]
    low, high = min(xs), max(xs)
    log = low > 0 and high / low > SPREAD
    right = width - 18
    x = (
        logarithmic(low / 1.15, high * 1.15, 44, right, 60)
        if log
        else linear(0.0, high * 1.02, 44, right, max(3, int(width / 110)))
    )
    y = percent_scale([one.y for one in points], height - 46, 18)
    parts: list[Markup] = []
    for value in y.ticks:
        parts.append(
            element("line", x1=44, x2=right, y1=y(value), y2=y(value), class_="grid" if value else "axis")
        )
        digits = 1 if any(round(100 * one, 6) % 1 for one in y.ticks) else 0
        label = f"{100 * value:.{digits}f}" + ("%" if value == y.ticks[-1] else "")
        parts.append(element("text", label, x=36, y=y(value) + 4, class_="tick", text_anchor="end"))
    parts += [
        element("text", x_tick(value), x=x(value), y=y.start + 18, class_="tick", text_anchor="middle")
        for value in x.ticks
    ]
    parts.append(
        element("text", x_label, x=(44 + right) / 2, y=y.start + 38, class_="label", text_anchor="middle")
    )
    frontier = sorted((one.x, one.y) for one in points if one.best)
    steps: list[tuple[float, float]] = []
    for px, py in frontier:
        if steps:
            steps.append((x(px), steps[-1][1]))
        steps.append((x(px), y(py)))
    marks = [
        element(
            "circle",
            element("title", one.name),
            cx=x(one.x),
            cy=y(one.y),
            r=5 if one.planned else 4,
            class_="dot plan" if one.planned else ("dot best" if one.best else "dot quiet"),
        )
        for one in sorted(points, key=lambda one: (one.planned, one.best))
    ]
    return picture(
        width,
        height,
        title,
        about,
        id_,
        group(*parts, aria_hidden="true"),
        element("path", d=path(steps), class_="line frontier"),
        *(element("circle", cx=x(one.x), cy=y(one.y), r=8, class_="ring") for one in points if one.best),
        *marks,
        _names([one for one in points if one.best or one.planned], x, y, width),
    )


def _names(
    points: Sequence[Dot], x: Callable[[float], float], y: Callable[[float], float], width: float
) -> Markup:
    """Write names where there is room for them, those of the plan first."""
    taken: list[tuple[float, float, float, float]] = [
        (x(one.x) - 6, y(one.y) - 6, x(one.x) + 6, y(one.y) + 6) for one in points
    ]
    parts = []
    for one in sorted(points, key=lambda one: (not one.planned, -one.y)):
        name = shortened(one.name, 0.5 * width, SIZE)
        length = len(name) * SIZE * BOLD
        for dx, dy, anchor in ((12, 4, "start"), (-12, 4, "end"), (0, -13, "middle"), (0, 21, "middle")):
            px, py = x(one.x) + dx, y(one.y) + dy
            start = px - {"start": 0.0, "end": length, "middle": length / 2}[anchor]
            box = (start, py - SIZE, start + length, py + 2)
            inside = box[0] >= 46 and box[2] <= width and box[1] >= 0
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                role = "plan" if one.planned else "ink"
                parts.append(element("text", name, x=px, y=py, class_=f"name {role}", text_anchor=anchor))
                break
    return group(*parts)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
