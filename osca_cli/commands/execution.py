"""Executing a plan from the command line: problems in, answers and a table out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from osca_cli.commands.common import plural
from osca_cli.commands.run_tables import print_execution
from osca_cli.console import news
from osca_cli.errors import BackendError, BudgetReachedError, InterruptedRunError, OscaError, UsageError
from osca_cli.identity import canonical_json
from osca_cli.model import Problem
from osca_cli.plan.stale import refuse_stale
from osca_cli.run.attempt import Answer
from osca_cli.run.execute import Execution, executions, run_plan
from osca_cli.run.missing import Filter
from osca_cli.run.realised import keep_realised, realised
from osca_cli.run.tally import Tally
from osca_cli.spec.problems import read_problem_file
from osca_cli.spec.types import AllocationBlock, Spec, Task
from osca_cli.store.pool import Pool


def planned_work(
    spec: Spec, allocation: AllocationBlock, chosen: Filter, problems: Path | None, *, stale: bool
) -> list[Execution]:
    """Return what is to be executed, and tell the user what that is.

    Args:
        spec: The plan file.
        allocation: Its allocation.
        chosen: The part of it.
        problems: A file of problems to solve instead of the held-out ones.
        stale: Whether a plan whose spec has changed under it is accepted.

    Raises:
        UsageError: there is nothing to execute, or the plan is stale.
    """
    if not stale:
        for plan in allocation.plans:
            refuse_stale(spec, plan)
    work = executions(spec, allocation, chosen, _production(spec, chosen, problems))
    where = "held-out problems" if problems is None else f"problems of {problems}"
    news(f"execute: follows the plan of {spec.path.name} on {sum(len(e.problems) for e in work)} {where}")
    drawn_from = {one.backend for execution in work for one in execution.configurations.values()}
    batched = sorted(name for name in drawn_from if spec.backends[name].batch)
    if batched and not all(execution.sizes(spec) for execution in work):
        names = ", ".join(batched)
        news(
            f"note: a plan draws one sample after the other: {names} is asked online, at its full price;"
            " with `run: {rounds: 3}` each round is a batch"
        )
    return work


def execute(
    spec: Spec,
    pool: Pool,
    work: Sequence[Execution],
    answers_file: Path | None,
    *,
    offline: bool,
    as_json: bool,
) -> tuple[Tally, bool]:
    """Execute plans, write each answer as it is ready, and print what they gave beside what they claimed.

    An interrupted run prints what it gave so far, and keeps nothing of it beside the claims.

    Returns:
        What the run did, and whether the budget was spent before a schedule had ended.
    """
    answers: list[Answer] = []
    with _writing(answers_file) as file:

        def keep(answer: Answer) -> None:
            answers.append(answer)
            if file is not None:
                _write(file, answer)

        try:
            ran = run_plan(spec, pool, work, keep, offline=offline)
        except (InterruptedRunError, BudgetReachedError, BackendError):
            if answers and not as_json:
                print_execution(realised(work, answers), _unseen(work))
            raise
    tasks = realised(work, answers)
    keep_realised(spec, pool, ran.run, tasks)
    print_execution(tasks, _unseen(work), ran.tally if as_json else None)
    return ran.tally, ran.short


def _unseen(work: Sequence[Execution]) -> dict[str, int]:
    """Return how many problems of each task have a value that no plan was made for."""
    numbers: dict[str, int] = {}
    for one in work:
        numbers[one.task.name] = numbers.get(one.task.name, 0) + one.unseen
    return {name: number for name, number in numbers.items() if number}


def _production(spec: Spec, chosen: Filter, path: Path | None) -> dict[str, Sequence[Problem]] | None:
    """Read the problems of ``--problems``, and tell the user which of them the spec has already."""
    if path is None:
        return None
    tasks = chosen.tasks(spec)
    if len(tasks) > 1:
        names = ", ".join(task.name for task in tasks)
        raise UsageError(f"--problems: say which task they belong to with --task ({names})")
    problems = read_problem_file(path, tasks[0])
    if seen := _known(problems, tasks[0]):
        are = "is" if len(seen) == 1 else "are"
        news(f"note: {plural(len(seen), 'problem')} of {path} {are} the spec's, such as {seen[0]}")
    return {tasks[0].name: problems}


def _known(problems: Sequence[Problem], task: Task) -> list[str]:
    """Return the problems that are training or held-out problems, by their id or their text."""
    spec_problems = (*task.train, *task.held_out)
    ids = {problem.id for problem in spec_problems}
    texts = {_text(problem, task) for problem in spec_problems}
    return [problem.id for problem in problems if problem.id in ids or _text(problem, task) in texts]


def _text(problem: Problem, task: Task) -> str:
    """Return what a problem asks: its fields without its name and its answer."""
    apart = {task.fields.id, task.fields.reference}
    return canonical_json({name: value for name, value in problem.fields.items() if name not in apart})


@contextmanager
def _writing(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"--answers {path}: {error.strerror}") from error
    with file:
        yield file


def _write(file: TextIO, answer: Answer) -> None:
    """Write an answer at once, so that a kill takes none that was ready."""
    try:
        file.write(json.dumps(asdict(answer), ensure_ascii=False) + "\n")
        file.flush()
    except OSError as error:
        raise OscaError(
            f"--answers {file.name}: {error.strerror}; what was drawn is kept, and the same command writes"
            " the answers again"
        ) from error
