"""Running: pilots, measurements, and plans on problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osca_cli.errors import UsageError
from osca_cli.model import Problem
from osca_cli.plan.stale import refuse_stale
from osca_cli.run import execute as execution
from osca_cli.run import overview as overviews
from osca_cli.run.attempt import Answer
from osca_cli.run.missing import Filter, PilotSplit, pilot_asks
from osca_cli.run.pilot import run_pilot as run_asks
from osca_cli.run.realised import keep_realised, realised
from osca_cli.run.screened import Screened
from osca_cli.run.tally import Tally
from osca_cli.spec.types import AllocationBlock, Spec
from osca_cli.store.pool import Pool


def run_pilot(
    spec: Spec,
    pool: Pool,
    *,
    task: str | None = None,
    only: str | None = None,
    limit: int | None = None,
    split: PilotSplit = "train",
    samples: int | None = None,
    offline: bool = False,
) -> Tally:
    """Draw and verify what the pool lacks of a spec's pilot: what ``osca run SPEC`` does.

    Every sample is kept the moment it arrives, so the same call goes on after an interruption.

    Args:
        spec: The spec.
        pool: What there is, and where samples go.
        task: Only this task.
        only: Only configurations whose name matches this pattern.
        limit: At most so many problems of each task.
        split: The problems: ``"train"``, ``"held_out"`` or ``"all"``.
        samples: Of each cell, instead of the spec's pilot; none is screened then.
        offline: Whether a sample that the pool lacks is an error.

    Returns:
        What was drawn, was there, passed and failed, by configuration; ``sum()`` adds it up.

    Raises:
        InterruptedRunError: the user interrupted; what was drawn is kept.
        BudgetReachedError: the spec's limit in USD ended the run first.
        MissingSamplesError: offline, and the pool lacks a sample.
        UnavailableError: a model cannot be had.
        UsageError: no task, configuration or problem is meant.
    """
    chosen = Filter(task, only, limit)
    asks = pilot_asks(spec, chosen, split=split, samples=samples)
    screened = spec.pilot_screen is not None and samples is None
    further = Screened(spec, pool, chosen, split).further if screened else tuple
    return run_asks(spec, pool, asks, offline=offline, further=further)


def measure(
    spec: Spec, pool: Pool, *, task: str | None = None, limit: int | None = None, offline: bool = False
) -> Tally:
    """Draw, without stopping, the samples of held-out problems that :func:`check_plan` needs.

    What ``osca run PLAN --measure`` does.

    Args:
        spec: A plan: a spec with an allocation.
        pool: What there is, and where samples go.
        task: Only this task.
        limit: At most so many problems of each task.
        offline: Whether a sample that the pool lacks is an error.

    Raises:
        UsageError: there is no allocation, or it cannot be proved on the held-out problems.
        MissingSamplesError: there is no pilot to choose the baselines on; or offline, and a sample lacks.
    """
    from osca_cli.run.measure import measure_asks  # the mathematics, which a pilot does not need

    asks = measure_asks(spec, allocation_of(spec), pool, Filter(task, None, limit))
    return run_asks(spec, pool, asks, kind="measure", offline=offline)


@dataclass(frozen=True, slots=True)
class Executed:
    """What executing a plan gave.

    Attributes:
        answers: One for each problem.
        tally: What was drawn, was there, passed and failed, by configuration.
        short: Whether the budget was spent before every problem had its schedule.
    """

    answers: Sequence[Answer]
    tally: Tally
    short: bool = False


def execute(
    spec: Spec,
    pool: Pool,
    problems: Mapping[str, Sequence[Problem]] | None = None,
    *,
    task: str | None = None,
    limit: int | None = None,
    offline: bool = False,
    stale: bool = False,
) -> Executed:
    """Solve problems along the schedule of a plan: what ``osca run PLAN`` does.

    Args:
        spec: A plan: a spec with an allocation.
        pool: What there is, and where samples go.
        problems: By the name of their task, as :func:`read_problems` reads them; ``None`` are the held-out
            ones.
        task: Only this task.
        limit: At most so many problems of each task.
        offline: Whether a sample that the pool lacks is an error.
        stale: Whether a plan is executed whose spec has changed under it.

    Raises:
        InterruptedRunError: the user interrupted; what was drawn is kept.
        BudgetReachedError: the spec's limit in USD ended the run first.
        UsageError: there is no allocation or problem, or the plan is stale.
    """
    allocation = allocation_of(spec)
    if not stale:
        for plan in allocation.plans:
            refuse_stale(spec, plan)
    answers: list[Answer] = []
    work = execution.executions(spec, allocation, Filter(task, None, limit), problems)
    ran = execution.run_plan(spec, pool, work, answers.append, offline=offline)
    keep_realised(spec, pool, ran.run, realised(work, answers))
    return Executed(answers, ran.tally, ran.short)


def overview(
    spec: Spec, pool: Pool, *, task: str | None = None, only: str | None = None
) -> list[overviews.Line]:
    """Return what the pool has of each configuration: samples, pass rates, tokens, and what is missing.

    Args:
        spec: The spec.
        pool: The pool.
        task: Only this task.
        only: Only configurations whose name matches this pattern.
    """
    return overviews.overview(spec, pool, Filter(task, only))


def allocation_of(spec: Spec) -> AllocationBlock:
    """Return the allocation of a plan.

    Raises:
        UsageError: it is a spec without one.
    """
    if spec.allocation is None:
        raise UsageError(f"{spec.path} has no allocation; make a plan first: osca plan {spec.path}")
    return spec.allocation
