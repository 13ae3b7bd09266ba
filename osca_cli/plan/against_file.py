"""An earlier plan's file beside the plans that are made now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.against import Against, against
from osca_cli.plan.choice import Estimator
from osca_cli.plan.decision import Search
from osca_cli.plan.tasks import Planned
from osca_cli.spec.load import load_document


def old_plans(path: Path) -> dict[str, Mapping[str, Any]]:
    """Return the plan of each task in a plan file; those with ``where`` are left out.

    The spec around the plans may be an old one: it is not read.

    Raises:
        UsageError: the file has no allocation, or none that can be read.
    """
    block = load_document(path).data.get("allocation")
    plans = block.get("plans") if isinstance(block, Mapping) else None
    if not isinstance(plans, list):
        raise UsageError(f"--against {path}: has no allocation; name a plan that osca plan has written")
    found: dict[str, Mapping[str, Any]] = {}
    several: set[str] = set()
    for plan in plans:
        if not (isinstance(plan, Mapping) and isinstance(plan.get("counts"), Mapping) and "task" in plan):
            raise UsageError(f"--against {path}: a plan has no task and counts; name another file")
        task = str(plan["task"])
        several |= {task} if task in found or "where" in plan else set()
        found[task] = cast("Mapping[str, Any]", plan)
    return {task: plan for task, plan in found.items() if task not in several}


def against_plans(
    planned: Planned,
    old: Mapping[str, Mapping[str, Any]],
    sources: Mapping[str, Outcomes],
    estimator: Estimator,
    search: Search,
) -> tuple[list[Against], list[str]]:
    """Compare the plans of tasks with old ones, and say which cannot be.

    Args:
        planned: What was planned now.
        old: The old plans by task.
        sources: What each task was planned from.
        estimator: How.
        search: How.
    """
    found, notes = [], []
    tasks = [one.plan.task for one in planned.made]
    for one in planned.made:
        name = one.plan.task
        if name not in old or tasks.count(name) > 1:
            why = "has plans by strata" if tasks.count(name) > 1 else "has no plan for all its problems there"
            notes.append(f"not compared with the old plan: task '{name}' {why}")
            continue
        plan = old[name]
        counts = {str(key): int(count) for key, count in plan["counts"].items() if count}
        learned = plan.get("learned_from", [])
        found.append(
            against(
                sources[name],
                one.plan.budget,
                counts,
                one.plan.allocation,
                task=name,
                learned_from=frozenset(map(str, learned if isinstance(learned, list) else [])),
                estimator=estimator,
                search=search,
            )
        )
    return found, list(dict.fromkeys(notes))
