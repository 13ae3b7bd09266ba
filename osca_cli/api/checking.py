"""Checking: whether a plan still pays on held-out problems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from osca_cli.api.running import allocation_of
from osca_cli.check.prove import Lacking, Proof, prove
from osca_cli.check.report import outcome_of
from osca_cli.console import harmless, news
from osca_cli.errors import MissingSamplesError
from osca_cli.plan.stale import note_changes, refuse_stale
from osca_cli.run.forecast import forecast
from osca_cli.run.measure import measure_asks
from osca_cli.run.missing import Filter
from osca_cli.spec.types import AllocationBlock, PlannedTask, Spec, Task
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        passed: Whether every assertion holds; ``None`` where one is inconclusive and that only warns.
        proof: What held-out problems show, assertion by assertion.
    """

    passed: bool | None
    proof: Proof


def check_plan(
    spec: Spec,
    pool: Pool | None = None,
    *,
    task: str | None = None,
    outcomes: Path | None = None,
    stale: bool = False,
) -> Checked:
    """Judge the plans of a spec on held-out problems: what ``osca check`` does. Nothing is drawn.

    Args:
        spec: A plan: a spec with an allocation.
        pool: Where its samples are; none is needed for outcomes files.
        task: Only this task.
        outcomes: Judge by this outcomes file instead of the pool.
        stale: Whether a plan is judged whose spec has changed under it.

    Raises:
        MissingSamplesError: the pool lacks samples that :func:`measure` draws.
        UsageError: there is no allocation, it is stale, or it cannot be proved, and why.
    """
    allocation = allocation_of(spec)
    if not stale:
        for plan in allocation.plans:
            refuse_stale(spec, plan)
        for note in note_changes(spec, allocation):
            news(note)

    def refuse_missing(one: Task, plan: PlannedTask, lacking: Lacking) -> None:
        if lacking:
            source = pool if one.outcomes is None and outcomes is None else None
            raise _missing(spec, allocation, source, plan, lacking)

    proof = prove(spec, allocation, pool, task=task, file=outcomes, refuse_missing=refuse_missing)
    for note in proof.notes:
        news(harmless(note))
    return Checked(outcome_of(proof.judged, spec.check.inconclusive), proof)


def _missing(
    spec: Spec, allocation: AllocationBlock, pool: Pool | None, plan: PlannedTask, lacking: Lacking
) -> MissingSamplesError:
    number, advice = sum(lacking.values()), "give the outcomes more samples"
    if pool is not None:
        asks = measure_asks(spec, allocation, pool, Filter(task=plan.task))
        number = forecast(spec, pool, asks).undrawn.total()
        advice = f"draw them: osca run {spec.path} --measure"
    (configuration, problem), _ = next(iter(lacking.items()))
    samples, are = ("1 sample", "is") if number == 1 else (f"{number:,} samples", "are")
    return MissingSamplesError(
        f"{samples} of held-out problems of task '{plan.task}' {are} missing, such as of configuration"
        f" '{configuration}' on problem '{problem}'; {advice}"
    )
