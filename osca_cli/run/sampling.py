"""Gets the verdict of a sample: from the pool, or by drawing, keeping and verifying it."""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from osca_cli.errors import BackendError, MissingSamplesError, UnavailableError
from osca_cli.identity import draw_seed, sample_key
from osca_cli.model import Sample, Verdict
from osca_cli.protocols import Backend
from osca_cli.run.tally import Tally
from osca_cli.run.verification import Verification
from osca_cli.spec.cells import Cell
from osca_cli.store.pool import Pool, Run


class Sampling:
    """Draws and verifies the samples of one run.

    Args:
        pool: Where every sample and verdict goes the moment it arrives.
        run: The run that samples are drawn for.
        backends: By name.
        verification: The worker processes that verifiers run in.
        tally: Counts what happens.
        seed: The run's seed.
        offline: Whether a sample that the pool lacks is an error instead of a draw.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        run: Run,
        backends: Mapping[str, Backend],
        verification: Verification,
        tally: Tally,
        seed: int,
        offline: bool,
    ) -> None:
        self.stopping = anyio.Event()
        self._pool = pool
        self._run = run
        self._backends = backends
        self._verification = verification
        self._tally = tally
        self._seed = seed
        self._offline = offline
        self._slots = {
            name: anyio.CapacityLimiter(backend.max_in_flight) for name, backend in backends.items()
        }
        self._in_flight: dict[tuple[str, int], anyio.Event] = {}

    async def obtain(self, cell: Cell, index: int) -> Verdict | None:
        """Return the verdict of a sample, drawn now if need be; ``None`` where no sample came.

        Raises:
            MissingSamplesError: offline, and the pool lacks one.
            UnavailableError: the model cannot be had.
        """
        verdict = self._pool.verdict(cell.request_id, cell.check_id, index)
        if verdict is not None:
            self._tally.found(cell.configuration.name)
            return verdict
        sample = await self._sample(cell, index)
        return await self._verdict(cell, index, sample) if sample else None

    async def _sample(self, cell: Cell, index: int) -> Sample | None:
        # Two configurations may make the same request: the second waits for the first one's sample.
        while (cell.request_id, index) in self._in_flight:
            await self._in_flight[cell.request_id, index].wait()
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
        done = self._in_flight[cell.request_id, index] = anyio.Event()
        try:
            return await self._draw(cell, index)
        except UnavailableError:
            raise
        except BackendError as error:
            self._pool.add_error(self._run, cell, index, error)
            self._tally.failed(cell.configuration.name, error)
            return None
        finally:
            del self._in_flight[cell.request_id, index]
            done.set()

    async def _draw(self, cell: Cell, index: int) -> Sample:
        name = cell.configuration.backend
        key = sample_key(cell.request, index)
        seed = draw_seed(self._seed, key)
        async with self._slots[name]:
            [sample] = await self._backends[name].draw(cell.configuration.model, cell.request, [seed])
        if self._pool.add_sample(self._run, cell, index, sample, key=key, seed=seed):
            self._tally.drew(cell.configuration.name, sample)
            return sample
        # Another process drew it first; its sample is the one that counts.
        self._tally.found(cell.configuration.name)
        return self._pool.sample(cell.request_id, index) or sample

    async def _verdict(self, cell: Cell, index: int, sample: Sample) -> Verdict:
        verdict = await self._verification.verify(cell.check, sample.text)
        self._pool.add_verdict(cell, index, verdict)
        self._tally.verified(cell.configuration.name, verdict)
        return verdict
