"""The plans of a spec's tasks: each alone, or together where they share a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from osca_cli.allocate.solve import Solver
from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.choice import Estimator
from osca_cli.plan.planner import make_plan
from osca_cli.plan.result import SCHEMA_VERSION, Plan
from osca_cli.plan.shared import TaskShare
from osca_cli.plan.sources import definitions, verifier_hash
from osca_cli.plan.strata_plan import StrataPlan, make_strata_plan
from osca_cli.plan.together import SharedPlan, make_shared_plan
from osca_cli.spec.types import Budget, Spec, Task


@dataclass(frozen=True, slots=True)
class Made:
    """What a task's plan was made from.

    Attributes:
        plan: The plan.
        outcomes: What it was learned from.
        definitions: A short hash of each configuration that it draws: whether it has changed under the plan.
        verifier: The same of the verifier.
        share: Of the expected problems, where it shares a budget or is one of a task's strata.
    """

    plan: Plan
    outcomes: Outcomes
    definitions: Mapping[str, str]
    verifier: str | None
    share: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        share = {} if self.share is None else {"share_of_problems": self.share}
        return self.plan.to_json() | share


@dataclass(frozen=True, slots=True)
class Planned:
    """All plans of a spec.

    Attributes:
        budget: The one that was asked for, or None where every task has its own.
        made: The plan of each task, in the order of the spec; those of strata before the common one.
        together: What is said of those that share the budget, if any do.
        strata: What is said of tasks that have them.
    """

    budget: Budget | None
    made: Sequence[Made]
    together: SharedPlan | None
    strata: Sequence[StrataPlan] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``osca plan --json`` prints."""
        plans = [one.to_json() for one in self.made]
        strata = {"strata": [one.to_json() for one in self.strata]} if self.strata else {}
        if self.together is not None:
            return self.together.to_json() | {"plans": plans} | strata
        one = plans[0] if len(plans) == 1 else {"schema_version": SCHEMA_VERSION, "plans": plans}
        return one | strata


def plan_tasks(
    spec: Spec,
    sources: Mapping[str, Outcomes],
    budgets: Mapping[str, Budget],
    budget: Budget | None,
    *,
    estimator: Estimator = "auto",
    solver: Solver = "auto",
    seed: int = 0,
) -> Planned:
    """Plan tasks of a spec, each for its own budget or all others for one.

    Args:
        spec: The spec.
        sources: What each task is planned from, by name.
        budgets: Of the tasks that have their own.
        budget: Of all others.
        estimator: How pass rates are estimated.
        solver: How allocations are found.
        seed: Of the solvers that start at random.

    Raises:
        UsageError: a task cannot be planned, or has no budget.
    """
    others = [spec.task(name) for name in sources if name not in budgets]
    if others and budget is None:
        raise UsageError(
            f"{spec.path}: task '{others[0].name}' has no budget; add `budget: {{samples: 8}}` to the spec,"
            " or say --budget 8"
        )
    plans: dict[str, list[tuple[Plan, float | None]]] = {}
    together = None
    if budget is not None and budget.share == "tasks" and len(others) > 1:
        tasks, notes = _shares(others, sources)
        together = make_shared_plan(tasks, budget, estimator=estimator, solver=solver, seed=seed, notes=notes)
        plans = {
            plan.task: [(plan, share)] for plan, share in zip(together.plans, together.shares, strict=True)
        }
    strata = []
    for name, outcomes in sources.items():
        own, task = budgets.get(name, budget), spec.task(name)
        if name in plans or own is None:
            continue
        own = replace(own, share="none")
        if task.strata is None:
            plan = make_plan(outcomes, own, task=name, estimator=estimator, solver=solver, seed=seed)
            plans[name] = [(plan, None)]
        else:
            several = make_strata_plan(
                outcomes, own, task.strata, task=name, volumes=task.volumes, estimator=estimator,
                solver=solver, seed=seed,
            )  # fmt: skip
            strata.append(several)
            plans[name] = list(zip(several.plans, several.shares, strict=True))
    if budget is not None and together is None:
        budget = replace(budget, share="none")
    made = [_made(spec, *one, outcomes) for name, outcomes in sources.items() for one in plans[name]]
    return Planned(budget, made, together, strata)


def _made(spec: Spec, plan: Plan, share: float | None, outcomes: Outcomes) -> Made:
    task = spec.task(plan.task)
    return Made(plan, outcomes, definitions(spec, task, plan.allocation), verifier_hash(task), share)


def _shares(tasks: Sequence[Task], sources: Mapping[str, Outcomes]) -> tuple[list[TaskShare], list[str]]:
    """Return the tasks with their shares of the expected problems, and what to note of these."""
    notes = []
    volumes = [task.volume for task in tasks if task.volume is not None]
    if len(volumes) < len(tasks):
        volumes = [float(sources[task.name].train.sum()) for task in tasks]
        numbers = " and ".join(
            f"{volume:g} of {task.name}" for volume, task in zip(volumes, tasks, strict=True)
        )
        notes.append(f"no task has a volume: problems are expected as they train, {numbers}")
    total = sum(volumes)
    if total == 0:
        raise UsageError("no training problem: a plan has nothing to learn from; change the split")
    return [
        TaskShare(task.name, sources[task.name], volume / total, task.weight)
        for task, volume in zip(tasks, volumes, strict=True)
    ], notes
