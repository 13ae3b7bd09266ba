"""vLLM in a process of its own: what ends it frees all of its memory, and its crash is not osca's."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, cast

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from osca_cli.errors import OscaError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anyio.abc import ByteReceiveStream, ByteSendStream, Process

_START = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from osca_backends.vllm.worker import main
main()
"""
_LONGEST_REPLY = 1 << 28
_GRACE_S = 8.0
_TAIL = 200_000  # bytes of a log in which the reason of a failure is looked for
_BROKEN = (
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    anyio.IncompleteRead,
)
_OUT_OF_MEMORY = re.compile(r"out ?of ?memory|MemoryError|can(no|')t allocate memory", re.IGNORECASE)
_REASON = re.compile(r"(?:^|\s)((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception): .+)$", re.MULTILINE)
_SECONDHAND = (
    "Engine core initialization failed",
    "EngineDeadError",
    "EngineCore encountered",
    "Worker failed",
)


class EngineDiedError(OscaError):
    """vLLM's process ended by itself.

    Attributes:
        out_of_memory: Whether it ran out of memory.
    """

    def __init__(self, message: str, *, out_of_memory: bool) -> None:
        self.out_of_memory = out_of_memory
        super().__init__(message)


class EngineProcess:
    """A running process of vLLM, and the pipes to it."""

    def __init__(self, process: Process, log: Path) -> None:
        self.log = log
        self._process = process
        self._requests = cast("ByteSendStream", process.stdin)
        self._replies = BufferedByteReceiveStream(cast("ByteReceiveStream", process.stdout))
        self._writing = anyio.Lock()

    @classmethod
    async def start(cls, job: Mapping[str, Any], log: Path) -> Self:
        """Start a process and give it its job.

        Raises:
            UnavailableError: its log cannot be written, or there can be no further process.
        """
        command = [sys.executable, "-P", "-c", _START, json.dumps(sys.path)]
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as output:
                process = await anyio.open_process(
                    command, stderr=output, env={**_ENVIRONMENT, **os.environ}, start_new_session=True
                )
        except OSError as error:
            raise UnavailableError(f"cannot start vLLM (log {log}): {error}") from error
        engine = cls(process, log)
        try:
            await engine.send(job)
        except BaseException:
            await engine.aclose()
            raise
        return engine

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.returncode is not None

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a message.

        Raises:
            EngineDiedError: nobody reads it.
        """
        try:
            async with self._writing:
                await self._requests.send(json.dumps(message).encode() + b"\n")
        except _BROKEN:
            raise await self.death() from None

    async def receive(self) -> Mapping[str, Any]:
        """Return the next message.

        Raises:
            EngineDiedError: there is none.
        """
        try:
            message: Mapping[str, Any] = json.loads(await self._replies.receive_until(b"\n", _LONGEST_REPLY))
        except _BROKEN:
            raise await self.death() from None
        return message

    async def death(self) -> EngineDiedError:
        """Wait for the end, and return why it came."""
        with anyio.move_on_after(_GRACE_S):
            await self._process.wait()
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _TAIL))
            said = file.read().decode(errors="replace")
        return died(said, self._process.returncode, self.log)

    async def aclose(self) -> None:
        """End the process with all that it started, and wait until its memory is free."""
        with anyio.CancelScope(shield=True):
            with suppress(*_BROKEN):
                await self._requests.aclose()
            with anyio.move_on_after(_GRACE_S):
                await self._process.wait()
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.aclose()


# Without colours, since a person reads the log; nothing is told to anybody about how vLLM is used.
_ENVIRONMENT = {"VLLM_LOGGING_COLOR": "0", "VLLM_NO_USAGE_STATS": "1", "NO_COLOR": "1"}


def died(said: str, code: int | None, log: Path) -> EngineDiedError:
    """Return what the end of vLLM's process means.

    Args:
        said: The end of its log.
        code: Its exit status, negative for a signal; ``None`` where it still runs.
        log: Where the whole log is.
    """
    reasons = [reason for reason in _REASON.findall(said) if not any(word in reason for word in _SECONDHAND)]
    killed = code == -signal.SIGKILL
    out_of_memory = killed or any(_OUT_OF_MEMORY.search(reason) for reason in reasons)
    reason = reasons[-1].strip()[:500] if reasons else f"it ended with {_ending(code)}"
    return EngineDiedError(f"vLLM failed: {reason} (its log: {log})", out_of_memory=out_of_memory)


def _ending(code: int | None) -> str:
    if code is None:
        return "no answer"
    return f"exit status {code}" if code >= 0 else signal.Signals(-code).name
