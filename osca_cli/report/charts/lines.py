"""Lines with bands: how something grows, for a few series that are named where they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from osca_cli.report.charts.scale import Scale, linear, logarithmic, percent_scale
from osca_cli.report.charts.svg import CHARACTER, element, group, path, picture, shortened, spread
from osca_cli.report.charts.words import tick

SIZE = 12.5
APART = 15


@dataclass(frozen=True, slots=True)
class Series:
    """One line.

    Attributes:
        name: Written at its end.
        role: ``plan``, ``pure``, ``uniform``, ``named`` or ``quiet``: colour and dashes.
        points: Of x and y, ascending in x.
        band: Of x, low and high; may be empty.
        dots: Whether its points are marked.
    """

    name: str
    role: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()
    dots: bool = True


@dataclass(frozen=True, slots=True)
class Frame:
    """Where and how series are drawn.

    Attributes:
        width: Of the whole picture.
        height: The same.
        title: What it is.
        about: What it shows.
        x_label: What x counts.
        log: Whether x is a scale of ratios.
        x_tick: Writes a number on the x axis.
        mark: A place on the x axis that is named, with its name.
    """

    width: float
    height: float
    title: str
    about: str
    x_label: str
    log: bool = False
    x_tick: Callable[[float], str] = tick
    mark: tuple[float, str] | None = None


def lines(frame: Frame, series: Sequence[Series], id_: str) -> Markup:
    """Draw rates over something."""
    drawn = [one for one in series if one.points]
    named = [one for one in drawn if one.name]
    room = min(0.36 * frame.width, max((len(one.name) for one in named), default=0) * SIZE * CHARACTER)
    right = frame.width - room - 14
    y_values = [y for one in drawn for _, y in one.points] + [high for one in drawn for *_, high in one.band]
    y = percent_scale(y_values, frame.height - 46, 30)
    x_values = [x for one in drawn for x, _ in one.points] or [1.0]
    make = logarithmic if frame.log else linear
    x = make(min(x_values), max(x_values), 44, right)
    return picture(
        frame.width,
        frame.height,
        frame.title,
        frame.about,
        id_,
        _grid(frame, x, y, right),
        _mark(frame, x, y),
        *(_band(one, x, y) for one in drawn),
        *(_line(one, x, y) for one in reversed(drawn)),
        _labels(named, x, y, room),
    )


def _grid(frame: Frame, x: Scale, y: Scale, right: float) -> Markup:
    parts: list[Markup] = []
    for value in y.ticks:
        place = y(value)
        parts.append(
            element("line", x1=44, x2=right, y1=place, y2=place, class_="axis" if value == 0 else "grid")
        )
        digits = 1 if any(round(100 * one, 6) % 1 for one in y.ticks) else 0
        label = f"{100 * value:.{digits}f}" + ("%" if value == y.ticks[-1] else "")
        parts.append(element("text", label, x=36, y=place + 4, class_="tick", text_anchor="end"))
    for value in x.ticks:
        place = x(value)
        if place > right + 1:
            continue
        parts.append(
            element("line", x1=place, x2=place, y1=y.start, y2=y.start + 4, class_="axis"),
        )
        parts.append(
            element("text", frame.x_tick(value), x=place, y=y.start + 18, class_="tick", text_anchor="middle")
        )
    parts.append(
        element(
            "text", frame.x_label, x=(44 + right) / 2, y=y.start + 38, class_="label", text_anchor="middle"
        )
    )
    return group(*parts, aria_hidden="true")


def _mark(frame: Frame, x: Scale, y: Scale) -> Markup:
    if frame.mark is None:
        return Markup()
    place, name = x(frame.mark[0]), frame.mark[1]
    left = place > frame.width / 2
    return group(
        element("line", x1=place, x2=place, y1=y.end - 20, y2=y.start, class_="mark"),
        element(
            "text",
            name,
            x=place + (-6 if left else 6),
            y=y.end - 12,
            class_="label",
            text_anchor="end" if left else None,
        ),
    )


def _band(one: Series, x: Scale, y: Scale) -> Markup:
    if not one.band:
        return Markup()
    there = [(x(at), y(high)) for at, _, high in one.band]
    back = [(x(at), y(low)) for at, low, _ in reversed(one.band)]
    return element("path", d=path([*there, *back], closed=True), class_=f"band {one.role}")


def _line(one: Series, x: Scale, y: Scale) -> Markup:
    places = [(x(at), y(value)) for at, value in one.points]
    dots = [
        element("circle", cx=px, cy=py, r=3 if one.role == "plan" else 2.4, class_=f"dot {one.role}")
        for px, py in (places if one.dots or len(places) == 1 else [])
    ]
    return group(element("path", d=path(places), class_=f"line {one.role}"), *dots)


def _labels(drawn: Sequence[Series], x: Scale, y: Scale, room: float) -> Markup:
    wanted = [y(one.points[-1][1]) + 4 for one in drawn]
    places = spread(wanted, APART, y.end, y.start + 4)
    parts = []
    for one, place, ideal in zip(drawn, places, wanted, strict=True):
        at = x(one.points[-1][0])
        if abs(place - ideal) > 3:
            parts.append(
                element(
                    "path", d=path([(at + 4, ideal - 4), (at + 9, place - 4)]), class_=f"thread {one.role}"
                )
            )
        name = shortened(one.name, room, SIZE)
        parts.append(element("text", name, x=at + 11, y=place, class_=f"name {one.role}"))
    return group(*parts)
