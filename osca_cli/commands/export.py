"""``osca export``: the pool, or an outcomes file, for other programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias, get_args

import click

from osca_cli.backends import open_backends
from osca_cli.commands.common import db_option, open_pool, plural, shown
from osca_cli.commands.source import load_source, source_argument
from osca_cli.console import news
from osca_cli.errors import UsageError
from osca_cli.model import Split
from osca_cli.outcomes.files import write_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.sources import matching, task_outcomes
from osca_cli.run.missing import Filter
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.types import Spec, Task
from osca_cli.store.pool import Pool
from osca_cli.store.recording import write_recording
from osca_cli.store.rows import sample_rows

Format: TypeAlias = Literal["jsonl", "outcomes", "osca-release", "csv", "parquet", "recording"]
FORMATS: tuple[Format, ...] = get_args(Format)
BY_SUFFIX: dict[str, Format] = {
    ".json": "outcomes",
    ".csv": "csv",
    ".parquet": "parquet",
    ".db": "recording",
}


@click.command(epilog="Example: osca export spec.yaml -o counts.csv")
@source_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="jsonl has a line for each sample, recording is a pool for --offline, all others have counts."
    " [default: as FILE ends, else jsonl]",
)
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option("--only", metavar="GLOB", help="Only configurations whose name matches.")
@click.option("-o", "--output", metavar="FILE", default="-", help="Where to; - prints. [default: -]")
@db_option
def command(
    source: Path | None, form: Format | None, task: str | None, only: str | None, output: str, db: Path
) -> None:
    """Write what the pool has of SOURCE, or an outcomes file in another format.

    SOURCE is a spec, a plan, or an outcomes file (.json, .csv, .parquet).
    """
    target = None if output == "-" else Path(output)
    form = form or (BY_SUFFIX.get(target.suffix.lower(), "jsonl") if target else "jsonl")
    if form in {"parquet", "recording"} and target is None:
        raise UsageError(f"--format {form} is not text: name a file with -o")
    if target is not None and target.exists() and db.exists() and target.samefile(db):
        raise UsageError(f"-o {target}: is the pool itself; name another file")
    if target is not None and source is not None and target.exists() and target.samefile(source):
        raise UsageError(f"-o {target}: is what is exported; name another file")
    spec = load_source(source, db)
    chosen = Filter(task, only)
    tasks = chosen.tasks(spec)
    with ExitStack() as stack:
        from_pool = any(one.outcomes is None for one in tasks)
        pool = stack.enter_context(open_pool(db, create=False)) if from_pool else None
        with _file(target, tasks[0].name) as path:
            if form == "jsonl":
                _write_samples(spec, chosen, pool, path)
            elif form == "recording":
                _write_recording(spec, chosen, pool, path)
            else:
                write_outcomes(_outcomes(spec, tasks, pool, only), path, form)
    if target is not None:
        news(f"wrote {shown(target)}")


@contextmanager
def _file(target: Path | None, name: str) -> Iterator[Path]:
    """Give a path to write to: it becomes the target as a whole, or is printed."""
    with TemporaryDirectory(dir=_folder(target), prefix=".osca-") as folder:
        path = Path(folder) / (target.name if target else re.sub(r"[^\w.-]+", "-", name) + ".txt")
        yield path
        if target is None:
            with path.open(encoding="utf-8", newline="") as lines:
                for line in lines:
                    click.echo(line, nl=False)
            return
        try:
            path.replace(target)
        except OSError as error:
            raise UsageError(f"-o {target}: cannot be written: {error.strerror}") from error


def _folder(target: Path | None) -> Path | None:
    """Return the folder to write in; ``None`` is the system's for what passes."""
    if target is None:
        return None
    if not os.access(target.parent, os.W_OK):
        raise UsageError(f"-o {target}: {target.parent} is no folder that can be written to")
    return target.parent


def _write_samples(spec: Spec, chosen: Filter, pool: Pool | None, path: Path) -> None:
    """Write one line of JSON for each sample."""
    maker = CellMaker(spec, open_backends(spec))
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for task in chosen.tasks(spec):
            if pool is None or task.outcomes is not None:
                raise UsageError(
                    f"task '{task.name}' is an outcomes file, which has counts and no samples;"
                    " choose another --format"
                )
            for row in sample_rows(pool, task, chosen.configurations(spec, task), maker):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_recording(spec: Spec, chosen: Filter, pool: Pool | None, path: Path) -> None:
    """Write a pool of what the spec has asked for."""
    maker = CellMaker(spec, open_backends(spec))

    def cells() -> Iterator[tuple[Cell, Split]]:
        sides: tuple[Split, ...] = ("train", "held_out")
        for task in chosen.tasks(spec):
            configurations = chosen.configurations(spec, task) if task.outcomes is None else []
            for side in sides:
                problems = task.train if side == "train" else task.held_out
                for cell in maker.cells(task, problems, configurations):
                    yield cell, side

    if pool is None:
        raise UsageError("outcomes files have counts and no samples; choose another --format")
    recorded = write_recording(pool, cells(), path)
    news(f"{plural(recorded.samples, 'sample')} of {plural(recorded.problems, 'problem')}")


def _outcomes(spec: Spec, tasks: Sequence[Task], pool: Pool | None, only: str | None) -> Outcomes:
    if len(tasks) > 1:
        names = ", ".join(task.name for task in tasks)
        raise UsageError(f"a file of counts holds one task: say which with --task ({names})")
    outcomes, notes = task_outcomes(spec, tasks[0], pool)
    for note in notes:
        news(f"{tasks[0].name}: {note}")
    return matching(outcomes, only)
