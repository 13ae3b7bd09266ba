"""Finds a batch whose making was cut short: by a crash, a broken connection, another process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from osca_cli.errors import InterruptedRunError, RetryableError, UnavailableError
from osca_cli.protocols import Found
from osca_cli.run.batch_context import BatchContext, is_gone
from osca_cli.store.batches import Batch, open_batch, release, set_id


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


async def search(
    context: BatchContext, token: str, size: int, *, clock: Callable[[], datetime] = utc_now
) -> str | None:
    """Look for a batch that the vendor may have created; return its name there, or ``None`` if it was not.

    Raises:
        UnavailableError: the vendor does not say.
        InterruptedRunError: the run is stopping.
    """
    batch = open_batch(context.pool, token)
    if batch is None or batch.sent_at is None:
        return None
    until = clock() + timedelta(seconds=context.polling.settle_s)
    for wait_s in context.polling.waits():
        found = await _found(context, batch, size)
        if found.id is not None or (found.certain and clock() >= until):
            return found.id
        await context.pause(wait_s)
        if context.stopping.is_set():
            break
    raise InterruptedRunError("the run is stopping")


async def identified(
    context: BatchContext, batch: Batch, *, clock: Callable[[], datetime] = utc_now
) -> str | None:
    """Return the vendor's name for a batch that the pool has none for, or ``None`` where there is no batch.

    Then its samples may be drawn. One that another process is about to make is waited for.
    """
    now: Batch | None = batch
    for wait_s in context.polling.waits():
        if now is None or now.id is not None or context.stopping.is_set():
            break
        if _abandoned(context, now, clock()):
            return await _settled(context, now)
        await context.pause(wait_s)
        now = open_batch(context.pool, batch.token)
    return None if now is None else now.id


async def _settled(context: BatchContext, batch: Batch) -> str | None:
    """Find an abandoned batch, or end it."""
    if batch.sent_at is None:
        release(context.pool, batch.token, unsent=True)
        return None
    context.tell(batch, "a run ended while it was handed over; looking whether the server has it")
    try:
        name = await search(context, batch.token, batch.size)
    except InterruptedRunError:
        return None
    if name is None:
        context.tell(batch, "the server does not have it: its samples are asked for again")
        release(context.pool, batch.token)
    else:
        set_id(context.pool, batch.token, name)
    return name


def _abandoned(context: BatchContext, batch: Batch, now: datetime) -> bool:
    """Return whether nobody is handing a batch over any more."""
    if batch.token in context.under_way:
        return False
    longest = timedelta(seconds=context.api.create_s + context.polling.settle_s)
    return is_gone(batch.owner) or now > (batch.sent_at or batch.prepared_at) + longest


async def _found(context: BatchContext, batch: Batch, size: int) -> Found:
    since = batch.sent_at or batch.prepared_at
    try:
        return await context.retrying(partial(context.api.find, batch.token, size, since))
    except RetryableError as error:
        raise UnavailableError(
            f"backend '{context.name}': a batch may have been created, and the server does not say: {error};"
            " the same command looks for it again"
        ) from error
