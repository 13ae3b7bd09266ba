"""``osca validate``: all that is wrong with a spec, or what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from osca_cli.commands.common import (
    db_option,
    find_spec,
    json_option,
    load,
    plural,
    print_strata_numbers,
)
from osca_cli.console import news, print_json, print_table
from osca_cli.errors import Fault, SpecError, UsageError
from osca_cli.spec.pilot import pilot_total
from osca_cli.spec.strata import numbers
from osca_cli.spec.types import Spec, Task


@click.command(epilog="Example: osca validate spec.yaml")
@click.argument("spec", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@db_option
def command(spec: tuple[Path, ...], as_json: bool, db: Path) -> None:
    """Check SPEC (or a plan, or several): say all that is wrong with it, or what it asks for.

    The JSON has: valid, faults (file, line, column, path, message), tasks (name, train, held_out,
    configurations, pilot_samples, strata), configurations, pilot_samples, budget.
    """
    if len(spec) > 1:
        if as_json:
            raise UsageError("--json prints the facts of one spec; name one")
        _validate_all(spec)
        return
    path = find_spec(spec[0] if spec else None, db)
    try:
        loaded = load(path)
    except SpecError as error:
        if not as_json:
            raise
        faults = [asdict(fault) for fault in error.faults]
        print_json({"schema_version": 1, "spec": str(path), "valid": False, "faults": faults})
        click.get_current_context().exit(error.exit_code)
    facts = _facts(loaded)
    if as_json:
        print_json(facts)
        return
    rows = [[str(task[column]) for column in _COLUMNS] for task in facts["tasks"]]
    print_table(f"{path}: valid", list(_COLUMNS.values()), rows)
    for task in loaded.tasks:
        if numbers(task):
            print_strata_numbers(task, loaded.allocation)
    news(_summary(loaded, facts["pilot_samples"]))


def _validate_all(paths: Sequence[Path]) -> None:
    """Check several specs, and tell the faults of all together."""
    faults: list[Fault] = []
    for path in paths:
        try:
            load(path)
        except SpecError as error:
            faults += error.faults
        else:
            click.echo(f"{path}: valid")
    if faults:
        raise SpecError(tuple(faults))


_COLUMNS = {
    "name": "task",
    "train": "training problems",
    "held_out": "held out",
    "configurations": "configurations",
    "pilot_samples": "pilot samples",
}


def _facts(spec: Spec) -> dict[str, Any]:
    tasks = [_task_facts(spec, task) for task in spec.tasks]
    return {
        "schema_version": 1,
        "spec": str(spec.path),
        "valid": True,
        "faults": [],
        "tasks": tasks,
        "configurations": [configuration.name for configuration in spec.configurations],
        "pilot_samples": sum(task["pilot_samples"] for task in tasks),
        "budget": None if spec.budget is None else {spec.budget.kind: spec.budget.amount},
    }


def _task_facts(spec: Spec, task: Task) -> dict[str, Any]:
    configurations = spec.configurations_of(task.name)
    return {
        "name": task.name,
        "train": len(task.train),
        "held_out": len(task.held_out),
        "configurations": len(configurations),
        "pilot_samples": len(task.train)
        * pilot_total(len(configurations), spec.pilot_samples, spec.pilot_screen),
        **({"strata": [asdict(one) for one in numbers(task)]} if task.strata else {}),
    }


def _summary(spec: Spec, pilot_samples: int) -> str:
    total = f"{plural(len(spec.configurations), 'configuration')}, {plural(pilot_samples, 'pilot sample')}"
    budget = "no budget" if spec.budget is None else f"a budget of {spec.budget} per problem"
    without = [task.name for task in spec.tasks if task.outcomes is None and not task.held_out]
    hint = (
        f"\nno problem of {', '.join(without)} is held out: osca check needs held_out: 0.5" if without else ""
    )
    return f"{total}, {budget}{hint}"
