"""A running sandbox, and the conversation with what works in it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from osca_verifiers.sandbox.inside.frames import HEAD, LONGEST, packed
from osca_verifiers.sandbox.limits import MEGABYTE, Limits

_TICK_S = 0.05
_START_LIMIT_S = 20.0
_OWN_MB = 32
"""What works in a sandbox besides the program may use so much more."""


class SandboxError(Exception):
    """A sandbox that does not work: never the fault of the program in it."""


class Gone(Exception):  # noqa: N818 - an ending, not always an error
    """What worked in a sandbox is no more; the message says why."""


class Late(Gone):
    """It was too slow."""


class Box:
    """A sandbox with a process in it that takes messages. Leaving the context ends all that is in it.

    Args:
        process: The sandbox, started; messages go over its standard input and output.
        limits: What it may use.
        folders: The folders that it may write to, as it sees them.
    """

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits, folders: Sequence[str]) -> None:
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101 - for the type checker
        self._process = process
        self._limits = limits
        self._folders = folders
        self._to, self._from = process.stdin.fileno(), process.stdout.fileno()
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
            self.send({"op": "prepare", "limits": self._limits.inside(), "files": files}, _START_LIMIT_S)
            self.receive(_START_LIMIT_S)
            self._watched = True  # not before: its root is still ours while it is being made
        except Gone as gone:
            raise SandboxError(f"a sandbox does not start: {self.end() or gone}") from None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

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
        inner = [child for parent in _children(self._process.pid) for child in (parent, *_children(parent))]
        for pid in (self._process.pid, *inner):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _, complaint = self._process.communicate()
        lines = (complaint or b"").decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

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
        pids = _descendants(self._process.pid)
        if sum(map(_memory, pids)) > (self._limits.memory_mb + _OWN_MB) * MEGABYTE:
            return f"it used more than {self._limits.memory_mb} MB of memory"
        for folder in self._folders:
            for pid in pids[-1:]:
                with suppress(OSError):
                    there = os.statvfs(f"/proc/{pid}/root{folder}")
                    if there.f_files - there.f_ffree > self._limits.files:
                        return f"it made more than {self._limits.files} files"
        return ""


def _children(pid: int) -> list[int]:
    """Return the processes that a process has started, by any of its threads, and not yet left behind."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def _descendants(pid: int) -> list[int]:
    """Return all processes below one: those that left their parent are below the sandbox's first process."""
    found, new = [], [pid]
    while new:
        new = [child for parent in new for child in _children(parent)]
        found += new
    return found


def _memory(pid: int) -> int:
    """Return the bytes of memory that a process has written to, shared ones included."""
    used = 0
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("RssAnon:", "RssShmem:")):
                used += int(line.split()[1]) << 10
    return used
