"""Runs a program once: its input, what it writes, how it ends; whatever it does, it ends.

Everything here blocks, and is called in a thread of its own. Why so: docs/decisions/090-programs.md.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OUTPUT_LIMIT = 16 << 20
COMPLAINTS_KEPT = 8 << 10
_CHUNK = 1 << 16
_LOOK_EVERY_S = 0.05

# Ends what is left of a run that was killed: nobody else is there to do it.
_KEEPER = """\
import os, signal, sys
groups = set()
for line in sys.stdin.buffer:
    (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended.

    Attributes:
        status: Its exit status; below 0 the signal that ended it; ``None`` where it was killed at its limit.
        output: What it wrote to standard output, at most :data:`OUTPUT_LIMIT` bytes.
        complaints: The last of what it wrote to standard error.
        seconds: From its start to its end.
        flooded: Whether it wrote more than the limit, and was killed for it.
    """

    status: int | None
    output: bytes
    complaints: bytes
    seconds: float
    flooded: bool


class Keeper:
    """A process that outlives osca by a moment, and kills the programs that a killed osca leaves behind."""

    def __init__(self) -> None:
        # In a session of its own: what is sent to the terminal's processes, or to osca's group, misses it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _KEEPER],
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )

    def started(self, group: int) -> None:
        """Take note of a process group."""
        self._tell(f"+{group}\n")

    def ended(self, group: int) -> None:
        """Forget a process group."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End the process."""
        _input(self._process).close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        with suppress(OSError, ValueError):  # without it a run is as good, until it is killed
            _input(self._process).write(line.encode())  # one short write: threads cannot mix theirs


class Program:
    """One execution of a program, in a process group of its own.

    Args:
        command: The program and its arguments.
        request: What it reads on standard input.
        folder: Where it runs.
        environment: All variables that it sees.
        keeper: Is told of it.
    """

    def __init__(
        self,
        command: Sequence[str],
        request: bytes,
        *,
        folder: Path,
        environment: Mapping[str, str],
        keeper: Keeper,
    ) -> None:
        self._command = command
        self._request = request
        self._folder = folder
        self._environment = environment
        self._keeper = keeper
        self._starting = threading.Lock()
        self._killed = False
        self._group: int | None = None

    def run(self, limit_s: float) -> Ended:
        """Start it, wait until it ends or reaches its time limit, and end whatever it leaves behind.

        Raises:
            OSError: it cannot be started.
        """
        start = time.monotonic()
        output, complaints = bytearray(), bytearray()
        in_time = False
        with self._start() as process:
            try:
                in_time = _read(process, output, complaints, start + limit_s)
            finally:
                self._kill_group()
                process.wait()
                self._keeper.ended(process.pid)
        return Ended(
            status=process.returncode if in_time else None,
            output=bytes(output[:OUTPUT_LIMIT]),
            complaints=bytes(complaints[-COMPLAINTS_KEPT:]),
            seconds=time.monotonic() - start,
            flooded=len(output) > OUTPUT_LIMIT,
        )

    def kill(self) -> None:
        """Kill it and all of its group, from any thread, before it starts or after."""
        with self._starting:
            self._killed = True
        self._kill_group()

    def _start(self) -> subprocess.Popen[bytes]:
        # A file and no pipe on its standard input: a program need not read it.
        with self._starting, tempfile.TemporaryFile() as file:
            if self._killed:
                raise InterruptedError("killed before its start")
            file.write(self._request)
            file.seek(0)
            process = subprocess.Popen(
                self._command,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
            self._group = process.pid
        self._keeper.started(process.pid)
        return process

    def _kill_group(self) -> None:
        if self._group is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)


def _read(
    process: subprocess.Popen[bytes], output: bytearray, complaints: bytearray, deadline: float
) -> bool:
    """Gather what a program writes; return whether it ended, or wrote too much, before the deadline.

    What it started may live on and hold the pipes open: its own end counts, not theirs.
    """
    with selectors.DefaultSelector() as selector:
        for stream, kept in ((process.stdout, output), (process.stderr, complaints)):
            assert stream is not None  # noqa: S101 - both are pipes
            os.set_blocking(stream.fileno(), False)
            selector.register(stream.fileno(), selectors.EVENT_READ, kept)
        while True:
            ended = process.poll() is not None
            left_s = deadline - time.monotonic()
            ready = selector.select(0 if ended else max(0.0, min(_LOOK_EVERY_S, left_s)))
            for key, _ in ready:
                if not _drain(key.fd, key.data):
                    selector.unregister(key.fd)
            del complaints[:-COMPLAINTS_KEPT]
            if len(output) > OUTPUT_LIMIT or (ended and not ready):
                return True
            if not ended and left_s <= 0:
                return False
            if not selector.get_map() and not ended:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_EVERY_S)


def _drain(descriptor: int, kept: bytearray) -> bool:
    """Read what is there; return whether more may come."""
    try:
        chunk = os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return True
    kept += chunk
    return bool(chunk)


def _input(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    return process.stdin
