"""Executes a plan: draws in the order of its schedule and stops a problem at its first pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from osca_cli.errors import UsageError
from osca_cli.model import Problem, Split
from osca_cli.run.acceptance import acceptance_of
from osca_cli.run.attempt import Answer, Attempt, Course
from osca_cli.run.concurrency import for_each
from osca_cli.run.missing import Filter
from osca_cli.run.order import Order
from osca_cli.run.session import Session, run_session
from osca_cli.run.tally import Tally
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.strata import plan_for, strata_fields, unseen
from osca_cli.spec.types import AllocationBlock, Configuration, PlannedTask, Spec, Task
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Execution:
    """A plan on the problems that take it.

    Attributes:
        unseen: How many of them have a value that no training problem has, so that no plan was made for it.
    """

    task: Task
    plan: PlannedTask
    split: Split
    problems: Sequence[Problem]
    configurations: Mapping[str, Configuration]
    unseen: int = 0


def executions(
    spec: Spec,
    allocation: AllocationBlock,
    chosen: Filter,
    problems: Mapping[str, Sequence[Problem]] | None = None,
) -> list[Execution]:
    """Return what executing a plan file does, plan by plan.

    Args:
        spec: The plan file.
        allocation: Its allocation.
        chosen: The part of it that is executed; its pattern for configurations is ignored.
        problems: Problems to solve by task's name, instead of the held-out ones.

    Raises:
        UsageError: there is no problem to solve.
    """
    result: list[Execution] = []
    names = {task.name for task in chosen.tasks(spec)} & {plan.task for plan in allocation.plans}
    for task in spec.tasks:
        if task.name not in names or (problems is not None and task.name not in problems):
            continue
        some = chosen.problems(task.held_out if problems is None else problems[task.name])
        if not some:
            raise UsageError(
                f"task '{task.name}' has no held-out problems to execute the plan on;"
                " give it some (held_out: 0.5), or name a file with --problems"
            )
        split: Split = "held_out" if problems is None else "production"
        result += _by_plan(spec, task, allocation.plans_of(task.name), split, some)
    return result


def _by_plan(
    spec: Spec, task: Task, plans: Sequence[PlannedTask], split: Split, problems: Sequence[Problem]
) -> Iterator[Execution]:
    """Yield each plan of a task with the problems that take it, if any do."""
    configurations = {configuration.name: configuration for configuration in spec.configurations}
    taken = [plan_for(plans, problem.tags) for problem in problems]
    strange = unseen(problems, task.train, strata_fields(task, plans))
    for plan in plans:
        own = [problem for problem, one in zip(problems, taken, strict=True) if one is plan]
        if own:
            drawn = {name: configurations[name] for name in plan.counts}
            yield Execution(task, plan, split, own, drawn, 0 if plan.where else len(strange))


def run_plan(
    spec: Spec,
    pool: Pool,
    executions: Sequence[Execution],
    keep: Callable[[Answer], None],
    *,
    offline: bool = False,
) -> Tally:
    """Execute plans, and hand over the answer to each problem as it is ready.

    Where the run is interrupted, or stops by itself, the answers of the problems that it has begun are handed
    over too, as they are by then.

    Raises:
        InterruptedRunError: the user interrupted; what was drawn is kept.
        UsageError: a problem lacks what its verifier needs.
        MissingSamplesError: offline, and the pool lacks a sample.
        UnavailableError: a model cannot be had.
    """

    async def work(session: Session) -> Tally:
        maker = CellMaker(session.spec, session.backends)
        for execution in executions:
            _refuse_incomplete(maker, execution)
        for execution in executions:
            await _execute(session, maker, execution, keep)
        return session.tally

    return run_session(spec, pool, "execute", work, offline=offline)


def _refuse_incomplete(maker: CellMaker, execution: Execution) -> None:
    """Refuse problems that lack what their prompt or verifier needs, before the first draw.

    Raises:
        UsageError: one does.
    """
    for _ in maker.ids(execution.task, execution.problems, list(execution.configurations.values())):
        pass


def course_of(session: Session, maker: CellMaker, execution: Execution) -> Course:
    """Return what all problems of an execution have in common."""
    every = execution.configurations
    once = {name for name, configuration in every.items() if maker.deterministic(configuration)}
    return Course(
        task=execution.task,
        split=execution.split,
        order=Order(execution.plan.schedule, once=once),
        configurations=every,
        accepts=acceptance_of(session, execution.task),
    )


async def _execute(
    session: Session, maker: CellMaker, execution: Execution, keep: Callable[[Answer], None]
) -> None:
    """Solve problems, several at a time and each by itself."""
    course = course_of(session, maker, execution)
    stopping = session.sampling.stopping

    async def solve(problem: Problem) -> None:
        attempt = Attempt(course, problem)
        while attempt.next() and not attempt.accepted and not stopping.is_set():
            await attempt.go_on(maker, session.pool)
        if attempt.used or not stopping.is_set():
            keep(attempt.answer(session.pool))

    at_once = max(backend.max_in_flight for backend in session.backends.values())
    await for_each(execution.problems, solve, at_once=2 * at_once, stopping=stopping)
