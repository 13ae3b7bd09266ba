"""Proves the plans of a spec on held-out problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from osca_cli.check.facts import Compared, clusters_of
from osca_cli.check.judge import Judged, Verdicts, judge, judge_total
from osca_cli.check.leakage import refuse_leakage, refuse_shared_samples
from osca_cli.check.need import asserted_of, comparison, promised, provable, taken, updated
from osca_cli.check.right_answers import right_answers
from osca_cli.errors import UsageError
from osca_cli.estimate.heldout import coverage_per_problem, missing
from osca_cli.imports.outcomes import outcomes_of
from osca_cli.outcomes.types import Outcomes
from osca_cli.spec.types import AllocationBlock, PlannedTask, Spec, Task
from osca_cli.store.pool import Pool

Lacking = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Proof:
    """What held-out problems show of the plans of a spec.

    Attributes:
        tasks: The plans of each task, judged.
        total: What is asserted of all tasks together; ``None`` where nothing is, or there is one task.
        notes: What a reader must know, one sentence each.
    """

    tasks: Sequence[Verdicts]
    total: Verdicts | None
    notes: tuple[str, ...]

    @property
    def judged(self) -> list[Verdicts]:
        """Everything that assertions were judged on."""
        return [*self.tasks, *([] if self.total is None else [self.total])]


def prove(
    spec: Spec,
    allocation: AllocationBlock,
    pool: Pool | None,
    *,
    task: str | None = None,
    file: Path | None = None,
    known: Mapping[str, Outcomes] = MappingProxyType({}),
    refuse_missing: Callable[[Task, PlannedTask, Lacking], None],
) -> Proof:
    """Judge the plans of a spec by its assertions.

    Args:
        spec: The spec.
        allocation: Its plans.
        pool: Where its samples are.
        task: Only this task.
        file: An outcomes file to judge by instead.
        known: Outcomes of tasks that were read before, by name.
        refuse_missing: Called for each plan with the samples that are missing: raises where there are any.

    Raises:
        UsageError: a plan cannot be proved, and why.
    """
    plans = [plan for plan in allocation.plans if task in {None, plan.task}]
    if not plans:
        raise UsageError(f"--task {task}: {spec.path} has no plan for it")
    tasks = [spec.task(name) for name in dict.fromkeys(plan.task for plan in plans)]
    judged, sources, notes = [], [], []
    for one in tasks:
        own = allocation.plans_of(one.name)
        outcomes, told = _outcomes(spec, one, pool, own, file, known.get(one.name))
        notes += [f"{one.name}: {note}" for note in told]
        cluster = spec.check.cluster or one.group
        if spec.check.cluster and clusters_of(outcomes, cluster) is None:
            notes.append(f"{one.name}: no problem has the tag '{cluster}', so each counts singly")
        right = right_answers(one, own, outcomes)
        if right is not None:
            notes.append(f"{one.name}: {_told_right(one)}")
        compared = _compared(spec, allocation, one, own, outcomes, refuse_missing)
        asserted = [replace(each, task=one.name) for each in asserted_of(spec, one.name)]
        # Of one task the total is the task.
        mine = asserted if len(tasks) == 1 else [each for each in asserted if not each.total]
        if right is not None and any(each.metric == "regret" for each in mine):
            raise UsageError(
                f"task '{one.name}': regret is about what passes; assert a gain of right answers"
            )
        solved = right or coverage_per_problem
        judged.append(judge(outcomes, one.name, compared, mine, cluster=cluster, solved=solved))
        sources.append(outcomes)
    return Proof([one.verdicts for one in judged], _total(spec, tasks, judged, sources), tuple(notes))


def _told_right(task: Task) -> str:
    if task.select is not None:
        return f"pass rates are of right answers: '{task.select.by}' accepts, and the verifier passes"
    return "pass rates are of right answers, as the plan's rate of false accepts tells them"


def _outcomes(
    spec: Spec,
    task: Task,
    pool: Pool | None,
    plans: Sequence[PlannedTask],
    file: Path | None,
    known: Outcomes | None,
) -> tuple[Outcomes, tuple[str, ...]]:
    if known is not None and file is None and not updated(plans):
        read: tuple[Outcomes, tuple[str, ...]] = known, ()
    else:
        read = outcomes_of(file) if file else provable(spec, task, pool, plans)
    outcomes, notes = read
    refuse_leakage(plans, outcomes)
    if task.outcomes is None and file is None:
        refuse_shared_samples(spec, task, plans, outcomes)
    return outcomes, notes


def _compared(
    spec: Spec,
    allocation: AllocationBlock,
    task: Task,
    plans: Sequence[PlannedTask],
    outcomes: Outcomes,
    refuse_missing: Callable[[Task, PlannedTask, Lacking], None],
) -> list[Compared]:
    compared = []
    for plan, problems in taken(plans, outcomes):
        beside = comparison(plan, spec, allocation, outcomes)
        refuse_missing(task, plan, missing(outcomes, beside.samples(), problems))
        compared.append(
            Compared(
                problems=problems,
                counts=beside.counts,
                baselines=beside.baselines,
                budget=beside.budget,
                schedule=plan.schedule,
                where=plan.where,
                promised=promised(plan),
            )
        )
    return compared


def _total(
    spec: Spec, tasks: Sequence[Task], judged: Sequence[Judged], sources: Sequence[Outcomes]
) -> Verdicts | None:
    asserted = [one for one in spec.check.assertions if one.total]
    if len(tasks) < 2 or not asserted:
        return None
    volumes = [task.volume for task in tasks if task.volume is not None]
    if len(volumes) < len(tasks):
        volumes = [float(outcomes.train.sum()) for outcomes in sources]
    return judge_total(judged, [volume / sum(volumes) for volume in volumes], asserted)
