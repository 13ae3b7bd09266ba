"""A problem on its way along a plan: what was drawn for it, and the answer that this gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from osca_cli.model import Problem, Split, Verdict
from osca_cli.run.acceptance import Acceptance
from osca_cli.run.order import Draw, Order
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.types import Configuration, Task
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Answer:
    """What executing a plan gave for one problem.

    Attributes:
        answer: As the verifier extracted it, from the sample that passed, else from the last one.
        accepted: Whether a sample passed.
        configuration: Whose sample it is; ``None`` where no sample came.
        samples: How many were used, those already in the pool included.
        usd: What they cost, a judge's verdicts included; ``None`` where a price is unknown.
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
    errors: int


@dataclass(frozen=True, slots=True)
class Used:
    """A sample that a problem was given, with its verdict."""

    configuration: str
    request: str
    index: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Course:
    """What all problems of one plan have in common.

    Attributes:
        task: Their task.
        split: Which problems they are.
        order: The draws of the plan.
        configurations: Those that it draws, by name.
        accepts: Decides whether a problem stops at a sample.
    """

    task: Task
    split: Split
    order: Order
    configurations: Mapping[str, Configuration]
    accepts: Acceptance


@dataclass(slots=True)
class Attempt:
    """A problem that a plan is being executed on.

    Attributes:
        course: What it has in common with the plan's other problems.
        problem: The problem.
        step: How many draws of the plan's order are behind it.
        used: The samples that these gave.
        errors: How many of them gave none, or no verdict.
    """

    course: Course
    problem: Problem
    step: int = 0
    used: list[Used] = field(default_factory=list)
    errors: int = 0

    @property
    def accepted(self) -> bool:
        """Whether its last sample was accepted."""
        return bool(self.used and self.used[-1].verdict.passed)

    def next(self) -> Draw | None:
        """Return what would be drawn for it next; ``None`` at the end of the order."""
        return self.course.order.draw(self.step)

    async def go_on(self, maker: CellMaker, pool: Pool) -> Used | None:
        """Make the next draw of the order; ``None`` where it gave no sample or no verdict.

        Raises:
            MissingSamplesError: offline, and the pool lacks the sample.
        """
        draw = self.next()
        if draw is None:  # pragma: no cover - whoever goes on has looked
            return None
        self.step += 1
        cell = self._cell(maker, draw.configuration)
        if draw.index == 0:
            pool.register([cell], self.course.split)
        verdict = await self.course.accepts(cell, draw.index)
        if verdict is None or verdict.passed is None:
            self.errors += 1
            return None
        self.used.append(Used(draw.configuration, cell.request_id, draw.index, verdict))
        return self.used[-1]

    def answer(self, pool: Pool) -> Answer:
        """Return what its samples give."""
        samples = [pool.sample(one.request, one.index) for one in self.used]
        last, verdict = (samples[-1], self.used[-1].verdict) if self.used else (None, None)
        known = [sample.usd for sample in samples if sample and sample.usd is not None]
        judging = sum(one.verdict.usd or 0.0 for one in self.used)
        return Answer(
            task=self.problem.task,
            problem=self.problem.id,
            answer=verdict.answer if verdict else None,
            text=last.text if last else None,
            accepted=self.accepted,
            configuration=self.used[-1].configuration if self.used else None,
            samples=len(self.used),
            usd=round(sum(known) + judging, 9) if len(known) == len(samples) else None,
            output_tokens=sum(sample.output_tokens or 0 for sample in samples if sample),
            seconds=round(sum(sample.seconds or 0.0 for sample in samples if sample), 3),
            errors=self.errors,
        )

    def _cell(self, maker: CellMaker, name: str) -> Cell:
        [cell] = maker.cells(self.course.task, [self.problem], [self.course.configurations[name]])
        return cell
