"""A running sandbox, and the conversation with what works in it."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Mapping
from typing import Any, Protocol, Self

from osca_verifiers.sandbox.inside.frames import HEAD, LONGEST, packed
from osca_verifiers.sandbox.limits import MEGABYTE, Limits
from osca_verifiers.sandbox.processes import SandboxError, descendants, memory

_TICK_S = 0.05
_START_LIMIT_S = 20.0
_OWN_MB = 32
"""What works in a sandbox besides the program may use so much more."""


class Gone(Exception):  # noqa: N818 - an ending, not always an error
    """What worked in a sandbox is no more; the message says why."""


class Late(Gone):
    """It was too slow."""


class Running(Protocol):
    """A process in a sandbox of some kind, with pipes to its standard input and output."""

    @property
    def pid(self) -> int:
        """The process that all others in it descend from."""

    @property
    def pipes(self) -> tuple[int, int]:
        """The file descriptors that are written to and read from."""

    def alive(self) -> bool:
        """Tell whether it still runs."""

    def files(self, pid: int) -> int:
        """Return how many files are in the folder that holds most; ``pid`` is one of its processes."""

    def end(self) -> str:
        """Kill all that is in it, wait until it is gone, and return the last line that it complained of."""


class Box:
    """A sandbox with a process in it that takes messages. Leaving the context ends all that is in it.

    Args:
        running: The process.
        limits: What all that is in it may use.
        shared: Whether the kernel counts its processes together with those of its user outside.
    """

    def __init__(self, running: Running, limits: Limits, *, shared: bool) -> None:
        self._running = running
        self._limits = limits
        self._shared = shared
        self._to, self._from = running.pipes
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._read = bytearray()
        self._watched = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def prepare(self, files: Mapping[str, str]) -> None:
        """Set the limits and write files, before anything else.

        Raises:
            SandboxError: what should work in it does not start.
        """
        try:
            self.send(
                {"op": "prepare", "limits": self._limits.inside(shared=self._shared), "files": files},
                _START_LIMIT_S,
            )
            self.receive(_START_LIMIT_S)
            self._watched = True  # not before: its root is still ours while it is being made
        except Gone as gone:
            raise SandboxError(f"a sandbox does not start: {self.end() or gone}") from None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._running.alive()

    def send(self, message: Any, seconds: float) -> None:
        """Send a message.

        Raises:
            Gone: nobody takes it.
        """
        left = memoryview(packed(message))
        end = time.monotonic() + seconds
        while left:
            self._wait(self._to, select.POLLOUT, end)
            try:
                left = left[os.write(self._to, left) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Gone("it ended") from None

    def receive(self, seconds: float) -> Any:
        """Return the next message.

        Raises:
            Late: none came in time.
            Gone: none will; or it used more than it may, and was ended.
        """
        end = time.monotonic() + seconds
        while (body := self._whole()) is None:
            self._wait(self._from, select.POLLIN, end)
            try:
                part = os.read(self._from, 1 << 20)
            except BlockingIOError:
                continue
            if not part:
                raise Gone("it ended")
            self._read += part
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise Gone("it wrote nonsense") from None

    def end(self) -> str:
        """Kill all that is in it, wait until it is gone, and return what it complained of last."""
        return self._running.end()

    def _whole(self) -> bytes | None:
        """Take the next message from what was read, if all of it is there."""
        if len(self._read) < HEAD:
            return None
        length = int.from_bytes(self._read[:HEAD], "big")
        if length > LONGEST:
            raise Gone("it wrote too much")
        if len(self._read) < HEAD + length:
            return None
        body = bytes(self._read[HEAD : HEAD + length])
        del self._read[: HEAD + length]
        return body

    def _wait(self, file: int, event: int, end: float) -> None:
        """Wait until a pipe is ready, with an eye on what the sandbox uses."""
        poll = select.poll()
        poll.register(file, event)
        while not poll.poll(1000 * min(_TICK_S, max(0.0, end - time.monotonic()))):
            if time.monotonic() >= end:
                raise Late("it was too slow")
            if self._watched and (excess := self._excess()):
                raise Gone(excess)

    def _excess(self) -> str:
        """Say what all processes together use more of than they may."""
        pids = descendants(self._running.pid)
        if sum(map(memory, pids)) > (self._limits.memory_mb + _OWN_MB) * MEGABYTE:
            return f"it used more than {self._limits.memory_mb} MB of memory"
        if pids and self._running.files(pids[-1]) > self._limits.files:
            return f"it made more than {self._limits.files} files"
        return ""
