"""Reads ``check:``: what a plan is compared with, and what is asserted of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from osca_cli.registry import did_you_mean
from osca_cli.spec.faults import Faults
from osca_cli.spec.types import Assertion, CheckSettings, Configuration, Task
from osca_cli.spec.yaml12 import KeyPath

BASELINES = ("best_pure", "uniform", "paper")
"""What a plan may be compared with besides configurations by their names."""

GAIN = "gain.over_"
EXPECTED = "expected_within_interval"
METRICS = ("pass_rate", "spend.usd", "cost_of_pass", EXPECTED, "regret")
"""What may be asserted besides gains."""

WHOLE = "all"
"""The ``task`` of an assertion about the total of all tasks."""


def read_check(
    check: Mapping[str, Any],
    tasks: Mapping[str, Task | None],
    configurations: Mapping[str, Configuration] | None,
    faults: Faults,
) -> CheckSettings:
    """Read the section and compare its names with the spec's.

    Args:
        check: What stands under ``check:``.
        tasks: All tasks by name; ``None`` for one that has faults.
        configurations: All configurations by name; ``None`` where they have faults, and names mean nothing.
        faults: Where faults go.
    """
    defaults = CheckSettings()
    # What has the wrong type has been told, and means nothing.
    check = {key: value for key, value in check.items() if ("check", key) not in faults.broken}
    # An outcomes file brings its own configurations: names are compared when it is read.
    unknowable = configurations is None or any(task is None or task.outcomes for task in tasks.values())
    known = None if unknowable else (*BASELINES, *(configurations or {}))
    baselines = tuple(check.get("baselines", defaults.baselines))
    for index, name in enumerate(baselines):
        path: KeyPath = ("check", "baselines", index)
        if path not in faults.broken:
            _check_baseline(name, path, known, faults)
    assertions = [
        _assertion(raw, ("check", "assert", index), tasks, known, faults)
        for index, raw in enumerate(check.get("assert", ()))
        if ("check", "assert", index) not in faults.broken
    ]
    _check_cluster(check.get("cluster"), tasks, faults)
    return CheckSettings(
        baselines=baselines,
        assertions=tuple(assertions) if "assert" in check else defaults.assertions,
        inconclusive=check.get("inconclusive", defaults.inconclusive),
        cluster=check.get("cluster"),
    )


def _check_baseline(name: str, path: KeyPath, known: Iterable[str] | None, faults: Faults) -> None:
    if known is not None and name not in known:
        hint = did_you_mean(name, known) or f"; write {', '.join(BASELINES)}, or the name of a configuration"
        faults.add(path, f"nothing to compare with is named '{name}'{hint}")


def _assertion(
    raw: Mapping[str, Any],
    path: KeyPath,
    tasks: Mapping[str, Task | None],
    known: Iterable[str] | None,
    faults: Faults,
) -> Assertion:
    task, metric = raw.get("task"), str(raw["metric"])
    total = task == WHOLE and WHOLE not in tasks
    if task is not None and not total and task not in tasks:
        hint = did_you_mean(task, tasks) or f"; there are: {', '.join(tasks)}, and all for their total"
        faults.add((*path, "task"), f"no task is named '{task}'{hint}")
    if metric.startswith(GAIN):
        _check_baseline(metric.removeprefix(GAIN), (*path, "metric"), known, faults)
    elif metric not in METRICS:
        hint = did_you_mean(metric, METRICS) or f"; there are: {', '.join(METRICS)} and {GAIN}NAME"
        faults.add((*path, "metric"), f"'{metric}' is nothing that can be judged{hint}")
    _check_bounds(raw, metric, path, faults)
    return Assertion(
        metric=metric,
        task=None if total else task,
        at_least=raw.get("at_least"),
        at_most=raw.get("at_most"),
        margin=float(raw.get("margin", 0.0)),
        place=faults.document.key(path),
        confidence=float(raw.get("confidence", 0.95)),
        total=total,
    )


def _check_bounds(raw: Mapping[str, Any], metric: str, path: KeyPath, faults: Faults) -> None:
    bounds = [name for name in ("at_least", "at_most") if name in raw]
    if metric == EXPECTED:
        for name in bounds:
            faults.add_at_key((*path, name), f"{EXPECTED} has its bounds in the plan; write a margin, if any")
    elif len(bounds) != 1:
        faults.add(path, "an assertion has one bound; write at_least or at_most")


def _check_cluster(field: str | None, tasks: Mapping[str, Task | None], faults: Faults) -> None:
    sampled = [task for task in tasks.values() if task is not None and task.outcomes is None]
    if field is None or len(sampled) < len(tasks):
        return
    if all(field not in task.fields.tags for task in sampled):
        known = sorted({tag for task in sampled for tag in task.fields.tags})
        hint = did_you_mean(field, known) or "; add it to tags: in the problems"
        faults.add(("check", "cluster"), f"'{field}' is no tag of any task{hint}")
