"""Samples that other tools have drawn."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from pathlib import Path

from osca_cli.errors import UsageError
from osca_cli.imports.read import Format, read_log
from osca_cli.imports.rows import name_of
from osca_cli.run.importing import Imported, import_rows, verify_imported
from osca_cli.run.missing import Filter
from osca_cli.spec.types import Spec, Task
from osca_cli.store.pool import Pool


def import_samples(
    spec: Spec,
    pool: Pool,
    files: Iterable[Path],
    *,
    task: str | None = None,
    configuration: str | None = None,
    only: str | None = None,
    form: Format | None = None,
    scorer: str | None = None,
    verify: bool = False,
) -> Imported:
    """Take the samples of other tools' logs into the pool, with their verdicts: what ``osca import`` does.

    Importing a file twice adds nothing.

    Args:
        spec: The spec whose problems and configurations they are of.
        pool: Where they go.
        files: Logs of Inspect AI, lm-evaluation-harness, promptfoo, EvalPlus or BigCodeBench, or JSON lines.
        task: The task that the problems are of; may be left out where there is one.
        configuration: Whose samples they are; ``None`` finds it by model and parameters.
        only: Only what the tool's own name of its configuration matches.
        form: The format; ``None`` is as the files look.
        scorer: Whose scores count, where a log has several.
        verify: Whether the task's own verifier judges the texts again.

    Raises:
        LogError: a file cannot be read.
        UsageError: the task or the configuration cannot be told.
    """
    target = task_of(spec, task)
    every = (row for path in files for row in read_log(path, form, scorer))
    rows = [row for row in every if only is None or fnmatch.fnmatchcase(name_of(row), only)]
    done, cells = import_rows(spec, pool, target, rows, configuration=configuration)
    if verify:
        done.verified = verify_imported(spec, pool, cells)
    return done


def task_of(spec: Spec, name: str | None) -> Task:
    """Return the task that samples are taken in for.

    Raises:
        UsageError: there are several and none is named, or it is an outcomes file.
    """
    tasks = Filter(name).tasks(spec)
    if len(tasks) > 1:
        raise UsageError(f"say which task they are of with --task ({', '.join(one.name for one in tasks)})")
    if tasks[0].outcomes is not None:
        raise UsageError(f"task '{tasks[0].name}' is an outcomes file, which nothing can be added to")
    return tasks[0]
