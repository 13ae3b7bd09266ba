"""Everything that a report says of a task, found in its outcomes and in the pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from osca_cli.backends import open_backends
from osca_cli.check.judge import Verdicts
from osca_cli.check.need import budget_of, estimator_of
from osca_cli.check.prove import Lacking, prove
from osca_cli.errors import MissingSamplesError, OscaError
from osca_cli.identity import digest
from osca_cli.model import Json
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.choice import Estimator
from osca_cli.plan.frontier import Point, budgets_around, frontier, in_usd
from osca_cli.plan.losses import losses
from osca_cli.report.reader import Reading, read_samples
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.types import AllocationBlock, Budget, PlannedTask, Spec, Task
from osca_cli.store.browse import Answered, Browser, Executed, Place, RunRow, Totals, Trouble, executed
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class FromPool:
    """What the rows of a pool say of a task besides its outcomes."""

    verdict_errors: Sequence[Trouble]
    draw_errors: Sequence[Trouble]
    totals: Mapping[str, Totals]
    answered: Sequence[Answered]
    runs: Sequence[RunRow]
    executed: Sequence[Executed]
    reading: Reading


@dataclass(frozen=True, slots=True)
class Frontier:
    """What budgets around one buy."""

    budget: Budget
    points: Sequence[Point]


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All that is known of one task.

    Attributes:
        task: Its name.
        outcomes: What was sampled.
        notes: On them.
        allocation: The whole block of the plan.
        plans: Those of this task.
        budget: That charts are made for: per problem.
        estimator: How pass rates were estimated.
        named: Configurations that are drawn today.
        in_samples: The frontier over budgets in samples, with the budget that the plan spends.
        in_usd: The same in USD; None where a price is unknown.
        models: Rows of each model's configurations.
        lost: Coverage that is lost without each model, at the same budget.
        held_out: The plan judged on held-out problems, where these have the samples.
        pool: What the pool's rows say; None for an outcomes file.
    """

    task: str
    outcomes: Outcomes
    notes: Sequence[str]
    allocation: Mapping[str, Json]
    plans: Sequence[PlannedTask]
    budget: Budget
    estimator: Estimator
    named: Sequence[str]
    in_samples: Frontier
    in_usd: Frontier | None
    models: Mapping[str, Sequence[int]]
    lost: Mapping[str, float]
    held_out: Verdicts | None
    pool: FromPool | None

    @property
    def counts(self) -> Counter[str]:
        """Samples of each configuration, over the task's plans."""
        total: Counter[str] = Counter()
        for plan in self.plans:
            total.update(plan.counts)
        return total


def find(
    spec: Spec,
    task: Task,
    outcomes: Outcomes,
    notes: Sequence[str],
    allocation: AllocationBlock,
    pool: Pool | None,
) -> Findings:
    """Find all that a report says of a task.

    Args:
        spec: The spec, or plan file.
        task: One of its tasks.
        outcomes: The task's.
        notes: On them.
        allocation: Its plans.
        pool: Where its samples are; None for an outcomes file.
    """
    plans = allocation.plans_of(task.name)
    common = plans[-1]
    budget = replace(budget_of(common, allocation), share="none")
    estimator = estimator_of(allocation)
    named = [one for one in spec.check.baselines if one in outcomes.configurations]
    samples = budget
    if budget.kind != "samples":
        samples = Budget("samples", float(max(1, sum(common.counts.values()))))
    dollars = in_usd(outcomes, budget, common.counts)
    models = _models(spec, outcomes)
    groups = {name: [outcomes.configurations[row] for row in rows] for name, rows in models.items()}
    return Findings(
        task=task.name,
        outcomes=outcomes,
        notes=notes,
        allocation=allocation.block,
        plans=plans,
        budget=budget,
        estimator=estimator,
        named=named,
        in_samples=_around(outcomes, samples, estimator, named),
        in_usd=None if dollars is None else _around(outcomes, dollars, estimator, named),
        models=models,
        lost=losses(outcomes, budget, groups, estimator=estimator) if len(groups) > 1 else {},
        held_out=_held_out(spec, task, allocation, pool, outcomes),
        pool=None
        if pool is None or task.outcomes is not None
        else _from_pool(spec, task, plans, outcomes, pool),
    )


def _around(outcomes: Outcomes, budget: Budget, estimator: Estimator, named: Sequence[str]) -> Frontier:
    points = frontier(outcomes, budgets_around(budget, outcomes), estimator=estimator, named=named)
    return Frontier(budget, points)


def _models(spec: Spec, outcomes: Outcomes) -> dict[str, list[int]]:
    """Return the rows of each model; of an outcomes file every configuration is its own."""
    by_name = {one.name: f"{one.backend}/{one.model}" for one in spec.configurations}
    models: dict[str, list[int]] = {}
    for row, name in enumerate(outcomes.configurations):
        models.setdefault(by_name.get(name, name), []).append(row)
    return models


def _held_out(
    spec: Spec, task: Task, allocation: AllocationBlock, pool: Pool | None, outcomes: Outcomes
) -> Verdicts | None:
    """Judge the plan as ``osca check`` does, without assertions; None where that cannot be done."""

    def refuse(_task: Task, _plan: PlannedTask, lacking: Lacking) -> None:
        if lacking:
            raise MissingSamplesError("held-out samples are missing")

    bare = replace(spec, check=replace(spec.check, assertions=()))
    try:
        known = {task.name: outcomes}
        return prove(bare, allocation, pool, task=task.name, known=known, refuse_missing=refuse).tasks[0]
    except OscaError:
        return None


def _from_pool(
    spec: Spec, task: Task, plans: Sequence[PlannedTask], outcomes: Outcomes, pool: Pool
) -> FromPool:
    maker = CellMaker(spec, open_backends(spec))
    configurations = spec.configurations_of(task.name)
    problems = (*task.train, *task.held_out)
    names = [one.name for _ in problems for one in configurations]
    places = [
        Place(name, *ids) for name, ids in zip(names, maker.ids(task, problems, configurations), strict=True)
    ]
    browser = Browser(pool, places)
    return FromPool(
        verdict_errors=browser.verdict_errors(),
        draw_errors=browser.draw_errors(),
        totals=browser.totals(),
        answered=browser.models(),
        runs=browser.runs(),
        executed=executed(pool, task.name, digest(spec.text)),
        reading=read_samples(task, configurations, plans, outcomes, maker, pool),
    )
