"""Executes a plan: draws in the order of its schedule and stops a problem at its first pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from osca_cli.errors import UsageError
from osca_cli.model import Problem, Split
from osca_cli.run.acceptance import acceptance_of
from osca_cli.run.attempt import Answer, Attempt, Course, Used
from osca_cli.run.concurrency import for_each
from osca_cli.run.missing import Filter
from osca_cli.run.order import Order
from osca_cli.run.purse import Purse, budget_of
from osca_cli.run.rounds import Rounds, even_rounds, execute_in_rounds
from osca_cli.run.session import Session, run_session
from osca_cli.run.sharing import Sharing
from osca_cli.run.tally import Tally
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.strata import plan_for, strata_fields, unseen
from osca_cli.spec.types import AllocationBlock, Budget, Configuration, PlannedTask, Spec, Task
from osca_cli.store.pool import Pool
from osca_cli.store.values import Run


@dataclass(frozen=True, slots=True)
class Execution:
    """A plan on the problems that take it.

    Attributes:
        budget: What the plan was made for, per problem; ``None`` where nobody said.
        unseen: How many of them have a value that no training problem has, so that no plan was made for it.
    """

    task: Task
    plan: PlannedTask
    split: Split
    problems: Sequence[Problem]
    configurations: Mapping[str, Configuration]
    budget: Budget | None
    unseen: int = 0

    @property
    def shares(self) -> bool:
        """Whether what solved problems leave goes to the others."""
        return self.budget is not None and self.budget.share == "problems"

    def sizes(self, spec: Spec) -> tuple[int, ...]:
        """Return the sizes of the plan's rounds; none where it draws one sample at a time."""
        if self.plan.rounds or spec.rounds is None:
            return self.plan.rounds
        return even_rounds(len(self.plan.schedule), spec.rounds)


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
        # Production has no reference: there what accepts is all that verifies.
        solved_as = task if problems is None else task.in_production()
        result += _by_plan(spec, allocation, solved_as, split, some)
    return result


def _by_plan(
    spec: Spec, allocation: AllocationBlock, task: Task, split: Split, problems: Sequence[Problem]
) -> Iterator[Execution]:
    """Yield each plan of a task with the problems that take it, if any do."""
    configurations = {configuration.name: configuration for configuration in spec.configurations}
    plans = allocation.plans_of(task.name)
    taken = [plan_for(plans, problem.tags) for problem in problems]
    strange = unseen(problems, task.train, strata_fields(task, plans))
    for plan in plans:
        own = [problem for problem, one in zip(problems, taken, strict=True) if one is plan]
        if own:
            drawn = {name: configurations[name] for name in dict.fromkeys([*plan.counts, *plan.beyond])}
            budget = budget_of(spec, allocation, plan)
            yield Execution(task, plan, split, own, drawn, budget, 0 if plan.where else len(strange))


@dataclass(frozen=True, slots=True)
class Executed:
    """What a run did.

    Attributes:
        short: Whether a budget was spent before a schedule that it should pay for had ended.
    """

    run: Run
    tally: Tally
    short: bool


def run_plan(
    spec: Spec,
    pool: Pool,
    executions: Sequence[Execution],
    keep: Callable[[Answer], None],
    *,
    offline: bool = False,
) -> Executed:
    """Execute plans, and hand over the answer to each problem as it is ready.

    Where the run is interrupted, or stops by itself, the answers of the problems that it has begun are handed
    over too, as they are by then.

    Raises:
        InterruptedRunError: the user interrupted; what was drawn is kept.
        UsageError: a problem lacks what its verifier needs.
        MissingSamplesError: offline, and the pool lacks a sample.
        UnavailableError: a model cannot be had.
    """

    async def work(session: Session) -> Executed:
        maker = CellMaker(session.spec, session.backends)
        for execution in executions:
            _refuse_incomplete(maker, execution)
        short = False
        for group in _groups(executions):
            purse = _purse(group)
            await _execute(session, maker, group, purse, keep)
            short |= purse.short
        return Executed(session.run, session.tally, short)

    return run_session(spec, pool, "execute", work, offline=offline)


def _refuse_incomplete(maker: CellMaker, execution: Execution) -> None:
    """Refuse problems that lack what their prompt or verifier needs, before the first draw.

    Raises:
        UsageError: one does.
    """
    for _ in maker.ids(execution.task, execution.problems, list(execution.configurations.values())):
        pass


def _groups(executions: Sequence[Execution]) -> list[list[Execution]]:
    """Return what is executed together: plans that share a budget, and every other one for itself."""
    groups: dict[object, list[Execution]] = {}
    for execution in executions:
        budget = execution.budget
        shared = budget is not None and budget.share != "none"
        alone = execution.task.budget is not None or not shared
        place = id(execution) if alone or budget is None else (budget.kind, budget.share)
        groups.setdefault(place, []).append(execution)
    return list(groups.values())


