"""No sandbox: a process of the user's own, with the limits of memory and time. ``--sandbox none``."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.ours import folder as modules
from osca_verifiers.sandbox.processes import descendants, last_line, started

NAME = "none"
WARNING = "run without a sandbox"


class Plain:
    """A process without a sandbox, in a folder of its own."""

    def __init__(self, inner: Sequence[str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="osca-none-"))
        path = os.environ.get("PATH", "/usr/bin:/bin")
        environment = {"PATH": path, "HOME": str(self._folder), "LANG": "C.UTF-8"}
        self._process = started(inner, environment=environment, folder=self._folder)

    @property
    def pid(self) -> int:
        """The process itself."""
        return self._process.pid

    @property
    def pipes(self) -> tuple[int, int]:
        """Where its standard input is written, and its output read."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - for the type checker
        assert stdout is not None  # noqa: S101 - for the type checker
        return stdin.fileno(), stdout.fileno()

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def files(self, pid: int) -> int:  # noqa: ARG002 - nobody counts
        """Return nothing: files are not limited."""
        return 0

    def end(self) -> str:
        """Kill what is found below it, and remove its folder."""
        for pid in (*descendants(self.pid), self.pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _, complaint = self._process.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)
        return last_line(complaint)


def start(inner: Sequence[str], folders: Sequence[str], limits: Limits) -> Plain:  # noqa: ARG001 - as the others
    """Start a command; ``{ours}`` in it stands for the folder that osca's modules are found in."""
    return Plain([part.replace("{ours}", str(modules())) for part in inner])
