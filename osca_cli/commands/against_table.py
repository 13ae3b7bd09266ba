"""An old plan beside a new one, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import click

from osca_cli.console import harmless, interval_text, points, print_table
from osca_cli.plan.against import Against

SHOWN = 12
"""Configurations in neither plan that are shown, the best first."""


def print_against(compared: Sequence[Against], file: str) -> None:
    """Print whether choosing anew pays, and what configurations in neither plan would add."""
    for one in compared:
        click.echo(f"\n{harmless(one.task)}: {harmless(sentence(one, file))}")
        if one.learned_from:
            click.echo(
                f"note: {one.learned_from} of the problems that judge chose the old plan, too, which"
                " flatters it"
            )
        best = sorted(one.marginals, key=lambda marginal: -marginal.gain.value)
        rows = [
            (
                marginal.name,
                points(marginal.gain.value),
                interval_text(marginal.gain.interval, signed=True),
                "yes" if marginal.pays else "no",
            )
            for marginal in best[:SHOWN]
        ]
        if rows:
            more = f", the best {SHOWN} of {len(best)}" if len(best) > SHOWN else ""
            columns = ("configuration", "gains", "95% interval", "pays")
            print_table(f"In neither plan, in the place of the new plan's last sample{more}", columns, rows)


def sentence(one: Against, file: str) -> str:
    """Say whether the plan changes."""
    if one.gone:
        return f"cannot be compared with {file}: there are no samples of {', '.join(one.gone)}"
    if dict(one.old) == dict(one.new):
        return f"choosing anew gives the allocation of {file}"
    if one.gain is None:
        return f"there are too few problems to compare with {file}"
    found = f"{points(one.gain.value)} points, {interval_text(one.gain.interval, signed=True)}"
    if one.changes:
        return f"choosing anew gains over {file}: {found}; take the new plan"
    if one.gain.interval[1] < 0:
        return f"choosing anew loses against {file}: {found}; keep the old plan"
    return f"choosing anew is not distinguishable from {file}: {found}; the old plan may stay"
