"""Hands samples over to a batch API, so that none is paid for twice whenever the process ends."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio

from osca_cli.errors import (
    BackendError,
    BusyError,
    InterruptedRunError,
    RefusedError,
    RetryableError,
    UnavailableError,
)
from osca_cli.identity import draw_seed, sample_key
from osca_cli.run.batch_context import BatchContext, this_process
from osca_cli.run.batch_search import search
from osca_cli.run.drawing import placed
from osca_cli.run.money import most_usage
from osca_cli.spec.cells import Cell
from osca_cli.spec.prices import Price
from osca_cli.spec.types import Configuration
from osca_cli.store.batches import (
    BatchRow,
    mark_sent,
    open_batch,
    prepare,
    release,
    row_name,
    set_id,
)


@dataclass(slots=True)
class Pile:
    """Samples that go into one batch: of one model, and of one kind of prompt.

    Attributes:
        token: The batch's name.
        configuration: Whose sample is the first.
        price: What they cost in a batch.
        rows: The samples, with what is set aside for each.
        lines: What the vendor is sent for each.
        keys: Their identities.
        size: How long the lines are together, in bytes.
    """

    token: str
    configuration: Configuration
    price: Price | None
    rows: list[BatchRow] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    size: int = 0


class Piles:
    """Sorts samples into batches of the size that a vendor takes.

    Args:
        context: The backend.
        most_rows: How many rows a batch may have, where the vendor has asked for smaller ones.
    """

    def __init__(self, context: BatchContext, most_rows: int | None) -> None:
        self._context = context
        self._most = min(context.api.most_rows, most_rows or context.api.most_rows)
        self._piles: dict[tuple[str, type], Pile] = {}

    def add(self, cell: Cell, index: int) -> Pile | None:
        """Add a sample; return a pile that is full."""
        kind = cell.configuration.model, type(cell.request.prompt)
        if kind not in self._piles:
            self._piles[kind] = self._pile(cell.configuration)
        pile = self._piles[kind]
        key = sample_key(cell.request, index)
        if key in pile.keys:
            return None  # another configuration makes the same request
        pile.keys.add(key)
        seed = draw_seed(self._context.spec.seed, key)
        most = 0.0 if pile.price is None else pile.price.most_usd(most_usage(cell.request))
        line = self._line(pile, cell, key, seed)
        pile.rows.append(BatchRow(cell.request_id, index, key, seed, most))
        pile.lines.append(line)
        pile.size += len(line) + 1
        full = len(pile.rows) >= self._most or pile.size >= self._context.api.most_bytes
        return self._piles.pop(kind) if full else None

    def rest(self) -> Sequence[Pile]:
        """Return the piles that are not full."""
        return [*self._piles.values()]

    def _pile(self, configuration: Configuration) -> Pile:
        return Pile(secrets.token_hex(8), configuration, self._context.maker.price(configuration, pilot=True))

    def _line(self, pile: Pile, cell: Cell, key: str, seed: int) -> bytes:
        name = row_name(pile.token, key)
        try:
            return self._context.api.row(name, cell.configuration.model, cell.request, seed)
        except RefusedError as error:
            raise placed(self._context.spec, cell.configuration, error) from error


class Sending:
    """Hands piles over, one after the other.

    Attributes:
        short: A configuration and what its sample may cost, where the spec's limit in USD left samples out.
    """

    def __init__(self, context: BatchContext) -> None:
        self.short: tuple[Configuration, float] | None = None
        self._context = context
        self._turn = anyio.Lock()

    async def send(self, pile: Pile) -> None:
        """Record a batch, with its money set aside, and have the vendor create it.

        Raises:
            BackendError: the vendor does not create it.
        """
        async with self._turn:
            self._context.under_way.add(pile.token)
            try:
                await self._send(pile)
            finally:
                self._context.under_way.discard(pile.token)

    async def _send(self, pile: Pile) -> None:
        context = self._context
        if context.stopping.is_set():
            return
        lines = self._prepared(pile)
        if not lines:
            return
        try:
            uploaded = await context.retrying(partial(context.api.upload, lines))
        except BackendError as error:
            release(context.pool, pile.token, unsent=True)
            raise self._told(pile, error) from error
        if not mark_sent(context.pool, pile.token):
            return  # another process took it for abandoned, and its samples for free
        set_id(context.pool, pile.token, await self._created(pile, uploaded, lines))
        if batch := open_batch(context.pool, pile.token):
            context.tell(batch, f"{len(lines)} samples of {batch.model} handed over")

    def _prepared(self, pile: Pile) -> list[bytes]:
        """Record the batch; return its lines, none where nothing is left for it."""
        context = self._context
        rows, cut = prepare(
            context.pool,
            context.run,
            pile.rows,
            token=pile.token,
            place=context.place,
            backend=context.name,
            model=pile.configuration.model,
            price=pile.price,
            owner=this_process(),
            limit=context.spec.limit_usd,
        )
        if cut:
            self.short = pile.configuration, min(row.reserved for row in pile.rows)
        held = {row.key for row in rows}
        return [line for row, line in zip(pile.rows, pile.lines, strict=True) if row.key in held]

    async def _created(self, pile: Pile, uploaded: str, lines: Sequence[bytes]) -> str:
        """Have the batch created, once, and return the vendor's name for it."""
        context = self._context

        async def attempt() -> str:
            try:
                return await context.api.create(pile.token, uploaded, lines)
            except BusyError:
                raise
            except RetryableError:
                if found := await search(context, pile.token, len(lines)):
                    return found
                raise

        try:
            return await context.retrying(attempt)
        except (UnavailableError, InterruptedRunError):
            raise  # it may have been created: the next run looks for it
        except BackendError as error:
            release(context.pool, pile.token)
            raise self._told(pile, error) from error

    def _told(self, pile: Pile, error: BackendError) -> BackendError:
        """Return why a batch was not created, as an error that ends the run."""
        if isinstance(error, RefusedError):
            return placed(self._context.spec, pile.configuration, error)
        return UnavailableError(
            f"backend '{self._context.name}': a batch could not be handed over: {error}; nothing was charged,"
            " and the same command tries again"
        )
