"""``osca show``: the pool in the terminal."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from osca_cli.commands.common import db_option, json_option, open_pool, plural, print_strata_numbers
from osca_cli.commands.source import load_source, source_argument
from osca_cli.console import news, print_json
from osca_cli.errors import UsageError
from osca_cli.run.missing import Filter
from osca_cli.spec.strata import numbers
from osca_cli.spec.types import Spec
from osca_cli.store.pool import Pool


@click.command(epilog="Example: osca show spec.yaml --only 'small/*'")
@source_argument
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option("--only", metavar="GLOB", help="Only configurations whose name matches.")
@click.option(
    "--configurations", "definitions", is_flag=True, help="Show how they are defined, and their prices."
)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print one row of CSV for each configuration.")
@db_option
def command(
    source: Path | None,
    task: str | None,
    only: str | None,
    definitions: bool,
    as_json: bool,
    as_csv: bool,
    db: Path,
) -> None:
    """Show what the pool has of SOURCE: pass rates, what a sample takes, what is missing.

    SOURCE is a spec, a plan, or an outcomes file (.json, .csv, .parquet).
    """
    if as_json and as_csv:
        raise UsageError("--json or --csv, not both")
    spec = load_source(source, db)
    chosen = Filter(task=task, only=only)
    with ExitStack() as stack:
        needs_pool = any(one.outcomes is None for one in chosen.tasks(spec))
        pool = stack.enter_context(open_pool(db, create=False)) if needs_pool else None
        show = _show_definitions if definitions else _show_standings
        show(spec, pool, chosen, as_json=as_json, as_csv=as_csv)


def _show_definitions(spec: Spec, pool: Pool | None, chosen: Filter, *, as_json: bool, as_csv: bool) -> None:
    from osca_cli.commands.show_table import csv_text, price_text, print_definitions
    from osca_cli.run.standing import defined

    if pool is None:
        raise UsageError(f"{spec.path} has counts instead of problems: nothing defines its configurations")
    found = defined(spec, pool, chosen)
    rows: list[dict[str, Any]] = [asdict(one) for one in found]
    if as_csv:
        prices = [price_text(one.price) for one in found]
        text = csv_text([row | {"price": price} for row, price in zip(rows, prices, strict=True)])
        click.echo(text, nl=False)
    elif as_json:
        print_json({"schema_version": 1, "configurations": rows})
    else:
        print_definitions(found)


def _show_standings(spec: Spec, pool: Pool | None, chosen: Filter, *, as_json: bool, as_csv: bool) -> None:
    from osca_cli.commands.show_table import as_rows, as_tasks, csv_text, print_standing
    from osca_cli.run.standing import standings

    found = standings(spec, pool, chosen)
    if as_csv:
        click.echo(csv_text(as_rows(found)), nl=False)
        return
    if as_json:
        strata = {one.name: [asdict(number) for number in numbers(one)] for one in spec.tasks if one.strata}
        facts = {"schema_version": 1, "configurations": as_rows(found), "tasks": as_tasks(found)}
        print_json(facts | ({"strata": strata} if strata else {}))
        return
    for one in found:
        print_standing(one)
    for task in chosen.tasks(spec):
        if numbers(task):
            print_strata_numbers(task, spec.allocation)
    if missing := sum(one.line.missing for task in found for one in task.configurations):
        news(f"the pilot lacks {plural(missing, 'sample')}: osca run {spec.path.name}")
