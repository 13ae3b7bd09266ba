"""Where outcomes come from: the pool of a spec's task, or the file that stands for it."""

from __future__ import annotations

import fnmatch

from osca_cli.errors import UsageError
from osca_cli.identity import digest
from osca_cli.model import Json
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.run.session import open_backends
from osca_cli.spec.cells import CellMaker, definition
from osca_cli.spec.types import Spec, Task
from osca_cli.store.counts import pool_outcomes
from osca_cli.store.pool import Pool


def task_outcomes(spec: Spec, task: Task, pool: Pool | None) -> tuple[Outcomes, tuple[str, ...]]:
    """Return the outcomes of a task, and notes on them.

    Raises:
        MissingSamplesError: the pool has no sample of the task.
        OutcomesError: the task's outcomes file is faulty.
        UsageError: there is no pool.
    """
    if task.outcomes is not None:
        return read_outcomes(task.outcomes), ()
    if pool is None:
        raise UsageError(f"task '{task.name}' needs a pool")
    return pool_outcomes(pool, spec, task, CellMaker(spec, open_backends(spec)))


def matching(outcomes: Outcomes, pattern: str | None) -> Outcomes:
    """Return the outcomes of the configurations whose name matches a pattern.

    Raises:
        UsageError: none does.
    """
    if pattern is None:
        return outcomes
    names = outcomes.configurations
    rows = [row for row, name in enumerate(names) if fnmatch.fnmatchcase(name, pattern)]
    if not rows:
        raise UsageError(f"--only {pattern}: no configuration matches (there are {', '.join(names)})")
    return outcomes.select(configurations=rows)


def definitions(spec: Spec, task: Task, names: list[str]) -> dict[str, str]:
    """Return a short hash of what each configuration, and the task's verifier, is defined as."""
    if task.verifier is None:
        return {}
    known = {configuration.name: configuration for configuration in spec.configurations}
    verifier: Json = {"type": task.verifier.type, "settings": task.verifier.settings}
    parts = {
        name: {**definition(known[name]), "template": repr(task.prompts.get(known[name].prompt))}
        for name in names
    }
    return {name: digest(part)[:8] for name, part in (*parts.items(), ("verifier", verifier))}
