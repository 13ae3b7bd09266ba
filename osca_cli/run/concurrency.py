"""Does many things at once, but never more than so many, and stops when asked to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

Item = TypeVar("Item")


async def for_each(
    items: Iterable[Item], work: Callable[[Item], Awaitable[None]], *, at_once: int, stopping: anyio.Event
) -> None:
    """Do work on every item, at most ``at_once`` of them together.

    Items are taken one by one as workers become free, so an iterator of any length needs no memory. Once
    ``stopping`` is set no further item is taken.
    """
    remaining = iter(items)

    async def worker() -> None:
        while not stopping.is_set():
            try:
                item = next(remaining)
            except StopIteration:
                return
            await work(item)

    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(worker)
