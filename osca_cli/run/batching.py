"""Draws by a vendor's batch API: hands over what is missing, waits, keeps what comes back, and asks again.

What is on its way is in the pool, so that a run which was killed or interrupted is taken up by the next one
where it was (docs/decisions/063-batches.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import count

from osca_cli.errors import OscaError, UnavailableError
from osca_cli.run.batch_context import BatchContext, batch_context
from osca_cli.run.batch_results import Results
from osca_cli.run.batch_sending import Pile, Piles, Sending
from osca_cli.run.concurrency import for_each
from osca_cli.run.missing import Ask, Lack, lacking
from osca_cli.run.sampling import refuse_owed
from osca_cli.run.session import Session
from osca_cli.spec.cells import CellMaker
from osca_cli.store.batches import places

AT_ONCE = 8  # cells verified while batches are made: each worker may hold one batch in memory


async def draw_batches(session: Session, maker: CellMaker, parts: Sequence[Ask], name: str) -> bool:
    """Collect the batches of a backend that are open, and draw by batches if its entry says so.

    Returns:
        Whether nothing is left to draw one by one.
    """
    context = None if session.sampling.offline else batch_context(session, maker, name)
    if context is None:
        return False
    batched = session.spec.backends[name].batch
    batching = _Batching(context, session)
    try:
        await (batching.draw(parts) if batched else batching.collect())
    except OscaError as error:
        session.sampling.stop(error)
    finally:
        if session.sampling.stopping.is_set():
            context.leave()
    return batched


def count_owed(session: Session, maker: CellMaker, parts: Sequence[Ask]) -> None:
    """Count, as failed draws, samples that are on their way in batches which this run could not collect."""
    if not places(session.pool) or session.sampling.stopping.is_set():
        return
    for part in parts:
        for lack in lacking(maker, session.pool, part, register=False):
            for index in lack.owed:
                try:
                    refuse_owed(session.pool, lack.cell, [index])
                except UnavailableError as error:
                    session.tally.failed(lack.cell.configuration.name, error)


class _Batching:
    """The batches of one backend."""

    def __init__(self, context: BatchContext, session: Session) -> None:
        self._context = context
        self._session = session
        self._results = Results(context, session.sampling)
        self._sending = Sending(context)

    async def collect(self) -> None:
        """Wait for the batches that are open and keep what they give."""
        if self._context.open():
            await self._results.collect()

    async def draw(self, parts: Sequence[Ask]) -> None:
        """Draw and verify what is missing, in as many turns as what failed in passing needs."""
        for turn in count():
            await self._send(parts, first=turn == 0)
            if self._context.stopping.is_set():
                return
            if self._context.open():
                await self._results.collect()
            elif self._sending.short is not None:
                await self._context.money.more(*self._sending.short)
            else:
                return

    async def _send(self, parts: Sequence[Ask], *, first: bool) -> None:
        """Hand over what is missing, and verify what is there."""
        self._sending.short = None

        async def do(work: Callable[[], Awaitable[None]]) -> None:
            await work()

        work = self._work(parts, first=first)
        await for_each(work, do, at_once=AT_ONCE, stopping=self._context.stopping)

    def _work(self, parts: Sequence[Ask], *, first: bool) -> Iterator[Callable[[], Awaitable[None]]]:
        """Yield what is to be done: a sample to verify, a batch to send."""
        piles = Piles(self._context, most_rows=self._results.most_rows)
        for part in parts:
            for lack in lacking(self._context.maker, self._context.pool, part, register=True):
                yield from self._verifications(lack, first=first)
                for index in lack.undrawn:
                    place = lack.cell.request_id, index
                    if place not in self._results.given_up and (full := piles.add(lack.cell, index)):
                        yield partial(self._sent, full)
        for pile in piles.rest():
            yield partial(self._sent, pile)

    def _verifications(self, lack: Lack, *, first: bool) -> Iterator[Callable[[], Awaitable[None]]]:
        """Yield the verification of samples; those that came in this run are counted already."""
        if first:
            self._session.tally.found(lack.cell.configuration.name, lack.there + len(lack.unverified))
        for index in lack.unverified:
            yield partial(self._session.sampling.verify, lack.cell, index)

    async def _sent(self, pile: Pile) -> None:
        try:
            await self._sending.send(pile)
        except OscaError as error:
            if not self._context.stopping.is_set():  # then it is only that nobody waits any more
                self._session.sampling.stop(error)
