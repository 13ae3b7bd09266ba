"""Asks a model for its verdict: the majority of its samples."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from osca_cli.model import Sample, Split, Verdict
from osca_cli.run.tally import Tally
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.judges import judging_task, samples_of, to_judge
from osca_cli.spec.types import Spec, Task
from osca_cli.store.pool import Pool

Obtain = Callable[[Cell, Sequence[int]], Awaitable[dict[int, Verdict]]]


class Judging:
    """Judges the samples of one run.

    Args:
        spec: The spec.
        maker: Makes what a judge is asked.
        pool: Where a judge's samples are kept.
        tally: Counts what happens.
        obtain: Draws samples of a cell and returns how each of them was read.
    """

    def __init__(self, spec: Spec, maker: CellMaker, pool: Pool, tally: Tally, obtain: Obtain) -> None:
        self._tasks = {task.name: task for task in spec.tasks}
        self._maker = maker
        self._pool = pool
        self._tally = tally
        self._obtain = obtain

    async def verdict(self, cell: Cell, sample: Sample, split: Split = "train") -> Verdict:
        """Return the verdict of the majority, with what the judge's samples cost.

        It is an error where no sample of the judge says PASS or FAIL, or as many say the one as the other.
        """
        task = self._task(cell)
        asked = self._cell(task, cell, sample.text)
        number = samples_of(task)
        self._pool.register([asked], split, asked=number)
        if self._tally.asked:
            self._tally.ask(asked.configuration.name, number)
        found = await self._obtain(asked, range(number))
        drawn = [one for one in (self._pool.sample(asked.request_id, index) for index in found) if one]
        return _with_costs(_majority(list(found.values()), number), drawn)

    def _task(self, cell: Cell) -> Task:
        """Return the task as the check of a cell has it: with its verifier, or with what accepts."""
        task = self._tasks[cell.problem.task]
        is_own = task.verifier is not None and task.verifier.settings == cell.check.settings
        return task if is_own else task.in_production()

    def _cell(self, task: Task, cell: Cell, response: str) -> Cell:
        if task.judge is None:  # pragma: no cover - a spec with such a task does not load
            raise ValueError(task.name)
        problem = to_judge(task, cell.problem, dict(cell.configuration.variables), response)
        return next(self._maker.cells(judging_task(task), [problem], [task.judge]))


def _majority(verdicts: Sequence[Verdict], number: int) -> Verdict:
    votes = [bool(one.passed) for one in verdicts if one.answer is not None and one.passed is not None]
    passes = sum(votes)
    if 2 * passes == len(votes):
        said = f"{passes} of {number} said PASS and {len(votes) - passes} FAIL"
        return Verdict(passed=None, reason=f"the judge did not decide: {said}")
    return Verdict(
        passed=2 * passes > len(votes),
        score=passes / len(votes),
        reason=f"{passes} of {len(votes)} samples of the judge said PASS",
    )


def _with_costs(verdict: Verdict, drawn: Sequence[Sample]) -> Verdict:
    usd = [sample.usd for sample in drawn if sample.usd is not None]
    return Verdict(
        verdict.passed,
        verdict.answer,
        verdict.score,
        verdict.reason,
        usd=sum(usd) if usd else None,
        output_tokens=sum(sample.output_tokens or 0 for sample in drawn),
        seconds=sum(sample.seconds or 0.0 for sample in drawn),
    )