def _purse(group: Sequence[Execution]) -> Purse:
    """Return what the problems of a group may spend together.

    In samples every problem has its own budget, which is its schedule, unless problems share.
    """
    budget = group[0].budget
    if budget is None:
        return Purse("samples", None)
    if budget.kind == "samples" and budget.share != "problems":
        return Purse("samples", None)
    levels = [(one.budget or budget).amount * len(one.problems) for one in group]
    return Purse(budget.kind, sum(levels))


def _course(session: Session, maker: CellMaker, execution: Execution) -> Course:
    """Return what all problems of an execution have in common."""
    plan, every = execution.plan, execution.configurations
    order = Order(
        plan.schedule,
        beyond=plan.beyond,
        endless=execution.shares,
        most=plan.gives_up_after,
        once={name for name, one in every.items() if maker.deterministic(one)},
        caps={name: one.max_samples for name, one in every.items() if one.max_samples is not None},
    )
    return Course(
        plan=plan,
        task=execution.task,
        split=execution.split,
        order=order,
        configurations=every,
        gpus={name: session.spec.backends[one.backend].gpus for name, one in every.items()},
        accepts=acceptance_of(session, execution.task),
    )


async def _execute(
    session: Session,
    maker: CellMaker,
    group: Sequence[Execution],
    purse: Purse,
    keep: Callable[[Answer], None],
) -> None:
    """Execute the plans of a group, in the way that they ask for."""
    courses = [_course(session, maker, one) for one in group]
    attempts = [
        [Attempt(course, problem) for problem in one.problems]
        for course, one in zip(courses, group, strict=True)
    ]
    at_once = 2 * max(backend.max_in_flight for backend in session.backends.values())
    sizes = [one.sizes(session.spec) for one in group]
    if all(sizes) and (group[0].shares or purse.total is not None or _draws_in_bulk(session, group)):
        parts = [
            Rounds(each, size, purse, to_the_end=one.shares)
            for each, size, one in zip(attempts, sizes, group, strict=True)
        ]
        await execute_in_rounds(session, maker, parts, keep)
    elif group[0].shares:
        every = [attempt for each in attempts for attempt in each]
        await Sharing(session, maker, purse, keep).execute(every, at_once)
    elif all(sizes):
        for each, size in zip(attempts, sizes, strict=True):
            await _each_in_rounds(session, maker, each, size, purse, keep, at_once)
    else:
        every = [attempt for each in attempts for attempt in each]
        await _one_by_one(session, maker, every, purse, keep, at_once)


def _draws_in_bulk(session: Session, group: Sequence[Execution]) -> bool:
    """Return whether a backend gains by what is asked of it together: a batch API, a model to load."""
    names = {one.backend for execution in group for one in execution.configurations.values()}
    return any(
        session.spec.backends[name].batch or getattr(session.backends[name], "one_model_at_a_time", False)
        for name in names
    )


async def _each_in_rounds(
    session: Session,
    maker: CellMaker,
    attempts: Sequence[Attempt],
    sizes: Sequence[int],
    purse: Purse,
    keep: Callable[[Answer], None],
    at_once: int,
) -> None:
    """Solve problems in rounds, where none need wait for the rounds of the others."""
    stopping = session.sampling.stopping

    def settle(name: str, used: Used | None) -> None:
        purse.settle(name, used.cost if used else None)

    async def solve(attempt: Attempt) -> None:
        for size in sizes:
            if attempt.accepted or stopping.is_set():
                break
            await attempt.go_on_together(maker, session.pool, size, settle)
        if attempt.used or not stopping.is_set():
            keep(attempt.answer(session.pool))

    await for_each(attempts, solve, at_once=at_once, stopping=stopping)


async def _one_by_one(
    session: Session,
    maker: CellMaker,
    attempts: Sequence[Attempt],
    purse: Purse,
    keep: Callable[[Answer], None],
    at_once: int,
) -> None:
    """Solve problems one after the other, several at a time."""
    stopping = session.sampling.stopping

    async def solve(attempt: Attempt) -> None:
        while (draw := attempt.next()) and not attempt.accepted and not stopping.is_set():
            reserved = purse.reserve(draw.configuration)
            if reserved is None:
                purse.short = True
                break
            used = await attempt.go_on(maker, session.pool)
            purse.settle(draw.configuration, used.cost if used else None, reserved)
        if attempt.used or not stopping.is_set():
            keep(attempt.answer(session.pool))

    await for_each(attempts, solve, at_once=at_once, stopping=stopping)
