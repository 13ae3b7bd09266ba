"""Strata: parts of a task by the value of a field, and the plan that each problem takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osca_cli.model import Json, Problem
from osca_cli.registry import did_you_mean
from osca_cli.spec.faults import Faults
from osca_cli.spec.problems import Row
from osca_cli.spec.types import PlannedTask, Task
from osca_cli.spec.yaml12 import KeyPath

OTHERS = "*"
"""Stands in ``volume`` for all values that it does not name."""


def value_text(value: Json) -> str | None:
    """Return how a value of a field is compared and shown; ``None`` where there is no value.

    A number in JSON and its text in CSV are the same value.

    >>> value_text("de"), value_text(1), value_text(True), value_text(None)
    ('de', '1', 'true', None)
    """
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def applies(where: Mapping[str, Json], tags: Mapping[str, Json]) -> bool:
    """Tell whether a problem with these tags is one that a plan with this ``where`` is for."""
    for name, wanted in where.items():
        value = value_text(tags.get(name))
        if value is None or value not in map(value_text, wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def plan_for(plans: Iterable[PlannedTask], tags: Mapping[str, Json]) -> PlannedTask:
    """Return the plan that a problem takes: the first of its task's that applies; the last always does."""
    return next(plan for plan in plans if applies(plan.where, tags))


def strata_fields(task: Task, plans: Iterable[PlannedTask]) -> list[str]:
    """Return the fields that a task's problems are told apart by: its strata's, and those of its plans."""
    named = [name for plan in plans for name in plan.where]
    return list(dict.fromkeys([*([task.strata] if task.strata else []), *named]))


def unseen(problems: Iterable[Problem], train: Iterable[Problem], fields: Iterable[str]) -> list[Problem]:
    """Return the problems with a value that no training problem has, or without one."""
    found: dict[str, Problem] = {}
    for name in fields:
        known = {value_text(problem.tags.get(name)) for problem in train} - {None}
        found |= {p.id: p for p in problems if value_text(p.tags.get(name)) not in known}
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Number:
    """How many problems of a task have a value; ``None`` stands for those without one."""

    value: str | None
    train: int
    held_out: int


def numbers(task: Task) -> list[Number]:
    """Count a task's problems by the values of its strata's field, in the order of the problems."""
    if task.strata is None:
        return []
    train, held_out = (
        Counter(value_text(problem.tags.get(task.strata)) for problem in side)
        for side in (task.train, task.held_out)
    )
    return [Number(value, train[value], held_out[value]) for value in train | held_out]


def check_strata(
    values: Mapping[str, Any], rows: Sequence[Row], group: str | None, path: KeyPath, faults: Faults
) -> None:
    """Check what a task says of its strata against its problems.

    Args:
        values: The task's entry; its field is known to be in some problem.
        rows: Its problems.
        group: The field that problems are held out by.
        path: Where the task is written.
        faults: Where faults go.
    """
    field, at = values["strata"], (*path, "strata")
    if field == group:
        faults.add(
            at,
            f"every value of '{field}' is held out as a whole (held_out: by), so no plan of its own could be"
            " proved; hold out by another field, or problem by problem",
        )
    nested = next((row for row in rows if isinstance(row.fields.get(field), list | dict)), None)
    if nested is not None:
        place = f"{nested.file}:{nested.place.line}"
        faults.add(at, f"'{field}' of the problem at {place} is no text or number; name another field")
    elif isinstance(values.get("volume"), Mapping):
        known = {value_text(row.fields.get(field)): None for row in rows}
        _check_volumes(values["volume"], [value for value in known if value is not None], path, faults)


def _check_volumes(volumes: Mapping[str, float], known: Sequence[str], path: KeyPath, faults: Faults) -> None:
    """Refuse volumes of values that no problem has, and values without one."""
    for name in volumes:
        if name != OTHERS and name not in known:
            hint = did_you_mean(name, known) or f"; '{OTHERS}' stands for values not seen yet"
            faults.add_at_key((*path, "volume", name), f"no problem has the value '{name}'{hint}")
    if OTHERS not in volumes and (without := [name for name in known if name not in volumes]):
        faults.add_at_key((*path, "volume"), f"has no '{without[0]}'; add it, or '{OTHERS}' for all others")
