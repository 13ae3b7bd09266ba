"""What the commands share: options, and finding the spec that a user left out."""

from __future__ import annotations

import os
from pathlib import Path

import click

from osca_cli.console import news, print_table
from osca_cli.errors import UsageError
from osca_cli.spec.load import load_spec
from osca_cli.spec.strata import numbers, plan_for
from osca_cli.spec.types import AllocationBlock, Spec, Task
from osca_cli.store.pool import Pool

db_option = click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("osca.db"),
    show_default=True,
    envvar="OSCA_DB",
    help="The pool: a SQLite file.",
)


def _accept(context: click.Context, _: click.Parameter, value: str | None) -> None:
    """Let the processes that verify know, by the environment that they inherit, for this command alone."""
    if value is not None and os.environ.get("OSCA_SANDBOX") != value:
        os.environ["OSCA_SANDBOX"] = value
        context.call_on_close(lambda: os.environ.pop("OSCA_SANDBOX", None))


sandbox_option = click.option(
    "--sandbox",
    type=click.Choice(["none"]),
    envvar="OSCA_SANDBOX",
    expose_value=False,
    callback=_accept,
    help="Run model-written code without a sandbox: it can then do whatever you can.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
spec_argument = click.argument(
    "spec", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


def find_spec(spec: Path | None, db: Path) -> Path:
    """Return the spec to use: the one named, else the one last run in the pool, else the one of this folder.

    Raises:
        UsageError: there is none.
    """
    if spec is not None:
        return spec
    last = None
    if db.exists():
        with Pool(db) as pool:
            last = pool.last_spec()
    for path, why in ((last, "last run in this pool"), (Path("osca.yaml"), ""), (Path("spec.yaml"), "")):
        if path is not None and path.exists():
            news(f"spec: {shown(path)}" + (f" ({why})" if why else ""))
            return path
    raise UsageError(
        "no spec was named, and there is no osca.yaml or spec.yaml here; write one with osca init"
    )


def load(path: Path) -> Spec:
    """Load a spec with the environment's variables."""
    return load_spec(path, environment=os.environ)


def open_pool(db: Path, *, create: bool = True) -> Pool:
    """Open the pool, and say which."""
    pool = Pool(db, create=create)
    news(f"pool: {shown(db)}")
    return pool


def shown(path: Path) -> str:
    """Return how a message names a file: a path relative to this folder where it lies in it."""
    here = Path.cwd()
    full = path if path.is_absolute() else here / path
    return str(full.relative_to(here)) if full.is_relative_to(here) else str(path)


def print_strata_numbers(task: Task, allocation: AllocationBlock | None) -> None:
    """Print how many problems each value of a task's strata has, and which plan they take."""
    rows = [[one.value or "no value", str(one.train), str(one.held_out)] for one in numbers(task)]
    columns = [str(task.strata), "training problems", "held out"]
    plans = [] if allocation is None else allocation.plans_of(task.name)
    if plans:
        columns.append("plan")
        for row, one in zip(rows, numbers(task), strict=True):
            row.append(plan_for(plans, {str(task.strata): one.value}).label)
    print_table(f"{task.name} by {task.strata}", columns, rows)


def plural(number: int, noun: str) -> str:
    """Return ``1 problem`` or ``2 problems``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
