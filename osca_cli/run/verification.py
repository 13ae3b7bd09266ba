"""Verifies texts in worker processes, each verdict within a time limit.

A verifier that hangs, crashes or raises costs its own verdict, which is then an error and never a fail, and
nobody else's: the process that it ran in is ended and another one started. Why not a library's pool:
docs/decisions/041-worker-processes.md.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Self, cast

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from osca_cli.errors import OscaError
from osca_cli.model import Check, Verdict

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from anyio.abc import ByteReceiveStream, ByteSendStream, Process

_START = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from osca_cli.run.worker import main
main()
"""
_START_LIMIT_S = 60
_LEAVE_LIMIT_S = 5
_LONGEST_REPLY = 1 << 20
_BROKEN = (
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.DelimiterNotFound,
    anyio.EndOfStream,
    anyio.IncompleteRead,
    ValueError,
)
"""What talking to a worker that died or writes nonsense raises."""


class Verification:
    """A set of worker processes, started when first needed and ended on leaving the context.

    At most ``workers`` texts are being judged; whoever asks for more waits in turn.

    Args:
        workers: How many processes.
        time_limit_s: How long a verdict may take, where its check does not say.
        folder: Where they run: what a verifier's program is relative to.
    """

    def __init__(self, workers: int, time_limit_s: float, folder: Path | None = None) -> None:
        self._time_limit_s = time_limit_s
        self._folder = folder
        self._turns = anyio.CapacityLimiter(workers)
        self._idle: list[_Worker] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._idle:
            await self._idle.pop().leave()

    async def verify(self, check: Check, text: str) -> Verdict:
        """Judge a text.

        Returns:
            What the verifier says; ``passed`` is ``None`` where it reached the time limit, raised, or ended
            its process, and ``reason`` says which.

        Raises:
            OscaError: no worker process can be started on this machine.
        """
        time_limit_s = check.time_limit_s or self._time_limit_s
        request = _request(check, text, time_limit_s)
        async with self._turns:
            worker = await self._worker()
            try:
                with anyio.fail_after(time_limit_s):
                    verdict = await worker.ask(request)
            except TimeoutError:
                await worker.end()
                return _error(f"the verifier reached its time limit of {time_limit_s:g} s")
            except _BROKEN:
                return _error(f"the verifier ended its process: {await worker.end()}")
            except BaseException:
                await worker.end()
                raise
            self._idle.append(worker)
            return verdict

    async def _worker(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await worker.end()
        return await _Worker.start(self._folder)


class _Worker:
    """A process that runs :mod:`osca_cli.run.worker`, in a session of its own.

    So Ctrl-C in the terminal does not reach it, and ending it ends what it started too.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._requests = cast("ByteSendStream", process.stdin)
        self._replies = BufferedByteReceiveStream(cast("ByteReceiveStream", process.stdout))
        self._complaints = cast("ByteReceiveStream", process.stderr)

    @classmethod
    async def start(cls, folder: Path | None) -> Self:
        """Start a process and wait until it can be asked.

        Raises:
            OscaError: it does not start; the message holds what it wrote last.
        """
        command = [sys.executable, "-P", "-c", _START, json.dumps(sys.path)]
        try:
            worker = cls(await anyio.open_process(command, cwd=folder, start_new_session=True))
        except OSError as error:
            raise OscaError(f"cannot start a process for verifiers: {error}") from error
        try:
            with anyio.fail_after(_START_LIMIT_S):
                await worker._line()
        except (TimeoutError, *_BROKEN):
            raise OscaError(f"a process for verifiers did not start: {await worker._failure()}") from None
        except BaseException:
            await worker.end()
            raise
        return worker

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.returncode is None

    async def ask(self, request: bytes) -> Verdict:
        """Send a request and return the verdict."""
        await self._requests.send(request)
        passed, answer, score, reason = json.loads(await self._line())
        return Verdict(passed=passed, answer=answer, score=score, reason=reason)

    async def leave(self) -> None:
        """Let an idle process end by itself, so that verifiers put away what they hold; else kill it."""
        with anyio.move_on_after(_LEAVE_LIMIT_S, shield=True), suppress(*_BROKEN):
            await self._requests.aclose()
            await self._process.wait()
            self._kill_group()  # what it has started and left
        await self.end()

    async def end(self) -> str:
        """Kill the process and all that it started; return how it ended."""
        with anyio.CancelScope(shield=True):
            if self.alive:
                self._kill_group()
            await self._process.aclose()
        return _ending(self._process.returncode)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _line(self) -> bytes:
        return await self._replies.receive_until(b"\n", _LONGEST_REPLY)

    async def _failure(self) -> str:
        """End a process that did not start; return the last line that it wrote, else how it ended."""
        written = b""
        with anyio.move_on_after(1), suppress(*_BROKEN):
            written = await self._complaints.receive()
        ending = await self.end()
        lines = written.decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), ending)


def _request(check: Check, text: str, time_limit_s: float) -> bytes:
    request = {
        "type": check.type,
        # As text: the worker keeps one verifier for each.
        "settings": json.dumps(check.settings, sort_keys=True),
        "given": check.given,
        "text": text,
        "time_limit_s": time_limit_s,
    }
    return json.dumps(request).encode() + b"\n"


def _error(reason: str) -> Verdict:
    return Verdict(passed=None, reason=reason)


def _ending(code: int | None) -> str:
    """Say how a process ended: by which signal, or with which status."""
    if code is None or code >= 0:
        return f"exit status {code}"
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
