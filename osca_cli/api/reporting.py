"""Reports, and the frontier of budgets: what a plan gains, for people and as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from osca_cli.api.planning import Planning, plan_outcomes, spread_as
from osca_cli.check.need import updated
from osca_cli.console import news
from osca_cli.errors import MissingSamplesError, UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.amounts import parse_budget
from osca_cli.plan.block import allocation_of
from osca_cli.plan.frontier import Point, budgets_around, frontier
from osca_cli.plan.sources import task_outcomes
from osca_cli.report.findings import find
from osca_cli.report.page import report_html
from osca_cli.run.missing import Filter
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import AllocationBlock, Budget, Spec
from osca_cli.store.pool import Pool

DEFAULT_BUDGET = Budget("samples", 8.0)


def make_report(
    spec: Spec, pool: Pool | None = None, budget: Budget | str | None = None, *, task: str | None = None
) -> str:
    """Return one self-contained HTML page about a plan: what ``osca report`` writes.

    Args:
        spec: A plan file, whose allocation is shown as it is, or a spec, which is planned first.
        pool: Where its samples are; none is needed where every task is an outcomes file.
        budget: Plan for this one instead; of a spec without a budget the default is 8 samples.
        task: Only this task.

    Raises:
        MissingSamplesError: the pool has no pilot of a task.
        UsageError: a task cannot be planned.
    """
    tasks = Filter(task).tasks(spec)
    allocation = spec.allocation if budget is None else None
    known = {
        one.name: task_outcomes(spec, one, pool, executed=_updated(allocation, one.name)) for one in tasks
    }
    for name, (outcomes, _) in known.items():
        if not outcomes.n[:, outcomes.train].any():
            raise MissingSamplesError(
                f"the pool has no samples of training problems of task '{name}';"
                f" draw them: osca run {spec.path}"
            )
    if allocation is None:
        amount = spread_as(spec, parse_budget(budget)) if isinstance(budget, str) else budget
        allocation = _planned(spec, {name: outcomes for name, (outcomes, _) in known.items()}, amount, task)
    found = [
        find(spec, one, *known[one.name], allocation, pool) for one in tasks if allocation.plans_of(one.name)
    ]
    if not found:
        which = ", ".join(f"'{one.name}'" for one in tasks)
        raise UsageError(f"{spec.path} has no plan of task {which}; plan again: osca plan {spec.path}")
    return report_html(spec, found, title=spec.name)


def _updated(allocation: AllocationBlock | None, task: str) -> bool:
    return allocation is not None and updated(allocation.plans_of(task))


def _planned(
    spec: Spec, sources: Mapping[str, Outcomes], budget: Budget | None, task: str | None
) -> AllocationBlock:
    """Plan now, as `osca plan` does."""
    if budget is None and spec.budget is None and any(spec.task(name).budget is None for name in sources):
        budget = DEFAULT_BUDGET
        news(f"no budget was named: planned for {budget} per problem (--budget names another)")
    return allocation_of(plan_outcomes(spec, sources, budget, Planning(task)), spec_hash(spec))


def plan_frontier(
    spec: Spec, sources: Mapping[str, Outcomes], budgets: Sequence[Budget], how: Planning
) -> dict[str, list[Point]]:
    """Say of each task what plans for several budgets reach on new problems, and their rivals.

    Args:
        spec: The spec.
        sources: What each task is planned from: of :func:`osca_cli.api.planning.learned`.
        budgets: Several of one kind, or one that others are looked at around; none for the spec's own.
        how: How to plan.

    Raises:
        UsageError: a task has no budget, or budgets are of several kinds.
    """
    if len({one.kind for one in budgets}) > 1:
        raise UsageError("--frontier: budgets of one list are of one kind, such as 1,2,4 or 0.01usd,0.1usd")
    found = {}
    for name, outcomes in sources.items():
        around = list(budgets)
        if len(around) < 2:
            own = around[0] if around else spec.task(name).budget or spec.budget
            if own is None:
                raise UsageError(f"task '{name}' has no budget; say --budget 8")
            around = budgets_around(replace(own, share="none"), outcomes)
        named = [one for one in spec.check.baselines if one in outcomes.configurations]
        ascending = sorted(around, key=lambda one: one.amount)
        found[name] = frontier(outcomes, ascending, estimator=how.estimator, named=named)
    return found
