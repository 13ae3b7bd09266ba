"""What a page is made of: sections with figures, tables and facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

WIDE = 680.0
"""Width of a chart on a screen with room; its letters are as large as the page's."""
NARROW = 330.0
"""The same on a telephone."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, and whether it holds numbers."""

    name: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table; a row's first cell is its name.

    Attributes:
        left_out: Rows that there are and that are not shown.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Markup, ...], ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with what it shows in words, and its numbers.

    Attributes:
        id: Unique on the page.
        title: What it says, as a heading.
        wide: For wide screens, and print.
        narrow: For narrow ones.
        note: How to read it, what it leaves out.
        table: Its numbers.
    """

    id: str
    title: str
    wide: Markup
    narrow: Markup
    note: str = ""
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that answers a question.

    Attributes:
        name: The question.
        value: The number.
        about: How sure it is, or what it means.
    """

    name: str
    value: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under one heading.

    Attributes:
        id: Unique on the page.
        title: Its heading.
        lead: What it shows, in a sentence or two.
        blocks: Figures and tables.
        notes: What a reader must know.
    """

    id: str
    title: str
    lead: str = ""
    blocks: tuple[Figure | Table, ...] = ()
    notes: tuple[str, ...] = field(default=())


def role(samples: int) -> str:
    """Return the colour of what a plan draws so often."""
    return "plan" if samples else "quiet"


def figure(
    id_: str,
    title: str,
    draw: Callable[[float, str], Markup],
    *,
    note: str = "",
    table: Table | None = None,
) -> Figure:
    """Draw a picture at both widths.

    Args:
        id_: Unique on the page.
        title: Its heading.
        draw: Draws it, given a width and an id.
        note: How to read it.
        table: Its numbers.
    """
    return Figure(id_, title, draw(WIDE, f"{id_}-w"), draw(NARROW, f"{id_}-n"), note, table)


def table(
    caption: str,
    names: str,
    numbers: Sequence[str],
    rows: Sequence[Sequence[str | Markup]],
    most: int = 60,
    texts: Sequence[str] = (),
) -> Table:
    """Make a table of named rows of numbers, of at most so many rows.

    Args:
        caption: What it shows.
        names: Heading of the first column.
        numbers: Headings of the others.
        rows: The name and the numbers of each.
        most: Rows that are shown.
        texts: Which of the headings are of texts after all.
    """
    columns = (Column(names, numeric=False), *(Column(one, one not in texts) for one in numbers))
    shown = tuple(tuple(row) for row in rows[:most])
    return Table(caption, columns, shown, max(0, len(rows) - most))
