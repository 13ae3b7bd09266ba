"""Gets the verdict of a sample: from the pool, or by drawing, keeping and verifying it."""

from __future__ import annotations

import anyio

from osca_cli.errors import (
    BackendError,
    BudgetReachedError,
    InterruptedRunError,
    LostAnswerError,
    MissingSamplesError,
    OscaError,
    RefusedError,
    UnavailableError,
)
from osca_cli.model import Sample, Verdict
from osca_cli.run.drawing import Drawing
from osca_cli.run.reported import verdict_without_verifier
from osca_cli.run.tally import Tally
from osca_cli.run.verification import Verification
from osca_cli.spec.cells import Cell
from osca_cli.store.pool import Pool, Run


class Sampling:
    """Draws and verifies the samples of one run.

    Args:
        pool: Where every sample and verdict goes the moment it arrives.
        run: The run that samples are drawn for.
        drawing: Draws them.
        verification: The worker processes that verifiers run in.
        tally: Counts what happens.
        stopping: Once set, nothing further is drawn.
        offline: Whether a sample that the pool lacks is an error instead of a draw.

    Attributes:
        fatal: Why the run stops, where it does so by itself. What is in flight then is still kept.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        run: Run,
        drawing: Drawing,
        verification: Verification,
        tally: Tally,
        stopping: anyio.Event,
        offline: bool,
    ) -> None:
        self.stopping = stopping
        self.fatal: OscaError | None = None
        self._pool = pool
        self._run = run
        self._drawing = drawing
        self._verification = verification
        self._tally = tally
        self._offline = offline
        self._in_flight: dict[tuple[str, int], anyio.Event] = {}

    async def obtain(self, cell: Cell, index: int) -> Verdict | None:
        """Return the verdict of a sample, drawn now if need be; ``None`` where no sample came.

        Raises:
            MissingSamplesError: offline, and the pool lacks one.
        """
        # Two configurations may make the same request: the second waits for the first one's sample.
        place = cell.request_id, index
        while place in self._in_flight:
            await self._in_flight[place].wait()
        done = self._in_flight[place] = anyio.Event()
        try:
            verdict = self._pool.verdict(cell.request_id, cell.check_id, index)
            if verdict is not None:
                self._tally.found(cell.configuration.name)
                return verdict
            sample = await self._sample(cell, index)
            return await self._verdict(cell, index, sample) if sample else None
        finally:
            del self._in_flight[place]
            done.set()

    async def _sample(self, cell: Cell, index: int) -> Sample | None:
        sample = self._pool.sample(cell.request_id, index)
        if sample is not None:
            self._tally.found(cell.configuration.name)
            return sample
        if self._offline:
            raise MissingSamplesError(
                f"offline, and the pool {self._pool.path} lacks sample {index} of configuration"
                f" '{cell.configuration.name}' on problem '{cell.problem.id}' of task '{cell.problem.task}';"
                " run without --offline to draw it"
            )
        try:
            return await self._draw(cell, index)
        except InterruptedRunError:
            return None
        except (BudgetReachedError, UnavailableError) as error:
            self._stop(error)
            return None
        except BackendError as error:
            if not isinstance(error, LostAnswerError):  # that one is noted with what it may have cost
                self._pool.add_error(self._run, cell, index, error)
            self._tally.failed(cell.configuration.name, error)
            if isinstance(error, RefusedError):
                self._stop(error)
            return None

    async def _draw(self, cell: Cell, index: int) -> Sample:
        drawn = await self._drawing.draw(cell, index)
        new = self._pool.add_sample(
            self._run, cell, index, drawn.sample, key=drawn.key, seed=drawn.seed, settle=drawn.settle
        )
        if new:
            self._tally.drew(cell.configuration.name, drawn.sample)
            return drawn.sample
        # Another process drew it first; its sample is the one that counts.
        self._tally.found(cell.configuration.name)
        return self._pool.sample(cell.request_id, index) or drawn.sample

    def _stop(self, error: OscaError) -> None:
        """Let what is in flight end, since it is paid for, and draw nothing more."""
        self.fatal = self.fatal or error
        self.stopping.set()

    async def _verdict(self, cell: Cell, index: int, sample: Sample) -> Verdict:
        verdict = verdict_without_verifier(cell.check, sample)
        if verdict is None:
            verdict = await self._verification.verify(cell.check, sample.text)
        self._pool.add_verdict(cell, index, verdict)
        self._tally.verified(cell.configuration.name, verdict)
        return verdict
