"""What a check needs: the allocations that it compares, and the samples that these take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np

from osca_cli.errors import UsageError
from osca_cli.estimate.spread import Spread, student
from osca_cli.outcomes.types import Mask, Outcomes
from osca_cli.plan.baselines import baselines
from osca_cli.plan.choice import ESTIMATORS, Estimator
from osca_cli.plan.sources import task_outcomes
from osca_cli.spec.checks import GAIN
from osca_cli.spec.split import group_of
from osca_cli.spec.strata import plan_for
from osca_cli.spec.types import AllocationBlock, Assertion, Budget, BudgetKind, PlannedTask, Spec, Task
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plan's counts and the baselines' at the same budget."""

    plan: PlannedTask
    budget: Budget
    counts: Mapping[str, int]
    baselines: Mapping[str, Mapping[str, float]]

    def samples(self) -> dict[str, int]:
        """Return how many samples of each configuration every held-out problem needs."""
        needed: dict[str, int] = {}
        for counts in (self.counts, *self.baselines.values()):
            for name, count in counts.items():
                needed[name] = max(needed.get(name, 0), math.ceil(count))
        return needed


def comparison(plan: PlannedTask, spec: Spec, block: AllocationBlock, outcomes: Outcomes) -> Comparison:
    """Return what a plan is compared with: baselines of its budget, chosen on the training problems.

    Raises:
        UsageError: the plan, or the check, names a configuration that the outcomes lack, or the budget
            cannot be spent.
    """
    if unknown := sorted(set(plan.counts) - set(outcomes.configurations)):
        raise UsageError(
            f"the plan of task '{plan.task}' draws '{unknown[0]}', which is not among its outcomes"
        )
    budget = budget_of(plan, block)
    names = compared_with(spec, plan.task, outcomes)
    chosen = baselines(outcomes, budget, estimator_of(block), names)
    return Comparison(plan, budget, plan.counts, chosen)


def compared_with(spec: Spec, task: str, outcomes: Outcomes) -> list[str]:
    """Return the baselines of a task: those of ``check:``, and what its assertions name besides.

    A configuration of the spec that is not for this task is left out.
    """
    asserted = [one.metric.removeprefix(GAIN) for one in asserted_of(spec, task) if GAIN in one.metric]
    others = {one.name for one in spec.configurations} - set(outcomes.configurations)
    return [name for name in dict.fromkeys([*spec.check.baselines, *asserted]) if name not in others]


def asserted_of(spec: Spec, task: str) -> list[Assertion]:
    """Return what is asserted of a task, and of the total that it is a part of.

    A gain over a configuration that is not for the task is asserted of others.
    """
    elsewhere = {one.name for one in spec.configurations if task not in one.tasks}
    return [
        one
        for one in spec.check.assertions
        if one.task == task or (one.task is None and one.metric.removeprefix(GAIN) not in elsewhere)
    ]


def budget_of(plan: PlannedTask, block: AllocationBlock) -> Budget:
    """Return a plan's budget: its own, else the allocation's, else the samples that it draws.

    A budget that tasks share is no plan's: each has a level of its own.
    """
    written = plan.block.get("budget", block.block.get("budget"))
    if isinstance(written, Mapping) and ("share" not in written or len(block.plans) == 1):
        for kind, amount in written.items():
            if isinstance(amount, int | float) and kind in get_args(BudgetKind):
                return Budget(cast("BudgetKind", kind), float(amount))
    return Budget("samples", float(sum(plan.counts.values())))


def estimator_of(block: AllocationBlock) -> Estimator:
    """Return the estimator that chose the allocation; the default for one written by hand."""
    made_from = block.block.get("made_from")
    written = made_from.get("estimator") if isinstance(made_from, Mapping) else None
    return next((known for known in ESTIMATORS if known == written), ESTIMATORS[0])


def promised(plan: PlannedTask) -> Spread | None:
    """Return the pass rate that a plan expects, with its error; ``None`` where it does not say."""
    expected = plan.block.get("expected")
    if not isinstance(expected, Mapping) or "pass_rate" not in expected or "interval" not in expected:
        return None
    low, high = cast("Sequence[float]", expected["interval"])
    error = (high - low) / 2 / student(0.95, math.inf)
    rate = expected.get("selected", expected["pass_rate"])
    return Spread(float(cast("float", rate)), error**2, math.inf)


def taken(plans: Sequence[PlannedTask], outcomes: Outcomes) -> list[tuple[PlannedTask, Mask]]:
    """Return the plans of a task, each with the held-out problems that take it, shape ``(P,)``.

    A plan that none takes is left out.

    Raises:
        UsageError: plans are for values of a field that no held-out problem has.
    """
    held_out = [id_ for id_, held in zip(outcomes.problems, outcomes.held_out, strict=True) if held]
    for name in dict.fromkeys(name for plan in plans for name in plan.where):
        if all(outcomes.tags.get(id_, {}).get(name) is None for id_ in held_out):
            raise UsageError(
                f"task '{plans[0].task}' has plans by {name}, but no held-out problem has that tag; give the"
                " outcomes tags, or plan without strata"
            )
    by = {id_: plan_for(plans, outcomes.tags.get(id_, {})) for id_ in held_out}
    masks = [(plan, np.array([by.get(id_) is plan for id_ in outcomes.problems])) for plan in plans]
    return [(plan, mask & outcomes.held_out) for plan, mask in masks if mask.any()]


def provable(
    spec: Spec, task: Task, pool: Pool | None, plans: Sequence[PlannedTask]
) -> tuple[Outcomes, tuple[str, ...]]:
    """Return the outcomes that prove the plans of a task, and notes on them.

    Of plans that learned from executed ones, what they learned from trains, and the other held-out problems
    are held out still: also those that they were executed on themselves, but none of a group with one that
    was learned from.
    """
    if not updated(plans):
        return task_outcomes(spec, task, pool)
    outcomes, notes = task_outcomes(spec, task, pool, executed=True)
    learned = np.isin(outcomes.problems, list(learned_from(plans)))
    groups = {repr(group_of(one, task.group)) for one in task.held_out if one.id in learned_from(plans)}
    others = [one.id for one in task.held_out if repr(group_of(one, task.group)) not in groups]
    held_out = np.isin(outcomes.problems, others)
    return outcomes.with_split(learned, held_out & ~learned), notes


def updated(plans: Sequence[PlannedTask]) -> bool:
    """Tell whether the plans of a task learned from executed plans."""
    return any(plan.block.get("updated") for plan in plans)


def learned_from(plans: Sequence[PlannedTask]) -> set[str]:
    """Return the ids of the problems that chose the plans of a task; none where they do not say."""
    lists = [plan.block.get("learned_from") for plan in plans]
    return {str(problem) for one in lists if isinstance(one, list) for problem in one}
