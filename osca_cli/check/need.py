"""What a check needs: the allocations that it compares, and the samples that these take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.baselines import baselines
from osca_cli.plan.choice import ESTIMATORS, Estimator
from osca_cli.spec.types import AllocationBlock, Budget, BudgetKind, PlannedTask


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


def refuse_leakage(plan: PlannedTask, outcomes: Outcomes) -> None:
    """Refuse to prove a plan on problems that chose it.

    Raises:
        UsageError: a problem is on both sides, or held out although the plan learned from it.
    """
    held_out = {id_ for id_, held in zip(outcomes.problems, outcomes.held_out, strict=True) if held}
    if not held_out:
        raise UsageError(
            f"task '{plan.task}' has no held-out problems, so nothing can be proved; add `held_out: 0.5` to"
            " it, then run and plan again"
        )
    if both := int(outcomes.overlap.sum()):
        raise UsageError(
            f"task '{plan.task}': {both} of {len(held_out)} held-out problems are training problems too, so"
            " they prove nothing; give the outcomes a split that keeps them apart"
        )
    learned = plan.block.get("learned_from")
    leaked = sorted(held_out & set(map(str, learned))) if isinstance(learned, list) else []
    if leaked:
        raise UsageError(
            f"task '{plan.task}': the plan learned from {len(leaked)} problems that are held out now, such as"
            f" '{leaked[0]}'; plan again"
        )
