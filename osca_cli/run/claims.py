"""Keeps processes that share a pool from drawing the same sample twice.

A sample is claimed by a lock on one byte of a file beside the pool: the operating system gives it up with the
process, however that ends, so that nothing is left to clean up. Why not rows: docs/decisions/112-claims.md.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from pathlib import Path

import anyio

if sys.platform != "win32":  # which has no such locks: two processes may draw a sample twice there
    import fcntl

FIRST_WAIT_S, LONGEST_WAIT_S = 0.01, 0.25
_PLACES = 1 << 62


class Claims:
    """The samples that this process is drawing, as other processes of this machine see them.

    Args:
        file: A descriptor of the file whose bytes are locked; ``None`` claims nothing.
        stopping: Once set, nothing is waited for.
    """

    def __init__(self, file: int | None, stopping: anyio.Event) -> None:
        self._file = file
        self._stopping = stopping

    @asynccontextmanager
    async def held(self, request: str, indices: Sequence[int]) -> AsyncIterator[None]:
        """Hold samples while the context lasts; waits while another process holds one of them.

        They are taken in one order by all, so that no two processes wait for each other.
        """
        taken: list[int] = []
        try:
            for place in sorted(_place(request, index) for index in indices):
                await self._take(place)
                taken.append(place)
            yield
        finally:
            for place in taken:
                self._lock(place, give_up=True)

    async def _take(self, place: int) -> None:
        wait_s = FIRST_WAIT_S
        while not self._lock(place) and not self._stopping.is_set():
            await anyio.sleep(wait_s)
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)

    def _lock(self, place: int, *, give_up: bool = False) -> bool:
        """Return whether a byte is ours; a file system without locks refuses nobody."""
        if sys.platform == "win32" or self._file is None:
            return True
        how = fcntl.LOCK_UN if give_up else fcntl.LOCK_EX | fcntl.LOCK_NB
        try:
            fcntl.lockf(self._file, how, 1, place)
        except OSError as error:
            return error.errno not in {errno.EACCES, errno.EAGAIN}
        return True


@contextmanager
def claims_beside(pool: Path | None, stopping: anyio.Event) -> Iterator[Claims]:
    """Open the claims of those who draw into a pool; without one nothing is claimed."""
    file = None
    if sys.platform != "win32" and pool is not None:
        try:
            file = os.open(f"{pool}-claims", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            file = None
    try:
        yield Claims(file, stopping)
    finally:
        if file is not None:
            os.close(file)


def _place(request: str, index: int) -> int:
    return int.from_bytes(sha256(f"{request} {index}".encode()).digest()[:8]) % _PLACES
