"""Gets the verdicts of samples: from the pool, or by drawing, keeping and verifying them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio

from osca_cli.errors import (
    BackendError,
    BrokenBackendError,
    BudgetReachedError,
    InterruptedRunError,
    LostAnswerError,
    MissingSamplesError,
    OscaError,
    RefusedError,
    UnavailableError,
)
from osca_cli.model import Sample, Verdict
from osca_cli.run.claims import Claims
from osca_cli.run.drawing import Drawing, Reply
from osca_cli.run.judging import Judging
from osca_cli.run.reported import verdict_without_verifier
from osca_cli.run.tally import Tally
from osca_cli.run.verification import Verification
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.judges import JUDGE
from osca_cli.spec.types import Spec
from osca_cli.store.batches import owing
from osca_cli.store.pool import Pool
from osca_cli.store.values import Run


class Sampling:
    """Draws and verifies the samples of one run.

    Args:
        spec: The spec.
        maker: Makes what a judge is asked.
        pool: Where every sample and verdict goes the moment it arrives.
        run: The run that samples are drawn for.
        drawing: Draws them.
        verification: The worker processes that verifiers run in.
        tally: Counts what happens.
        stopping: Once set, nothing further is drawn.
        claims: Keeps other processes from drawing the same samples.
        offline: Whether a sample that the pool lacks is an error instead of a draw.

    Attributes:
        offline: As given.
        fatal: Why the run stops, where it does so by itself. What is in flight then is still kept.
    """

    def __init__(
        self,
        *,
        spec: Spec,
        maker: CellMaker,
        pool: Pool,
        run: Run,
        drawing: Drawing,
        verification: Verification,
        tally: Tally,
        stopping: anyio.Event,
        claims: Claims,
        offline: bool,
    ) -> None:
        self.stopping = stopping
        self.fatal: OscaError | None = None
        self._pool = pool
        self._run = run
        self._drawing = drawing
        self._verification = verification
        self._tally = tally
        self._claims = claims
        self.offline = offline
        self._judging = Judging(spec, maker, pool, tally, self.obtain_all)
        self._in_flight: dict[tuple[str, int], anyio.Event] = {}

    async def obtain(self, cell: Cell, index: int) -> Verdict | None:
        """Return the verdict of a sample, drawn now if need be; ``None`` where no sample came.

        Raises:
            MissingSamplesError: offline, and the pool lacks one.
        """
        return (await self.obtain_all(cell, [index])).get(index)

    async def obtain_accepted(self, cell: Cell, index: int) -> Verdict | None:
        """Return, once a sample has all its verdicts, that of what accepts; ``None`` where no sample came.

        Raises:
            MissingSamplesError: offline, and the pool lacks one.
        """
        verdict, one = await self.obtain(cell, index), cell.deciding
        sample = None if verdict is None else self._pool.sample(one.request_id, index)
        return None if sample is None else await self._verdict_of(one, index, sample)

    async def obtain_all(self, cell: Cell, indices: Sequence[int]) -> dict[int, Verdict]:
        """Return the verdicts of samples of a cell by their index; what is missing is drawn together.

        Raises:
            MissingSamplesError: offline, and the pool lacks one.
        """
        async with self._alone(cell, indices):
            verdicts, samples = self._there(cell, indices)
            samples |= await self._draw(cell, [i for i in indices if i not in verdicts and i not in samples])
            for index, sample in samples.items():
                verdicts[index] = await self._verdict(cell, index, sample)
            return verdicts

    async def verify(self, cell: Cell, index: int) -> None:
        """Verify a sample that is in the pool and counted already."""
        async with self._alone(cell, [index]):
            sample = self._pool.sample(cell.request_id, index)
            if sample and not self._judged(cell, index):
                await self._verdict(cell, index, sample)

    @asynccontextmanager
    async def _alone(self, cell: Cell, indices: Sequence[int]) -> AsyncIterator[None]:
        """Wait for the same samples of another configuration or process, which may make the same request."""
        places = [(cell.request_id, index) for index in indices]
        while busy := next((self._in_flight[place] for place in places if place in self._in_flight), None):
            await busy.wait()
        done = anyio.Event()
        self._in_flight.update(dict.fromkeys(places, done))
        try:
            async with self._claims.held(cell.request_id, indices):
                yield
        finally:
            for place in places:
                del self._in_flight[place]
            done.set()

    def _there(self, cell: Cell, indices: Sequence[int]) -> tuple[dict[int, Verdict], dict[int, Sample]]:
        """Return what the pool has: verdicts, and samples that have none."""
        verdicts, samples = {}, {}
        for index in indices:
            if verdict := self._judged(cell, index):
                verdicts[index] = verdict
            elif sample := self._pool.sample(cell.request_id, index):
                samples[index] = sample
        self._tally.found(cell.configuration.name, len(verdicts) + len(samples))
        return verdicts, samples

    def _judged(self, cell: Cell, index: int) -> Verdict | None:
        """Return the verdict that the pool has of a sample, unless another one that is wanted is missing."""
        verdicts = [self._known(one, index) for one in cell.checks]
        return verdicts[0] if all(verdicts) else None

    def _known(self, cell: Cell, index: int) -> Verdict | None:
        """Return a verdict that the pool has; what another tool said is no word of what accepts."""
        return self._pool.verdict(cell.request_id, cell.check_id, index, or_imported=not cell.accepts)

    async def _draw(self, cell: Cell, indices: Sequence[int]) -> dict[int, Sample]:
        """Draw and keep samples, by as many requests as it takes; those that fail are missing."""
        if indices and self.offline:
            raise MissingSamplesError(
                f"offline, and the pool {self._pool.path} lacks sample {indices[0]} of configuration"
                f" '{cell.configuration.name}' on problem '{cell.problem.id}' of task '{cell.problem.task}';"
                " run without --offline to draw it"
            )
        samples: dict[int, Sample] = {}
        while left := [index for index in indices if index not in samples]:
            try:
                refuse_owed(self._pool, cell, left)
                reply = await self._drawing.draw(cell, left)
            except InterruptedRunError:
                break
            except OscaError as error:
                self._failed(cell, left, error)
                break
            samples |= self._keep(cell, reply)
        return samples

    def _failed(self, cell: Cell, indices: Sequence[int], error: OscaError) -> None:
        """Note samples that did not come; where none like them will, the run stops.

        Raises:
            OscaError: it is not about a draw.
        """
        if isinstance(error, BudgetReachedError | UnavailableError):
            self.stop(error)
            return
        if not isinstance(error, BackendError):
            raise error
        if not isinstance(error, LostAnswerError | BrokenBackendError):  # noted with what they may have cost
            self._pool.add_errors(self._run, cell, indices, error)
        self._tally.failed(cell.configuration.name, error, len(indices))
        if isinstance(error, RefusedError):
            self.stop(error)

    def _keep(self, cell: Cell, reply: Reply) -> dict[int, Sample]:
        new = self._pool.add_samples(self._run, cell, reply.drawn, settle=reply.settle)
        kept = {}
        for drawn in reply.drawn:
            kept[drawn.index] = drawn.sample
            if drawn.index in new:
                self._tally.drew(cell.configuration.name, drawn.sample)
            else:  # another process drew it first; its sample is the one that counts
                self._tally.found(cell.configuration.name)
                kept[drawn.index] = self._pool.sample(cell.request_id, drawn.index) or drawn.sample
        return kept

    def stop(self, error: OscaError) -> None:
        """Let what is in flight end, since it is paid for, and draw nothing more."""
        self.fatal = self.fatal or error
        self.stopping.set()

    async def _verdict(self, cell: Cell, index: int, sample: Sample) -> Verdict:
        """Give and keep the verdicts of a sample; return the one that says whether it passes."""
        verdict, *others = [await self._verdict_of(one, index, sample) for one in cell.checks]
        self._tally.verified(cell.configuration.name, verdict)
        for other in others:
            if other.passed is None:
                self._tally.verified(cell.configuration.name, other)
        return verdict

    async def _verdict_of(self, cell: Cell, index: int, sample: Sample) -> Verdict:
        verdict = verdict_without_verifier(cell.check, sample)
        if verdict is None and (known := self._known(cell, index)):
            return known
        if verdict is None and cell.check.type == JUDGE:
            verdict = await self._judging.verdict(cell, sample)
        elif verdict is None:
            verdict = await self._verification.verify(cell.check, sample.text)
        self._pool.add_verdict(cell, index, verdict)
        return verdict


def refuse_owed(pool: Pool, cell: Cell, indices: Sequence[int]) -> None:
    """Refuse to pay again for samples that are on their way in a batch.

    Raises:
        UnavailableError: one of them is.
    """
    for index in indices:
        if found := owing(pool, cell.request_id, index):
            batch, place = found
            raise UnavailableError(
                f"sample {index} of configuration '{cell.configuration.name}' on problem"
                f" '{cell.problem.id}' is on its way in batch {batch}; first collect it, by a pilot or"
                f" --measure with a backend at {place}"
            )
