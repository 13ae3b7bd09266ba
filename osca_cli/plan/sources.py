"""Where outcomes come from: the pool of a spec's task, or the file that stands for it."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from osca_cli.backends import open_backends
from osca_cli.errors import UsageError
from osca_cli.identity import digest
from osca_cli.imports.outcomes import outcomes_of
from osca_cli.model import Json
from osca_cli.outcomes.types import Outcomes
from osca_cli.spec.cells import CellMaker, definition_of
from osca_cli.spec.split import fraction
from osca_cli.spec.types import Place, ProblemFields, Spec, Task
from osca_cli.store.counts import pool_outcomes
from osca_cli.store.pool import Pool


def task_outcomes(
    spec: Spec, task: Task, pool: Pool | None, *, executed: bool = False
) -> tuple[Outcomes, tuple[str, ...]]:
    """Return the outcomes of a task, and notes on them.

    Args:
        spec: The spec.
        task: One of its tasks.
        pool: Where its samples are.
        executed: Whether samples of executed plans are learned from, too.

    Raises:
        MissingSamplesError: the pool has no sample of the task.
        OutcomesError: the task's outcomes file is faulty.
        UsageError: there is no pool, or an outcomes file is asked for executed samples.
    """
    if task.outcomes is not None and executed:
        raise UsageError(
            f"--update: the outcomes file of task '{task.name}' does not say which samples were drawn by"
            " executing a plan; a pool does"
        )
    if task.outcomes is not None:
        outcomes, notes = outcomes_of(task.outcomes)
        return (split_anew(outcomes, task) if task.share else outcomes), notes
    if pool is None:
        raise UsageError(f"task '{task.name}' needs a pool")
    return pool_outcomes(pool, spec, task, CellMaker(spec, open_backends(spec)), executed=executed)


def split_anew(outcomes: Outcomes, task: Task) -> Outcomes:
    """Return outcomes with the split that a task says, whatever their own: by hash, as problems are split.

    Raises:
        UsageError: a problem lacks the tag that they are held out by, or a side is empty.
    """
    values = [outcomes.tags.get(id_, {}).get(task.group) if task.group else id_ for id_ in outcomes.problems]
    if None in values:
        raise UsageError(
            f"task '{task.name}' is held out by {task.group}, but problem"
            f" '{outcomes.problems[values.index(None)]}' of {task.outcomes} has no such tag"
        )
    held_out = np.array([fraction(task.name, value) < task.share for value in values])
    if held_out.all() or not held_out.any():
        side = "training" if held_out.all() else "held-out"
        raise UsageError(
            f"task '{task.name}': held_out leaves no {side} problem of {len(values)}; change the share"
        )
    return outcomes.with_split(~held_out, held_out)


def spec_of_outcomes(path: Path) -> Spec:
    """Return the spec around an outcomes file: one task, which can be planned and checked and not run."""
    name = re.sub(r"[^\w.-]+", "-", path.stem)
    text = f"version: 1\ntasks:\n  - {{name: {json.dumps(name)}, outcomes: {json.dumps(str(path))}}}\n"
    task = Task(
        name=name,
        train=(),
        held_out=(),
        group=None,
        fields=ProblemFields(),
        prompts={},
        verifier=None,
        outcomes=path,
        place=Place(3, 5),
    )
    return Spec(
        path=Path("plan.yaml"),
        text=text,
        data={"version": 1, "tasks": [{"name": name, "outcomes": str(path)}]},
        name=name,
        tasks=(task,),
        configurations=(),
        backends={},
        pilot_samples=0,
        budget=None,
        seed=0,
    )


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


def definitions(spec: Spec, task: Task, names: Iterable[str]) -> dict[str, str]:
    """Return a short hash of how each configuration is defined, its prompt included."""
    known = {configuration.name: configuration for configuration in spec.configurations}
    used = {name: known[name] for name in names if name in known}
    return {
        name: digest({**definition_of(one), "template": repr(task.template(one.prompt))})[:8]
        for name, one in used.items()
    }


def verifier_hash(task: Task) -> str | None:
    """Return a short hash of how a task is verified."""
    if task.verifier is None:
        return None
    identity: dict[str, Json] = {"type": task.verifier.type, "settings": task.verifier.settings}
    if task.select is not None:
        identity["select"] = {"type": task.select.verifier.type, "settings": task.select.verifier.settings}
    return digest(identity)[:8]
