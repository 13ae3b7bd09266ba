"""What a check needs: the allocations that it compares, and the samples that these take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np

from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Mask, Outcomes
from osca_cli.plan.baselines import baselines
from osca_cli.plan.choice import ESTIMATORS, Estimator
from osca_cli.plan.sources import task_outcomes
from osca_cli.spec.strata import plan_for
from osca_cli.spec.types import AllocationBlock, Budget, BudgetKind, PlannedTask, Spec, Task
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


def comparison(plan: PlannedTask, block: AllocationBlock, outcomes: Outcomes) -> Comparison:
    """Return what a plan is compared with: baselines of its budget, chosen on the training problems.

    Raises:
        UsageError: the plan names a configuration that the outcomes lack, or its budget cannot be spent.
    """
    if unknown := sorted(set(plan.counts) - set(outcomes.configurations)):
        raise UsageError(
            f"the plan of task '{plan.task}' draws '{unknown[0]}', which is not among its outcomes"
        )
    budget = budget_of(plan, block)
    chosen = baselines(outcomes, budget, estimator_of(block))
    return Comparison(plan, budget, plan.counts, chosen)


def budget_of(plan: PlannedTask, block: AllocationBlock) -> Budget:
    """Return a plan's budget: its own, else the allocation's, else the samples that it draws.

    A shared budget is no plan's: each has a level of its own.
    """
    written = plan.block.get("budget", block.block.get("budget"))
    if isinstance(written, Mapping) and "share" not in written:
        for kind, amount in written.items():
            if isinstance(amount, int | float) and kind in get_args(BudgetKind):
                return Budget(cast("BudgetKind", kind), float(amount))
    return Budget("samples", float(sum(plan.counts.values())))


def estimator_of(block: AllocationBlock) -> Estimator:
    """Return the estimator that chose the allocation; the default for one written by hand."""
    made_from = block.block.get("made_from")
    written = made_from.get("estimator") if isinstance(made_from, Mapping) else None
    return next((known for known in ESTIMATORS if known == written), ESTIMATORS[0])


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


def provable(spec: Spec, task: Task, pool: Pool | None, plans: Sequence[PlannedTask]) -> Outcomes:
    """Return the outcomes that prove the plans of a task.

    Of plans that learned from executed ones, what they learned from trains, and the other held-out problems
    are held out still: also those that they were executed on themselves.
    """
    if not updated(plans):
        return task_outcomes(spec, task, pool)[0]
    outcomes, _ = task_outcomes(spec, task, pool, executed=True)
    learned = np.isin(outcomes.problems, list(learned_from(plans)))
    held_out = np.isin(outcomes.problems, [problem.id for problem in task.held_out])
    return outcomes.with_split(learned, held_out & ~learned)


def updated(plans: Sequence[PlannedTask]) -> bool:
    """Tell whether the plans of a task learned from executed plans."""
    return any(plan.block.get("updated") for plan in plans)


def learned_from(plans: Sequence[PlannedTask]) -> set[str]:
    """Return the ids of the problems that chose the plans of a task; none where they do not say."""
    lists = [plan.block.get("learned_from") for plan in plans]
    return {str(problem) for one in lists if isinstance(one, list) for problem in one}


def refuse_leakage(plans: Sequence[PlannedTask], outcomes: Outcomes) -> None:
    """Refuse to prove the plans of a task on problems that chose them.

    Raises:
        UsageError: a problem is on both sides, or held out although the plan learned from it.
    """
    task = plans[0].task
    held_out = {id_ for id_, held in zip(outcomes.problems, outcomes.held_out, strict=True) if held}
    if not held_out and updated(plans):
        raise UsageError(
            f"task '{task}': the plan was made with --update and learned from every held-out problem, so"
            " none is left to prove it; add problems to the task, or plan without --update"
        )
    if not held_out:
        raise UsageError(
            f"task '{task}' has no held-out problems, so nothing can be proved; add `held_out: 0.5` to"
            " it, then run and plan again"
        )
    if both := int(outcomes.overlap.sum()):
        raise UsageError(
            f"task '{task}': {both} of {len(held_out)} held-out problems are training problems too, so"
            " they prove nothing; give the outcomes a split that keeps them apart"
        )
    leaked = sorted(held_out & learned_from(plans))
    if leaked:
        raise UsageError(
            f"task '{task}': the plan learned from {len(leaked)} problems that are held out now, such as"
            f" '{leaked[0]}'; plan again"
        )
