"""What the batches of one backend are worked on with."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TypeVar, cast

import anyio

from osca_cli.console import harmless
from osca_cli.identity import canonical_json
from osca_cli.protocols import Batches
from osca_cli.run.drawing import retries_of, server_of
from osca_cli.run.money import Money
from osca_cli.run.retries import Retries, retrying
from osca_cli.run.session import Session
from osca_cli.run.tally import Tally
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.types import Spec
from osca_cli.store.batches import Batch, open_batches
from osca_cli.store.pool import Pool
from osca_cli.store.values import Run

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Polling:
    """How often a server is asked about batches.

    Attributes:
        first_s: Seconds until it is asked again the first time.
        growth: How much longer each wait is than the one before.
        longest_s: The longest of them.
        settle_s: A batch that is not listed so long after it was asked for was not created.
    """

    first_s: float = 2.0
    growth: float = 1.5
    longest_s: float = 120.0
    settle_s: float = 30.0

    def waits(self) -> Iterator[float]:
        """Yield the waits, in seconds, without end."""
        wait_s = self.first_s
        while True:
            yield wait_s
            wait_s = min(self.longest_s, wait_s * self.growth)


POLLING = Polling()


@dataclass(frozen=True, slots=True)
class BatchContext:
    """A backend's batch API, and the run that uses it.

    Attributes:
        name: The backend's name in the spec.
        place: Its server and the variable of its key: batches are seen from there alone.
        stopping: Once set, nothing further is handed over or waited for.
        under_way: The batches that this process is handing over.
    """

    name: str
    place: str
    api: Batches
    spec: Spec
    pool: Pool
    run: Run
    maker: CellMaker
    money: Money
    tally: Tally
    stopping: anyio.Event
    retries: Retries
    polling: Polling
    random: Random
    under_way: set[str]

    async def retrying(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Return what an attempt gives, tried again while its failures are passing ones."""
        return await retrying(attempt, self.retries, stopping=self.stopping, random=self.random)

    async def pause(self, seconds: float) -> None:
        """Wait, unless the run is stopping."""
        with anyio.move_on_after(seconds):
            await self.stopping.wait()

    def open(self) -> list[Batch]:
        """Return the batches of this place that have not ended."""
        return open_batches(self.pool, self.place)

    def tell(self, batch: Batch, news: str) -> None:
        """Tell the user something about a batch."""
        name = batch.id or f"with token {batch.token}"
        print(f"backend '{self.name}', batch {harmless(name)}: {news}", file=sys.stderr, flush=True)

    def leave(self) -> None:
        """Say which batches go on without this run."""
        for batch in self.open():
            state = self.tally.batches.get(batch.token)
            far = f", {state.done} of {state.total} done" if state else ""
            goes_on = f"goes on at the server{far}" if batch.id else "may have been handed over"
            self.tell(batch, f"{goes_on}; the same command collects it")


def batch_context(session: Session, maker: CellMaker, name: str) -> BatchContext | None:
    """Return what the batches of a backend are worked on with, or ``None`` where it has no batch API."""
    api = getattr(session.backends[name], "batches", None)
    if api is None:
        return None
    entry = session.spec.backends[name]
    return BatchContext(
        name=name,
        place=canonical_json(server_of(entry)),
        api=cast("Batches", api),
        spec=session.spec,
        pool=session.pool,
        run=session.run,
        maker=maker,
        money=session.money,
        tally=session.tally,
        stopping=session.sampling.stopping,
        retries=retries_of(entry, session.backends[name]),
        polling=POLLING,
        random=Random(),  # noqa: S311 - spreads retries
        under_way=session.under_way,
    )


def this_process() -> str:
    """Return what tells this process from others that use the pool."""
    return f"{socket.gethostname()} {os.getpid()}"


def is_gone(owner: str) -> bool:
    """Return whether a process is known to run no more; one of another machine never is.

    Args:
        owner: As :func:`this_process` wrote it. A process of our own number was one before us.
    """
    host, _, number = owner.rpartition(" ")
    if host != socket.gethostname():
        return False
    if int(number) == os.getpid():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
