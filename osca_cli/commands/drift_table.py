"""What moved between two pools, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import click

from osca_cli.check.drift import Change, Drift
from osca_cli.check.words import moved_text
from osca_cli.commands.against_table import print_against
from osca_cli.console import harmless, interval_text, percent, points, print_table


def print_drift(drift: Drift, old: str) -> None:
    """Print what each model did then and does now, what moved, and whether the plan would change."""
    _print_changes(f"Models, since {old}", "model", drift.models)
    _print_changes("Their configurations", "configuration", drift.configurations)
    for change in drift.models:
        if change.moved:
            click.echo(f"moved: {harmless(moved_text(change))}")
    if drift.passed:
        click.echo(f"no model is distinguishable from what it was in {harmless(old)}")
    print_against(drift.plans, "the plan that there is")


def _print_changes(title: str, what: str, changes: Sequence[Change]) -> None:
    columns = ("task", what, "problems", "then", "now", "change", "95% interval", "p, corrected", "moved")
    rows = [
        (
            one.task,
            one.name,
            f"{one.problems:,}",
            percent(one.then),
            percent(one.now),
            points(one.value),
            interval_text(one.interval, signed=True),
            f"{one.p_value:.2g}",
            "yes" if one.moved else "no",
        )
        for one in changes
    ]
    print_table(title, columns, rows)
