"""Waits for batches and keeps what they give, each row once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

import anyio

from osca_cli.errors import (
    BackendError,
    BusyError,
    LostAnswerError,
    OscaError,
    RefusedError,
    RetryableError,
    UnavailableError,
)
from osca_cli.model import Sample
from osca_cli.protocols import BatchState
from osca_cli.run.batch_context import BatchContext
from osca_cli.run.batch_search import identified, utc_now
from osca_cli.run.drawing import placed
from osca_cli.run.money import Stake
from osca_cli.run.sampling import Sampling
from osca_cli.store.batches import (
    Batch,
    BatchRow,
    configuration_of,
    end,
    keep_error,
    keep_sample,
    release,
    rows_of,
)

RETAINED = timedelta(days=30)  # vendors keep results no longer


class Results:
    """The results of one backend's batches.

    Attributes:
        given_up: Samples that this run asks for no more, by request and index.
        most_rows: How many rows the server takes in a batch, where it has refused one as too large.
    """

    def __init__(self, context: BatchContext, sampling: Sampling) -> None:
        self.given_up: set[tuple[str, int]] = set()
        self.most_rows: int | None = None
        self._context = context
        self._sampling = sampling
        self._failed: Counter[tuple[str, int]] = Counter()
        self._refused_as_full = 0

    async def collect(self) -> None:
        """Wait until all batches that are open have ended, and keep what they give."""
        async with anyio.create_task_group() as group:
            for batch in self._context.open():
                group.start_soon(self._follow, batch)

    async def _follow(self, batch: Batch) -> None:
        context = self._context
        if batch.run.id != context.run.id:
            left, since = len(rows_of(context.pool, batch.token)), batch.prepared_at
            context.tell(batch, f"{left} samples of {batch.model} to come, since {since:%Y-%m-%d %H:%M} UTC")
        try:
            with context.money.owing():
                name = batch.id or await identified(context, batch)
                state = await self._ended(batch, name) if name else None
                if name and state:
                    await self._keep_all(batch, name, state)
                    context.tally.batches.pop(batch.token, None)
        except OscaError as error:
            if not context.stopping.is_set():  # then it is only that nobody waits any more
                self._sampling.stop(error)

    async def _ended(self, batch: Batch, name: str) -> BatchState | None:
        """Ask how far a batch is, ever more seldom, until it has ended; ``None`` where nobody will know."""
        context = self._context
        for wait_s in context.polling.waits():
            try:
                state = await context.retrying(partial(context.api.state, name))
            except RetryableError as error:
                if context.stopping.is_set():
                    break
                raise UnavailableError(
                    f"batch {name} of backend '{context.name}' cannot be asked for: {error}; it goes on, and"
                    " the same command collects it"
                ) from error
            except RefusedError as error:
                self._unknown(batch, name, error)
                break
            context.tally.batches[batch.token] = state
            if state.ended:
                return state
            await context.pause(wait_s)
            if context.stopping.is_set():
                break
        return None

    def _unknown(self, batch: Batch, name: str, error: RefusedError) -> None:
        """Stop at a batch whose state or results the server does not show; after a month give it up."""
        if utc_now() - batch.prepared_at < RETAINED:
            raise RefusedError(
                f"batch {name} of backend '{batch.backend}', made at {batch.prepared_at:%Y-%m-%d %H:%M}:"
                f" {error}; collect it with the key that it was made with"
            ) from error
        for row in rows_of(self._context.pool, batch.token).values():
            self._keep(batch, row, LostAnswerError(f"batch {name} is not there any more: {error}"))
        end(self._context.pool, batch.token)

    async def _keep_all(self, batch: Batch, name: str, state: BatchState) -> None:
        if state.failure is not None:
            await self._refused(batch, state.failure)
            return
        try:
            refused = await self._context.retrying(partial(self._read, batch, name))
        except RefusedError as error:
            self._unknown(batch, name, error)
            return
        for row in rows_of(self._context.pool, batch.token).values():
            self._keep(batch, row, LostAnswerError(f"batch {name} ended without a result for a sample"))
        end(self._context.pool, batch.token)
        self._refused_as_full = 0
        if refused is not None:
            self._sampling.stop(refused)

    async def _read(self, batch: Batch, name: str) -> RefusedError | None:
        """Keep the results of a batch; return why the run should stop, if the server refused a sample."""
        rows = rows_of(self._context.pool, batch.token)
        refused = None
        async for row_name, result in self._context.api.results(name):
            if (row := rows.pop(row_name, None)) is None:
                continue  # kept before the run was killed or the connection cut
            self._keep(batch, row, result)
            if isinstance(result, RefusedError) and refused is None:
                refused = self._placed(row, result)
        return refused

    def _keep(self, batch: Batch, row: BatchRow, result: Sample | BackendError) -> None:
        """Keep the result of one row and settle what it cost."""
        context, stake = self._context, Stake(batch.price, 1, row.reserved, 0.0)
        if isinstance(result, Sample):
            sample = result.costing(context.money.cost(stake, [result])[0])
            if keep_sample(context.pool, batch, row, sample):
                context.tally.drew(configuration_of(context.pool, row.request), sample)
            return
        lost = isinstance(result, LostAnswerError)
        usd = context.money.lost(stake, result.usage) if isinstance(result, LostAnswerError) else None
        final = self._is_final(row, result)
        if not keep_error(context.pool, batch, row, result if lost or final else None, usd):
            return
        if final:
            self.given_up.add((row.request, row.index))
            context.tally.failed(configuration_of(context.pool, row.request), result)

    def _is_final(self, row: BatchRow, error: BackendError) -> bool:
        """Return whether a sample is asked for no more in this run."""
        place = row.request, row.index
        if not isinstance(error, RetryableError) or self._failed[place] >= self._context.retries.most:
            return True
        self._failed[place] += 1
        return False

    async def _refused(self, batch: Batch, failure: BackendError) -> None:
        """Take note that the server worked on none of a batch's rows."""
        context = self._context
        row = next(iter(rows_of(context.pool, batch.token).values()), None)
        release(context.pool, batch.token)
        if row is not None and isinstance(failure, RefusedError):
            raise self._placed(row, failure)
        self._refused_as_full += 1
        if not isinstance(failure, BusyError) or self._refused_as_full > context.retries.most:
            raise UnavailableError(
                f"backend '{context.name}': {failure}; nothing was charged, and the same command tries again"
            ) from failure
        if not context.open():
            self.most_rows = max(1, batch.size // 2)
        polling = context.polling
        await context.pause(min(polling.longest_s, polling.first_s * 2**self._refused_as_full))

    def _placed(self, row: BatchRow, error: RefusedError) -> RefusedError:
        """Return an error with the place of its configuration, where the spec still has that."""
        name = configuration_of(self._context.pool, row.request)
        found = [one for one in self._context.spec.configurations if one.name == name]
        return placed(self._context.spec, found[0], error) if found else error
