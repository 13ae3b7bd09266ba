"""Compares two pools of a spec, and says whether its plans would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from osca_cli.backends import open_backends
from osca_cli.check.drift import Drift, ThenAndNow, drift
from osca_cli.check.facts import clusters_of
from osca_cli.check.need import budget_of, estimator_of, learned_from
from osca_cli.errors import MissingSamplesError, UsageError
from osca_cli.outcomes.types import Ints, Outcomes
from osca_cli.plan.against import Against, against
from osca_cli.plan.choice import Estimator
from osca_cli.plan.planner import make_plan
from osca_cli.plan.sources import task_outcomes
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.types import Budget, Spec, Task
from osca_cli.store.earlier import Twice, counted_twice
from osca_cli.store.pool import Pool


def drift_of(spec: Spec, now: Pool, then: Pool, *, task: str | None = None) -> Drift:
    """Compare what configurations did in an earlier pool with what they do now.

    Args:
        spec: The spec, or a plan.
        now: Its pool.
        then: The earlier pool, or a recording.
        task: Only this task.

    Raises:
        MissingSamplesError: nothing was drawn both times.
        UsageError: no task has that name, or none has problems.
    """
    tasks = [one for one in spec.tasks if task in {None, one.name} and one.outcomes is None]
    if not tasks:
        raise UsageError(
            f"--against compares pools, and {spec.path} has no task with problems"
            + (f" that is named '{task}'" if task else "")
        )
    maker = CellMaker(spec, open_backends(spec))
    sides, plans, notes = [], [], []
    for one in tasks:
        outcomes, told = task_outcomes(spec, one, now)
        notes += [f"{one.name}: {note}" for note in told]
        twice = _twice(spec, one, now, then, maker)
        notes += [f"{one.name}: {note}" for note in _notes(twice)]
        sides.append(_side(spec, one, outcomes, twice))
        plans += _plan(spec, one, outcomes, twice)
    found = drift(sides)
    if not found.models:
        raise _nothing(spec, then, sides)
    return replace(found, plans=tuple(plans), notes=tuple(notes))


def _twice(spec: Spec, task: Task, now: Pool, then: Pool, maker: CellMaker) -> Twice:
    configurations = spec.configurations_of(task.name)
    cells = maker.cells(task, (*task.train, *task.held_out), configurations)
    names = [one.name for one in configurations]
    twice = counted_twice(now, then, task.name, cells, names)
    once = np.array([maker.deterministic(one) for one in configurations])[:, None]
    n_then, c_then = _once(twice.n_then, twice.c_then, once)
    n_now, c_now = _once(twice.n_now, twice.c_now, once)
    return replace(twice, n_then=n_then, c_then=c_then, n_now=n_now, c_now=c_now)


def _once(n: Ints, c: Ints, once: np.ndarray) -> tuple[Ints, Ints]:
    """Count one sample of deterministic configurations."""
    return np.where(once, np.minimum(n, 1), n), np.where(once, np.minimum(c, 1), c)


def _notes(twice: Twice) -> list[str]:
    notes = []
    if twice.same:
        notes.append(f"{twice.same} samples are in both pools; only those drawn since count as new")
    if twice.redefined:
        notes.append(f"asked otherwise than then: {', '.join(twice.redefined)}")
    if twice.judged_otherwise:
        notes.append("the verifier is another than then: what moved may be the verifier")
    return notes


def _side(spec: Spec, task: Task, outcomes: Outcomes, twice: Twice) -> ThenAndNow:
    configurations = spec.configurations_of(task.name)
    return ThenAndNow(
        task=task.name,
        configurations=[one.name for one in configurations],
        models=[f"{one.backend}/{one.model}" for one in configurations],
        n_then=twice.n_then,
        c_then=twice.c_then,
        n_now=twice.n_now,
        c_now=twice.c_now,
        clusters=clusters_of(outcomes, spec.check.cluster or task.group),
    )


def _plan(spec: Spec, task: Task, outcomes: Outcomes, twice: Twice) -> list[Against]:
    """Compare the plan with what would be planned now, if there is a budget.

    A configuration that was not drawn since counts as it was then.
    """
    drawn = (twice.n_now > 0).any(axis=1, keepdims=True)
    n_now, c_now = np.where(drawn, twice.n_now, twice.n_then), np.where(drawn, twice.c_now, twice.c_then)
    since = replace(outcomes, n=n_now, c=c_now)
    before = replace(outcomes, n=twice.n_then, c=twice.c_then)
    plans = [] if spec.allocation is None else spec.allocation.plans_of(task.name)
    if not twice.n_now[:, since.train].any() or len(plans) > 1:
        return []
    budget, estimator, old, learned = _earlier_plan(spec, task, before)
    if budget is None or not old:
        return []
    new = make_plan(since, budget, task=task.name, estimator=estimator).allocation
    return [against(since, budget, old, new, task=task.name, learned_from=learned, estimator=estimator)]


def _earlier_plan(
    spec: Spec, task: Task, before: Outcomes
) -> tuple[Budget | None, Estimator, Mapping[str, int], frozenset[str]]:
    """Return the plan that there is, else the one that the earlier pool gives."""
    if spec.allocation is not None and (plans := spec.allocation.plans_of(task.name)):
        [plan] = plans
        budget, estimator = budget_of(plan, spec.allocation), estimator_of(spec.allocation)
        return budget, estimator, plan.counts, frozenset(learned_from(plans))
    written = task.budget or spec.budget
    if written is None or not before.n[:, before.train].any():
        return None, "auto", {}, frozenset()
    budget = replace(written, share="none")
    old = make_plan(before, budget, task=task.name).allocation
    train = (id_ for id_, on in zip(before.problems, before.train, strict=True) if on)
    return budget, "auto", old, frozenset(train)


def _nothing(spec: Spec, then: Pool, sides: Sequence[ThenAndNow]) -> MissingSamplesError:
    if not any(side.n_then.any() for side in sides):
        return MissingSamplesError(
            f"{then.path} has no samples of what {spec.path} samples: tasks, configurations and problems are"
            " told by their names and fields; name the pool of an earlier run of it"
        )
    return MissingSamplesError(
        f"nothing was drawn since {then.path}: draw anew into another pool (osca run {spec.path} --db NEW,"
        " then check with --db NEW), or give the configurations another revision"
    )
