"""Verdicts that are errors, and draws that failed."""

from __future__ import annotations

from collections.abc import Sequence

from osca_cli.report.findings import Findings
from osca_cli.report.parts import Section, Table, table
from osca_cli.report.text import visible
from osca_cli.store.browse import Trouble

MOST = 30
CHARACTERS = 300


def errors_section(found: Findings, prefix: str) -> Section | None:
    """Show what went wrong, by what it said."""
    if found.pool is None:
        return None
    failed = {
        "Verifiers that failed": found.pool.verdict_errors,
        "Draws that failed": found.pool.draw_errors,
    }
    number = sum(one.number for some in failed.values() for one in some)
    lead = (
        f"{number:,} errors. They count as nothing, neither as passes nor as fails; the next run tries them"
        " again."
        if number
        else "Every sample that was drawn has a verdict, and every draw gave a sample."
    )
    blocks = tuple(_table(caption, some) for caption, some in failed.items() if some)
    return Section(f"{prefix}-errors", "Errors", lead, blocks)


def _table(caption: str, some: Sequence[Trouble]) -> Table:
    rows = [[visible(one.configuration), visible(one.what, CHARACTERS), f"{one.number:,}"] for one in some]
    return table(caption, "configuration", ["what it said", "times"], rows, most=MOST, texts=["what it said"])
