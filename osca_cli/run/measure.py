"""What ``osca check`` lacks, as work for a run."""

from __future__ import annotations

from osca_cli.check.need import comparison, refuse_leakage
from osca_cli.plan.sources import task_outcomes
from osca_cli.run.missing import Ask, Filter
from osca_cli.spec.types import AllocationBlock, Spec
from osca_cli.store.pool import Pool


def measure_asks(spec: Spec, allocation: AllocationBlock, pool: Pool, chosen: Filter) -> list[Ask]:
    """Return the samples of held-out problems that a check of these plans needs, without stopping.

    Raises:
        UsageError: a plan cannot be proved on its held-out problems.
        MissingSamplesError: the pool has no pilot to choose the baselines on.
    """
    names = {task.name for task in chosen.tasks(spec)}
    asks = []
    for plan in allocation.plans:
        task = spec.task(plan.task)
        if task.name not in names or task.outcomes is not None:
            continue
        outcomes, _ = task_outcomes(spec, task, pool)
        refuse_leakage(plan, outcomes)
        samples = comparison(plan, allocation, outcomes).samples()
        configurations = [one for one in spec.configurations_of(task.name) if one.name in samples]
        asks.append(Ask(task, "held_out", chosen.problems(task.held_out), configurations, samples))
    return asks
