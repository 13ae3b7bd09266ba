"""Reads the ``allocation:`` block of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from osca_cli.model import Json
from osca_cli.registry import did_you_mean
from osca_cli.spec.faults import Faults
from osca_cli.spec.types import AllocationBlock, Configuration, PlannedTask, Task
from osca_cli.spec.yaml12 import KeyPath


def read_allocation(
    block: Mapping[str, Json],
    tasks: Mapping[str, Task | None],
    configurations: Mapping[str, Configuration] | None,
    faults: Faults,
) -> AllocationBlock:
    """Read the block and compare its names with the spec's.

    Args:
        block: What stands under ``allocation:``.
        tasks: All tasks by name; ``None`` for one that has faults.
        configurations: All configurations by name; ``None`` where they have faults, and names mean nothing.
        faults: Where faults go.
    """
    plans: list[PlannedTask] = []
    for index, raw in enumerate(cast("Sequence[Mapping[str, Any]]", block["plans"])):
        path: KeyPath = ("allocation", "plans", index)
        if path in faults.broken:
            continue
        plan = _read_plan(raw, path, faults)
        _check_names(plan, path, tasks, configurations, faults)
        _check_where(plan, plans, path, tasks, faults)
        plans.append(plan)
    if len(plans) == len(cast("Sequence[Json]", block["plans"])):
        _check_last(plans, faults)
    return AllocationBlock(tuple(plans), block, faults.document.key(("allocation",)))


def interleave(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the schedule that spreads each configuration's samples evenly; ties go in the given order.

    >>> interleave({"a": 3, "b": 1})
    ('a', 'a', 'b', 'a')
    """
    moments = [
        ((draw + 0.5) / count, order, name)
        for order, (name, count) in enumerate(counts.items())
        for draw in range(count)
    ]
    return tuple(name for _, _, name in sorted(moments))


def _read_plan(raw: Mapping[str, Any], path: KeyPath, faults: Faults) -> PlannedTask:
    counts = {name: int(count) for name, count in raw["counts"].items() if count}
    if not counts:
        faults.add((*path, "counts"), "draws nothing; give some configuration at least one sample")
    schedule = interleave(counts)
    if "schedule" in raw:
        schedule = _unfolded(raw["schedule"])
        _check_sums(counts, Counter(schedule), path, faults)
    rounds = tuple(int(size) for size in raw.get("rounds", ()))
    beyond = _unfolded(raw.get("beyond", ()))
    if rounds and not len(schedule) <= sum(rounds) <= len(schedule) + len(beyond):
        faults.add(
            (*path, "rounds"),
            f"rounds draw {sum(rounds)} samples, but the schedule has {len(schedule)}; correct one, or remove"
            " rounds",
        )
    return PlannedTask(
        task=raw["task"],
        counts=counts,
        schedule=schedule,
        block=raw,
        place=faults.document.key(path),
        where=raw.get("where", {}),
        beyond=beyond,
        rounds=rounds,
        gives_up_after=raw["give_up"]["after"] if "give_up" in raw else None,
    )


def _unfolded(runs: Sequence[Mapping[str, int]]) -> tuple[str, ...]:
    """Return the configurations of runs, one for each sample."""
    return tuple(name for item in runs for name, length in item.items() for _ in range(int(length)))


def _check_where(
    plan: PlannedTask,
    earlier: Sequence[PlannedTask],
    path: KeyPath,
    tasks: Mapping[str, Task | None],
    faults: Faults,
) -> None:
    """Refuse a plan that no problem reaches, and a field that problems are not told apart by."""
    before = [other.where for other in earlier if other.task == plan.task]
    if plan.where in before:
        which = " with this where" if plan.where else ""
        message = f"there is a plan for task '{plan.task}'{which} already; remove one of the two"
        faults.add((*path, "task"), message)
    elif {} in before:
        message = f"the plan for all problems of task '{plan.task}' stands before it; move that to the end"
        faults.add_at_key((*path, "where"), message)
    task = tasks.get(plan.task)
    if task is None or task.outcomes is not None:
        return
    for name in plan.where:
        if name not in task.fields.tags:
            hint = did_you_mean(name, task.fields.tags) or "; add it to tags: in its problems"
            message = f"'{name}' is no tag of task '{task.name}'{hint}"
            faults.add_at_key((*path, "where", name), message)


def _check_last(plans: Sequence[PlannedTask], faults: Faults) -> None:
    """Refuse plans that leave problems without one."""
    for index, plan in enumerate(plans):
        if plan.where and not any(other.task == plan.task and not other.where for other in plans):
            path: KeyPath = ("allocation", "plans", index, "where")
            message = f"other problems of task '{plan.task}' have no plan; add one without where after it"
            faults.add_at_key(path, message)
            return


def _check_sums(counts: Mapping[str, int], drawn: Counter[str], path: KeyPath, faults: Faults) -> None:
    for name in {**counts, **drawn}:
        if counts.get(name, 0) != drawn[name]:
            faults.add_at_key(
                (*path, "schedule"),
                f"draws '{name}' {drawn[name]} times, but counts say {counts.get(name, 0)} (in all "
                f"{drawn.total()} and {sum(counts.values())} samples); correct one, or remove the schedule",
            )


def _check_names(
    plan: PlannedTask,
    path: KeyPath,
    tasks: Mapping[str, Task | None],
    configurations: Mapping[str, Configuration] | None,
    faults: Faults,
) -> None:
    if plan.task not in tasks:
        hint = did_you_mean(plan.task, tasks) or f"; there are: {', '.join(tasks)}"
        faults.add((*path, "task"), f"no task is named '{plan.task}'{hint}")
        return
    task = tasks[plan.task]
    # An outcomes file brings its own configurations: they are compared when it is read.
    if task is None or task.outcomes is not None or configurations is None:
        return
    for name, count in {**dict.fromkeys(plan.beyond, 0), **plan.counts}.items():
        at = (*path, "counts" if name in plan.counts else "beyond", name)
        configuration = configurations.get(name)
        if configuration is None or plan.task not in configuration.tasks:
            known = [one.name for one in configurations.values() if plan.task in one.tasks]
            hint = did_you_mean(name, known) or "; plan again, or name one that `osca validate` lists"
            faults.add_at_key(at, f"the spec has no configuration '{name}' for task '{plan.task}'{hint}")
        elif configuration.max_samples is not None and count > configuration.max_samples:
            message = (
                f"{count} samples, but max_samples of '{name}' is {configuration.max_samples}; lower one"
            )
            faults.add(at, message)
