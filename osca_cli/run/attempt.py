"""A problem on its way along a plan: what was drawn for it, and the answer that this gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from osca_cli.model import Problem, Split, Verdict
from osca_cli.run.acceptance import Acceptance
from osca_cli.run.order import Draw, Order
from osca_cli.run.purse import Cost
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.types import Configuration, PlannedTask, Task
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Answer:
    """What executing a plan gave for one problem.

    Attributes:
        answer: As the verifier extracted it, from the sample that passed, else from the last one.
        accepted: Whether a sample passed.
        configuration: Whose sample it is; ``None`` where no sample came.
        samples: How many were used, those already in the pool included.
        usd: What they cost, a judge's verdicts included, as are tokens and seconds; ``None`` where a price is
            unknown.
        gpu_seconds: Their shares of backends' busy time, times GPUs; ``None`` where these are unknown.
        errors: Draws and verdicts that failed, and will be tried again by the next run.
    """

    task: str
    problem: str
    answer: str | None
    text: str | None
    accepted: bool
    configuration: str | None
    samples: int
    usd: float | None
    output_tokens: int
    seconds: float
    gpu_seconds: float | None
    errors: int


@dataclass(frozen=True, slots=True)
class Used:
    """A sample that a problem was given, at a step of its order, with its verdict and what both cost."""

    step: int
    configuration: str
    request: str
    index: int
    verdict: Verdict
    cost: Cost


@dataclass(frozen=True, slots=True)
class Course:
    """What all problems of one plan have in common.

    Attributes:
        plan: The plan.
        task: Their task.
        split: Which problems they are.
        order: The draws of the plan.
        configurations: Those that it draws, by name.
        gpus: How many the backend of each keeps busy; ``None`` where nobody said.
        accepts: Decides whether a problem stops at a sample.
    """

    plan: PlannedTask
    task: Task
    split: Split
    order: Order
    configurations: Mapping[str, Configuration]
    gpus: Mapping[str, float | None]
    accepts: Acceptance


@dataclass(slots=True)
class Attempt:
    """A problem that a plan is being executed on.

    Attributes:
        course: What it has in common with the plan's other problems.
        problem: The problem.
        step: How many draws of the plan's order are behind it.
        used: The samples that these gave.
        winner: The first of them that was accepted.
        errors: How many of them gave none, or no verdict.
    """

    course: Course
    problem: Problem
    step: int = 0
    used: list[Used] = field(default_factory=list)
    winner: Used | None = None
    errors: int = 0

    @property
    def accepted(self) -> bool:
        """Whether a sample was accepted."""
        return self.winner is not None

    def next(self) -> Draw | None:
        """Return what would be drawn for it next; ``None`` at the end of the order."""
        return self.course.order.draw(self.step)

    async def go_on(self, maker: CellMaker, pool: Pool, *, drawn: bool = False) -> Used | None:
        """Make the next draw of the order; ``None`` where it gave no sample or no verdict.

        Args:
            maker: Makes its cells.
            pool: Where its samples are.
            drawn: Whether what can be had of them has been drawn before: what is missing stays so.

        Raises:
            MissingSamplesError: offline, and the pool lacks the sample.
        """
        draw = self.next()
        if draw is None:  # pragma: no cover - whoever goes on has looked
            return None
        step = self.step
        self.step += 1
        cell = self._cell(maker, draw.configuration)
        if draw.index == 0 and not drawn:
            pool.register([cell], self.course.split)
        missing = drawn and pool.sample(cell.request_id, draw.index) is None
        verdict = None if missing else await self.course.accepts(cell, draw.index)
        sample = None if verdict is None else pool.sample(cell.request_id, draw.index)
        if verdict is None or verdict.passed is None or sample is None:
            self.errors += 1
            return None
        cost = Cost.of(sample, verdict, self.course.gpus[draw.configuration])
        used = Used(step, draw.configuration, cell.request_id, draw.index, verdict, cost)
        self.used.append(used)
        if verdict.passed and (self.winner is None or step < self.winner.step):
            self.winner = used
        return used

    async def go_on_together(
        self, maker: CellMaker, pool: Pool, size: int, settle: Callable[[str, Used | None], None]
    ) -> None:
        """Make so many draws of the order at once.

        Args:
            maker: As in :meth:`go_on`.
            pool: The same.
            size: How many.
            settle: Is told of each draw's configuration and what it gave.
        """

        async def one(name: str) -> None:
            settle(name, await self.go_on(maker, pool))

        ahead = [self.course.order.draw(self.step + turn) for turn in range(size)]
        async with anyio.create_task_group() as group:
            for draw in ahead:
                if draw is not None:
                    group.start_soon(one, draw.configuration)
        self.used.sort(key=lambda used: used.step)

    def answer(self, pool: Pool) -> Answer:
        """Return what its samples give."""
        last = self.winner or (self.used[-1] if self.used else None)
        sample = last and pool.sample(last.request, last.index)
        return Answer(
            task=self.problem.task,
            problem=self.problem.id,
            answer=last.verdict.answer if last else None,
            text=sample.text if sample else None,
            accepted=self.accepted,
            configuration=last.configuration if last else None,
            samples=len(self.used),
            usd=_sum([one.cost.usd for one in self.used]),
            output_tokens=round(sum(one.cost.output_tokens for one in self.used)),
            seconds=round(sum(one.cost.seconds for one in self.used), 3),
            gpu_seconds=_sum([one.cost.gpu_seconds for one in self.used]),
            errors=self.errors,
        )

    def _cell(self, maker: CellMaker, name: str) -> Cell:
        [cell] = maker.cells(self.course.task, [self.problem], [self.course.configurations[name]])
        return cell


def _sum(amounts: Sequence[float | None]) -> float | None:
    """Add up amounts; of which one is unknown, the sum is too."""
    known = [amount for amount in amounts if amount is not None]
    return round(sum(known), 9) if len(known) == len(amounts) else None
