"""``osca show``: the pool in the terminal."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from osca_cli.commands.common import (
    db_option,
    find_spec,
    json_option,
    load,
    open_pool,
    plural,
    print_strata_numbers,
    spec_argument,
)
from osca_cli.commands.run_tables import print_pool
from osca_cli.console import news, print_json
from osca_cli.run.missing import Filter
from osca_cli.run.overview import overview, total_missing
from osca_cli.spec.strata import numbers


@click.command(epilog="Example: osca show spec.yaml --only 'small/*'")
@spec_argument
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option("--only", metavar="GLOB", help="Only configurations whose name matches.")
@json_option
@db_option
def command(spec: Path | None, task: str | None, only: str | None, as_json: bool, db: Path) -> None:
    """Show what the pool has of SPEC: pass rates, what a sample takes, what is missing."""
    loaded = load(find_spec(spec, db))
    with open_pool(db) as pool:
        lines = overview(loaded, pool, Filter(task=task, only=only))
    if as_json:
        strata = {one.name: [asdict(number) for number in numbers(one)] for one in loaded.tasks if one.strata}
        facts = {"schema_version": 1, "configurations": [asdict(line) for line in lines]}
        print_json(facts | ({"strata": strata} if strata else {}))
        return
    print_pool(lines)
    for one in Filter(task=task).tasks(loaded):
        if numbers(one):
            print_strata_numbers(one, loaded.allocation)
    if missing := total_missing(lines):
        news(f"the pilot lacks {plural(missing, 'sample')}: osca run {loaded.path.name}")
