"""A program in its sandbox: loaded to be called, or run once for each input."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from osca_verifiers.sandbox.box import Box, Gone, Late
from osca_verifiers.sandbox.level import box
from osca_verifiers.sandbox.limits import Limits

SLACK_S = 3.0
"""How much later than the driver inside, which the program may have stopped, a run is ended from outside."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How one run went.

    Attributes:
        status: Of its end, negative for a signal; ``None`` where it was too slow.
        out: What it wrote.
        err: The beginning of what it complained of.
        long: Whether it wrote more than is kept.
        seconds: What it took.
    """

    status: int | None
    out: str
    err: str
    long: bool
    seconds: float

    @property
    def fault(self) -> str:
        """What is wrong with it, whatever it wrote; nothing where it ended well."""
        if self.status is None:
            return "it reached the time limit"
        if self.status:
            return ending(self.status, self.err)
        return "it wrote too much" if self.long else ""


class Program:
    """What a model wrote, in a sandbox of its own."""

    def __init__(self, opened: Box) -> None:
        self._box = opened

    def run(self, message: dict[str, Any], seconds: float) -> Ran:
        """Let the driver run something, and tell how it went.

        Raises:
            Gone: the sandbox is no more.
        """
        begun = time.monotonic()
        self._box.send({**message, "seconds": seconds}, seconds)
        reply = self._box.receive(seconds + SLACK_S)
        try:
            return Ran(
                status=None if reply["status"] is None else int(reply["status"]),
                out=str(reply["out"]),
                err=str(reply["err"]),
                long=bool(reply["long"]),
                seconds=time.monotonic() - begun,
            )
        except (KeyError, TypeError, ValueError):
            raise Gone("it wrote nonsense") from None

    def load(self, name: str, seconds: float) -> None:
        """Load a file as a module whose functions can be called from then on.

        Raises:
            Gone: it ended, raised or was too slow on being loaded.
        """
        reply = self.ask({"op": "serve", "program": name, "seconds": 60 * seconds}, seconds)
        if not reply.get("loaded"):
            raise Gone("it wrote nonsense")

    def ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a message to the program that was loaded, and return its reply.

        Raises:
            Gone: it has ended.
            Late: no reply came in time.
        """
        try:
            self._box.send(message, seconds)
            reply = self._box.receive(seconds)
        except Late:
            raise Late("it reached the time limit") from None
        if not isinstance(reply, dict):
            raise Gone("it wrote nonsense")
        if "ended" in reply:
            raise Gone(ending(reply["ended"], str(reply.get("err", ""))))
        return reply


@contextmanager
def started(files: dict[str, str], limits: Limits, python: str | None = None) -> Iterator[Program]:
    """Start a sandbox with these files in its folder."""
    with box("driver", limits, files, python) as opened:
        yield Program(opened)


def ending(status: Any, complaint: str) -> str:
    """Say how a program ended."""
    lines = [line for line in complaint.splitlines() if line.strip()]
    if status == 0:
        return "it ended by itself"
    killed = isinstance(status, int) and status < 0
    how = f"it ended with signal {-status}" if killed else f"it ended with status {status}"
    return f"{how}: {lines[-1].strip()[:200]}" if lines else how
