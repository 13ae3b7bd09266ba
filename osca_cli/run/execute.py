"""Executes a plan: draws in the order of its schedule and stops a problem at its first pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from osca_cli.errors import UsageError
from osca_cli.model import Problem, Split, Verdict
from osca_cli.run.concurrency import for_each
from osca_cli.run.missing import Filter
from osca_cli.run.session import Session, run_session
from osca_cli.run.tally import Tally
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.strata import plan_for, strata_fields, unseen
from osca_cli.spec.types import AllocationBlock, Configuration, PlannedTask, Spec, Task
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Answer:
    """What executing a plan gave for one problem.

    Attributes:
        answer: As the verifier extracted it, from the sample that passed, else from the last one.
        accepted: Whether a sample passed.
        configuration: Whose sample it is; ``None`` where no sample came.
        samples: How many were used, those already in the pool included.
        errors: Draws and verdicts that failed, and will be tried again by the next run.
    """

    task: str
    problem: str
    answer: str | None
    text: str | None
    accepted: bool
    configuration: str | None
    samples: int
    output_tokens: int
    seconds: float
    errors: int


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

    Raises:
        InterruptedRunError: the user interrupted; what was drawn is kept.
        UsageError: a problem lacks what its verifier needs.
        MissingSamplesError: offline, and the pool lacks a sample.
        UnavailableError: a model cannot be had.
    """

    async def work(session: Session) -> Tally:
        for execution in executions:
            await _execute(session, execution, keep)
        return session.tally

    return run_session(spec, pool, "execute", work, offline=offline)


async def _execute(session: Session, execution: Execution, keep: Callable[[Answer], None]) -> None:
    maker = CellMaker(session.spec, session.backends)
    at_once = max(backend.max_in_flight for backend in session.backends.values())

    async def solve(problem: Problem) -> None:
        answer = await _solve(session, maker, execution, problem)
        if answer is not None:
            keep(answer)

    stopping = session.sampling.stopping
    await for_each(execution.problems, solve, at_once=2 * at_once, stopping=stopping)


async def _solve(session: Session, maker: CellMaker, execution: Execution, problem: Problem) -> Answer | None:
    """Draw along the schedule until a sample passes; ``None`` where the run was interrupted before."""
    cells = _cells(maker, execution, problem)
    session.pool.register(list(cells.values()), execution.split)
    used: list[tuple[Cell, int]] = []
    last: Verdict | None = None
    errors = 0
    for name, index in _draws(execution.plan.schedule):
        if session.sampling.stopping.is_set():
            return None
        if index and cells[name].deterministic:
            continue  # it would be the first sample again
        verdict = await session.sampling.obtain(cells[name], index)
        if verdict is None or verdict.passed is None:
            errors += 1
            continue
        used.append((cells[name], index))
        last = verdict
        if verdict.passed:
            break
    return _answer(session, problem, used, last, errors)


def _cells(maker: CellMaker, execution: Execution, problem: Problem) -> dict[str, Cell]:
    configurations = [execution.configurations[name] for name in dict.fromkeys(execution.plan.schedule)]
    return {cell.configuration.name: cell for cell in maker.cells(execution.task, [problem], configurations)}


def _draws(schedule: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield each draw of a schedule with its index among the draws of its configuration."""
    drawn: Counter[str] = Counter()
    for name in schedule:
        yield name, drawn[name]
        drawn[name] += 1


def _answer(
    session: Session,
    problem: Problem,
    used: Sequence[tuple[Cell, int]],
    verdict: Verdict | None,
    errors: int,
) -> Answer:
    samples = [session.pool.sample(cell.request_id, index) for cell, index in used]
    last = samples[-1] if samples else None
    return Answer(
        task=problem.task,
        problem=problem.id,
        answer=verdict.answer if verdict else None,
        text=last.text if last else None,
        accepted=bool(verdict and verdict.passed),
        configuration=used[-1][0].configuration.name if used else None,
        samples=len(used),
        output_tokens=sum(sample.output_tokens or 0 for sample in samples if sample),
        seconds=round(sum(sample.seconds or 0.0 for sample in samples if sample), 3),
        errors=errors,
    )
