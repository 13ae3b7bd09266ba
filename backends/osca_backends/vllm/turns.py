"""Lets one model at a time have the memory that engines share, whichever backend of a spec it belongs to."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import anyio
from anyio.lowlevel import RunVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Holder(Protocol):
    """Something that takes the memory when it is used."""

    async def free(self) -> None:
        """Give the memory back."""


class Memory:
    """Has one holder at a time. A holder that is used stays; once nobody uses it, it makes place."""

    def __init__(self) -> None:
        self._holder: Holder | None = None
        self._users = 0
        self._changing = False
        self._changed = anyio.Event()

    @asynccontextmanager
    async def held_by(self, holder: Holder) -> AsyncIterator[None]:
        """Wait until the memory is this holder's; it stays so while the context lasts."""
        while self._holder is not holder:
            if self._users or self._changing:
                await self._changed.wait()
            else:
                await self._give(holder)
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._tell()

    async def release(self, holder: Holder) -> None:
        """Take the memory back from a holder, if it is this one's."""
        if self._holder is holder:
            self._holder = None
        await holder.free()

    async def _give(self, holder: Holder) -> None:
        self._changing = True
        previous, self._holder = self._holder, None
        try:
            if previous is not None:
                await previous.free()
            self._holder = holder
        finally:
            self._changing = False
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


_MEMORY: RunVar[Memory] = RunVar("osca vllm memory")


def shared_memory() -> Memory:
    """Return the memory that all engines of this run share."""
    memory = _MEMORY.get(None)
    if memory is None:
        memory = Memory()
        _MEMORY.set(memory)
    return memory
