"""``osca export``: the pool, or an outcomes file, for other programs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias, get_args

import click

from osca_cli.api.exporting import Counts, export_counts, export_recording, export_samples
from osca_cli.commands.common import db_option, open_pool, plural, shown
from osca_cli.commands.source import load_source, source_argument
from osca_cli.console import news
from osca_cli.errors import UsageError
from osca_cli.run.missing import Filter

Format: TypeAlias = Literal["jsonl", "recording"] | Counts
FORMATS: tuple[Format, ...] = ("jsonl", *get_args(Counts), "recording")
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
    tasks = Filter(task, only).tasks(spec)
    with ExitStack() as stack:
        from_pool = any(one.outcomes is None for one in tasks)
        pool = stack.enter_context(open_pool(db, create=False)) if from_pool else None
        with _file(target, tasks[0].name) as path:
            if form == "jsonl":
                export_samples(spec, pool, path, task=task, only=only)
            elif form == "recording":
                recorded = export_recording(spec, pool, path, task=task, only=only)
                news(f"{plural(recorded.samples, 'sample')} of {plural(recorded.problems, 'problem')}")
            else:
                export_counts(spec, pool, path, form, task=task, only=only)
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
