"""SVG as text: elements, their attributes, and what a screen reader says of a picture."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

Number = float | int

CHARACTER = 0.58
"""Mean width of a character beside its height, in the fonts that a page may get."""
BOLD = 0.66
"""The same of bold letters."""


def element(name: str, *content: Markup | str, **attributes: object) -> Markup:
    """Return an element; content that is no markup is escaped, and so is every attribute.

    Attributes that are None are left out; a trailing underscore is dropped from names, others become dashes.

    >>> element("text", "a < b", x=1.0, class_="tick", text_anchor="end")
    Markup('<text x="1" class="tick" text-anchor="end">a &lt; b</text>')
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup().join(escape(one) for one in content)
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")  # noqa: S704


def group(*content: Markup | str, **attributes: object) -> Markup:
    """Return elements as one."""
    return element("g", *content, **attributes)


def picture(width: Number, height: Number, title: str, about: str, id_: str, *content: Markup) -> Markup:
    """Return a whole picture, as wide as its place allows.

    Args:
        width: Of its own coordinates.
        height: The same.
        title: What it is.
        about: What it shows, for those who do not see it.
        id_: Unique on the page.
        content: Its elements.
    """
    return element(
        "svg",
        element("title", title, id=f"{id_}-title"),
        element("desc", about, id=f"{id_}-desc"),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{id_}-title {id_}-desc",
        class_="chart",
    )


def path(points: Iterable[tuple[Number, Number]], *, closed: bool = False) -> str:
    """Return the ``d`` of straight lines through points."""
    steps = [f"{_value(x)},{_value(y)}" for x, y in points]
    return "M" + "L".join(steps) + ("Z" if closed else "") if steps else ""


def shortened(text: str, room: float, size: float) -> str:
    """Return a text that fits into a room, its middle left out where it is too long.

    >>> shortened("a-very-long-name/0.5", 70, 12)
    'a-ver…/0.5'
    """
    most = max(4, int(room / (size * CHARACTER)))
    if len(text) <= most:
        return text
    head = (most - 1 + 1) // 2
    return f"{text[:head]}…{text[-(most - 1 - head) :]}"


def spread(wanted: list[float], apart: float, low: float, high: float) -> list[float]:
    """Return places as near to those wanted as labels of a height allow, in the same order.

    >>> spread([10.0, 12.0], 10, 0, 100)
    [6.0, 16.0]
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    blocks: list[tuple[list[int], float]] = []  # labels that touch each other, and the place of the first
    for index in order:
        blocks.append(([index], wanted[index]))
        while len(blocks) > 1 and blocks[-2][1] + apart * len(blocks[-2][0]) > blocks[-1][1]:
            members = blocks[-2][0] + blocks[-1][0]
            first = sum(wanted[one] - apart * at for at, one in enumerate(members)) / len(members)
            blocks[-2:] = [(members, first)]
    ordered = [first + apart * at for members, first in blocks for at in range(len(members))]
    for at in range(len(ordered)):
        ordered[at] = max(ordered[at], low if at == 0 else ordered[at - 1] + apart)
    for at in reversed(range(len(ordered))):
        last = at == len(ordered) - 1
        ordered[at] = min(ordered[at], high if last else ordered[at + 1] - apart)
    places = [0.0] * len(wanted)
    for index, place in zip(order, ordered, strict=True):
        places[index] = place
    return places


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(escape(str(value)))
