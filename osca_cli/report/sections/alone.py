"""What each configuration solves that the others do not."""

from __future__ import annotations

import numpy as np

from osca_cli.estimate.complementarity import complementarity, marginal
from osca_cli.estimate.plugin import plugin_rates
from osca_cli.outcomes.types import Ints, Outcomes
from osca_cli.report.charts.bars import Bar, bars
from osca_cli.report.findings import Findings
from osca_cli.report.parts import Figure, Section, Table, figure, role, table

MOST_BARS = 12


def alone_section(found: Findings, prefix: str) -> Section | None:
    """Show what configurations add to each other."""
    train = found.outcomes.select(problems=found.outcomes.train)
    names = train.configurations
    if len(names) < 2:
        return None
    beside, adds = complementarity(train), marginal(plugin_rates(train))
    order = [int(s) for s in np.argsort(-adds, kind="stable")]
    rows = [
        Bar(names[s], float(adds[s]), f"{100 * adds[s]:.2f} points", role(found.counts[names[s]]))
        for s in order[:MOST_BARS]
    ]
    cells = [
        [
            names[s],
            f"{beside.solved[s]:,}",
            f"{beside.alone[s]:,}",
            f"{100 * adds[s]:.2f}",
            f"{found.counts[names[s]]:,}",
        ]
        for s in order
    ]
    columns = ["solved at least once", "solved by no other", "passes alone, points", "samples in the plan"]
    left_out = len(order) - len(rows)
    chart = figure(
        f"{prefix}-alone-chart",
        "Passes where one sample of each other configuration fails",
        lambda width, id_: bars(
            width,
            rows,
            "What configurations add to each other",
            f"Most is added by {rows[0].name}: {rows[0].text}.",
            id_,
        ),
        note="Blue bars are in the plan."
        + (f" {left_out:,} more configurations, which add less, are in the table." if left_out else ""),
        table=table("What configurations solve, of the training problems", "configuration", columns, cells),
    )
    blocks: tuple[Figure | Table, ...] = (chart,)
    if len(names) <= MOST_BARS:
        blocks += (_pairs(train, beside.only_first),)
    return Section(
        f"{prefix}-alone",
        "What each solves that the others do not",
        f"Of {train.n.any(axis=0).sum():,} training problems with samples, {beside.unsolved:,} are never"
        " solved. A configuration that passes seldom is worth drawing where it passes on what others fail.",
        blocks,
    )


def _pairs(train: Outcomes, only_first: Ints) -> Table:
    names = train.configurations
    rows = [
        [names[s], *("·" if s == t else f"{only_first[s, t]:,}" for t in range(len(names)))]
        for s in range(len(names))
    ]
    return table("Problems that the row solves and the column does not", "configuration", names, rows)
