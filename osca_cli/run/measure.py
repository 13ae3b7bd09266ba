"""What ``osca check`` lacks, as work for a run."""

from __future__ import annotations

from osca_cli.check.leakage import refuse_leakage, refuse_shared_samples
from osca_cli.check.need import comparison, provable
from osca_cli.run.missing import Ask, Filter
from osca_cli.spec.strata import plan_for
from osca_cli.spec.types import AllocationBlock, Spec
from osca_cli.store.pool import Pool


def measure_asks(spec: Spec, allocation: AllocationBlock, pool: Pool, chosen: Filter) -> list[Ask]:
    """Return the samples of held-out problems that a check of these plans needs, without stopping.

    Raises:
        UsageError: a plan cannot be proved on its held-out problems.
        MissingSamplesError: the pool has no pilot to choose the baselines on.
    """
    asks = []
    for task in chosen.tasks(spec):
        plans = allocation.plans_of(task.name)
        if not plans or task.outcomes is not None:
            continue
        outcomes, _ = provable(spec, task, pool, plans)
        refuse_leakage(plans, outcomes)
        refuse_shared_samples(spec, task, plans, outcomes)
        held_out = {id_ for id_, held in zip(outcomes.problems, outcomes.held_out, strict=True) if held}
        problems = [problem for problem in chosen.problems(task.held_out) if problem.id in held_out]
        taken = [plan_for(plans, problem.tags) for problem in problems]
        for plan in plans:
            own = [problem for problem, one in zip(problems, taken, strict=True) if one is plan]
            samples = comparison(plan, spec, allocation, outcomes).samples()
            configurations = [one for one in spec.configurations_of(task.name) if one.name in samples]
            if own or len(plans) == 1:
                asks.append(Ask(task, "held_out", own, configurations, samples))
    return asks
