"""The heat map of pass rates: configurations by problems, from the easiest to the hardest."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes
from osca_cli.report.charts.heat import SHADES, data_uri, folded
from osca_cli.report.charts.svg import element
from osca_cli.report.charts.words import rate
from osca_cli.report.findings import Findings
from osca_cli.report.parts import Figure, Section, Table, table

MOST_ROWS = 200
MOST_COLUMNS = 2000
TENTHS = 10


def rates_section(found: Findings, prefix: str) -> Section | None:
    """Pass rates of all cells."""
    outcomes = found.outcomes
    known = outcomes.n > 0
    if not known.any():
        return None
    rates = np.where(known, outcomes.c / np.maximum(outcomes.n, 1), np.nan)
    rows, columns = _order(rates, known)
    shown = rows[:MOST_ROWS]
    ordered = rates[np.ix_(shown, columns)]
    cells = folded(ordered, MOST_COLUMNS)
    hardest = np.nanmax(np.where(known, rates, 0.0)[:, columns], axis=0)
    never, always = int((hardest == 0).sum()), int((np.nanmin(ordered, axis=0, initial=1.0) == 1).sum())
    names = [outcomes.configurations[row] for row in shown]
    about = (
        f"{len(shown)} configurations by {len(columns)} problems. {never} problems are never solved,"
        f" {always} always. Highest mean pass rate: {names[0]}, {rate(float(np.nanmean(rates[rows[0]])))}."
    )
    fold = len(columns) > MOST_COLUMNS
    notes = []
    if len(rows) > len(shown):
        notes.append(f"The {len(rows) - len(shown):,} configurations that pass least are left out.")
    if fold:
        notes.append(f"{len(columns):,} problems are drawn as {MOST_COLUMNS:,} columns, each a mean.")
    counts = found.counts
    planned = [bool(counts[name]) for name in names]
    return Section(
        f"{prefix}-rates",
        "Who passes on what",
        f"Each row is a configuration, each column a problem, from the easiest on the left to the hardest."
        f" {never:,} of {len(columns):,} problems are never solved by any sample.",
        (
            Figure(
                f"{prefix}-heat",
                "Pass rate of each configuration on each problem",
                _picture(cells, names, planned, about, never / len(columns)),
                Markup(),
                " ".join(["Names in blue are in the plan.", *notes]),
                _tenths(outcomes, rates, rows, columns),
            ),
        ),
    )


def _order(rates: Floats, known: Mask) -> tuple[Ints, Ints]:
    """Return configurations from the most passing, problems from the easiest; those without samples out."""
    total = np.where(known, rates, 0.0)
    by_row = total.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    by_column = total.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    rows = np.argsort(-by_row, kind="stable")
    columns = np.argsort(-by_column, kind="stable")
    some_row, some_column = np.asarray(known.any(axis=1)), np.asarray(known.any(axis=0))
    return rows[some_row[rows]], columns[some_column[columns]]


def _picture(cells: Floats, names: list[str], planned: list[bool], about: str, never: float) -> Markup:
    height = 22 if len(names) <= 24 else 14
    tall = height * len(names)
    image = element("img", src=data_uri(cells), alt=about, width=cells.shape[1], height=tall, class_="cells")
    listed = element(
        "ol",
        *(
            element("li", name, class_="in-plan" if one else None, title=name)
            for name, one in zip(names, planned, strict=True)
        ),
        class_="names",
    )
    legend = element(
        "p",
        "0%",
        element("img", src=data_uri(np.linspace(0, 1, SHADES)[None, :]), alt="", width=101, height=10),
        "100% of samples pass",
        class_="scale",
    )
    hard = f"{rate(never, 0)} never solved" if never else "hardest"
    axis = element("p", element("span", "easiest"), element("span", f"{hard} →"), class_="ends")
    dense = "" if height == 22 else " dense"
    return element(
        "div",
        legend,
        element(
            "div",
            element("div", listed, image, class_="grid"),
            class_=f"heat{dense}",
            tabindex="0",
            role="region",
            aria_label="Heat map of pass rates",
        ),
        axis,
        class_="heat-map",
    )


def _tenths(outcomes: Outcomes, rates: Floats, rows: Ints, columns: Ints) -> Table:
    number = min(TENTHS, len(columns))
    parts = np.array_split(columns, number)
    cells = []
    for row in rows:
        means = []
        for part in parts:
            some = rates[row, part]
            some = some[~np.isnan(some)]
            means.append(rate(float(some.mean()), 0) if len(some) else "–")
        cells.append([outcomes.configurations[row], *means])
    names = [f"{i + 1}" for i in range(number)]
    return table(
        f"Mean pass rate by difficulty: the problems in {number} parts, from the easiest (1) to the hardest",
        "configuration",
        names,
        cells,
        most=MOST_ROWS,
    )
