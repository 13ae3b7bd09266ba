"""Whether models still do what they did: the same configurations then and now, problem by problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osca_cli.estimate.multiple import holm
from osca_cli.estimate.spread import Interval, difference_of
from osca_cli.outcomes.types import Floats, Ints, Mask
from osca_cli.plan.against import Against

LEVEL = 0.01
"""Chance that any model is said to have moved where none has.

A check that runs every week has to be surer than one that is read once: at 5% it would cry wolf twice a year.
"""


@dataclass(frozen=True, slots=True, eq=False)
class ThenAndNow:
    """Counts of S configurations on P problems of a task, drawn twice.

    Attributes:
        task: Its name.
        configurations: Names.
        models: The model of each configuration.
        n_then: Samples then, shape ``(S, P)``; 0 where there are none to compare.
        c_then: Those that passed.
        n_now: The same of samples drawn since.
        c_now: The same.
        clusters: Number of each problem's cluster, shape ``(P,)``; ``None`` where each is its own.
    """

    task: str
    configurations: Sequence[str]
    models: Sequence[str]
    n_then: Ints
    c_then: Ints
    n_now: Ints
    c_now: Ints
    clusters: Ints | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a model, or of one of its configurations.

    Attributes:
        task: On the problems of which task.
        name: Of the model or the configuration.
        problems: On how many, drawn both times.
        then: Mean pass rate of a sample then.
        now: The same now.
        value: By how much it rose, on the same problems.
        interval: Of that alone, at 95%.
        p_value: That it moved as far by chance, corrected for everything that is compared.
        moved: Whether it did.
    """

    task: str
    name: str
    problems: int
    then: float
    now: float
    value: float
    interval: Interval
    p_value: float
    moved: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca check --against --json``."""
        return {
            "task": self.task,
            "name": self.name,
            "problems": self.problems,
            "then": self.then,
            "now": self.now,
            "change": {"value": self.value, "interval": list(self.interval)},
            "p_value": self.p_value,
            "moved": self.moved,
        }


@dataclass(frozen=True, slots=True)
class Drift:
    """What moved between two pools.

    Attributes:
        models: Each model on each task.
        configurations: Each configuration on each task.
        plans: Whether the plan of each task would change; of those that can be planned.
        notes: What a reader must know, one sentence each.
    """

    models: tuple[Change, ...]
    configurations: tuple[Change, ...]
    plans: tuple[Against, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no model moved."""
        return not any(one.moved for one in self.models)

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca check --against --json``."""
        return {
            "schema_version": 1,
            "passed": self.passed,
            "models": [one.to_json() for one in self.models],
            "configurations": [one.to_json() for one in self.configurations],
            "plans": [one.to_json() | {"new": dict(one.new)} for one in self.plans],
            "notes": list(self.notes),
        }


def drift(tasks: Sequence[ThenAndNow]) -> Drift:
    """Compare pass rates then and now, paired by problem.

    A model's samples are taken together: on each problem the mean over its configurations. The chance that
    any model is said to have moved where none has is 1%, whatever their number (Holm 1979), and the same
    holds of configurations.
    """
    models: list[Change] = []
    configurations: list[Change] = []
    for task in tasks:
        for model in dict.fromkeys(task.models):
            models += _change(task, model, np.array([one == model for one in task.models]))
        for row, name in enumerate(task.configurations):
            configurations += _change(task, name, np.arange(len(task.configurations)) == row)
    return Drift(_corrected(models), _corrected(configurations))


def _change(task: ThenAndNow, name: str, rows: Mask) -> list[Change]:
    """Return the change of some configurations together; none where nothing was drawn both times."""
    both = (task.n_then[rows] > 0) & (task.n_now[rows] > 0)
    on = both.any(axis=0)
    if not on.any():
        return []
    then, now = (
        _mean_rates(n[rows][:, on], c[rows][:, on], both[:, on])
        for n, c in ((task.n_then, task.c_then), (task.n_now, task.c_now))
    )
    spread = difference_of(now, then, None if task.clusters is None else task.clusters[on])
    low, high = spread.interval()
    return [
        Change(
            task=task.task,
            name=name,
            problems=int(on.sum()),
            then=float(then.mean()),
            now=float(now.mean()),
            value=spread.mean,
            interval=(max(-1.0, low), min(1.0, high)),
            p_value=spread.p_value(),
        )
    ]


def _mean_rates(n: Ints, c: Ints, both: Mask) -> Floats:
    rates: Floats = np.where(both, c / np.maximum(n, 1), 0.0).sum(axis=0) / both.sum(axis=0)
    return rates


def _corrected(changes: Sequence[Change]) -> tuple[Change, ...]:
    adjusted = holm([one.p_value for one in changes])
    return tuple(
        replace(one, p_value=p_value, moved=p_value < LEVEL)
        for one, p_value in zip(changes, adjusted, strict=True)
    )
