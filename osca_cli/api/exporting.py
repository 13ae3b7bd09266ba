"""The pool, or an outcomes file, for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from osca_cli.backends import open_backends
from osca_cli.console import news
from osca_cli.errors import UsageError
from osca_cli.model import Split
from osca_cli.outcomes.files import write_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.sources import matching, task_outcomes
from osca_cli.run.missing import Filter
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.types import Spec
from osca_cli.store.pool import Pool
from osca_cli.store.recording import Recorded, write_recording
from osca_cli.store.rows import sample_rows

Counts: TypeAlias = Literal["outcomes", "osca-release", "csv", "parquet"]


def outcomes_of(
    spec: Spec, pool: Pool | None = None, *, task: str | None = None, only: str | None = None
) -> Outcomes:
    """Return the counts of a task: samples, passes and costs of each cell, as arrays.

    Args:
        spec: The spec.
        pool: Where its samples are; none is needed for an outcomes file.
        task: The task; may be left out where there is one.
        only: Only configurations whose name matches this pattern.

    Raises:
        MissingSamplesError: the pool has no sample of the task.
        UsageError: there are several tasks, or no configuration matches.
    """
    tasks = Filter(task).tasks(spec)
    if len(tasks) > 1:
        names = ", ".join(one.name for one in tasks)
        raise UsageError(f"a file of counts holds one task: say which with --task ({names})")
    outcomes, notes = task_outcomes(spec, tasks[0], pool)
    for note in notes:
        news(f"{tasks[0].name}: {note}")
    return matching(outcomes, only)


def export_counts(
    spec: Spec,
    pool: Pool | None,
    path: Path,
    form: Counts,
    *,
    task: str | None = None,
    only: str | None = None,
) -> None:
    """Write the counts of a task to a file, from which the plan is that from the pool.

    Args:
        spec: The spec.
        pool: Where its samples are.
        path: The file.
        form: Its format.
        task: The task; may be left out where there is one.
        only: Only configurations whose name matches this pattern.
    """
    write_outcomes(outcomes_of(spec, pool, task=task, only=only), path, form)


def export_samples(
    spec: Spec, pool: Pool | None, path: Path, *, task: str | None = None, only: str | None = None
) -> None:
    """Write one line of JSON for each sample that the pool has of a spec.

    Raises:
        UsageError: a task is an outcomes file, which has no samples.
    """
    chosen = Filter(task, only)
    maker = CellMaker(spec, open_backends(spec))
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for one in chosen.tasks(spec):
            if pool is None or one.outcomes is not None:
                raise UsageError(
                    f"task '{one.name}' is an outcomes file, which has counts and no samples;"
                    " choose another --format"
                )
            for row in sample_rows(pool, one, chosen.configurations(spec, one), maker):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def export_recording(
    spec: Spec, pool: Pool | None, path: Path, *, task: str | None = None, only: str | None = None
) -> Recorded:
    """Write a pool of what a spec has asked for, for runs without keys or models; return what is in it.

    Raises:
        UsageError: all tasks are outcomes files.
    """
    if pool is None:
        raise UsageError("outcomes files have counts and no samples; choose another --format")
    chosen = Filter(task, only)
    maker = CellMaker(spec, open_backends(spec))

    def cells() -> Iterator[tuple[Cell, Split]]:
        sides: tuple[Split, ...] = ("train", "held_out")
        for one in chosen.tasks(spec):
            configurations = chosen.configurations(spec, one) if one.outcomes is None else []
            for side in sides:
                problems = one.train if side == "train" else one.held_out
                for cell in maker.cells(one, problems, configurations):
                    yield cell, side

    return write_recording(pool, cells(), path)
