"""Which isolation this machine gives, the strongest first, and sandboxes at that level."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from osca_cli.errors import UsageError
from osca_verifiers.sandbox import bubblewrap
from osca_verifiers.sandbox.box import Box, SandboxError
from osca_verifiers.sandbox.interpreter import interpreter
from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.seccomp import filter_program

VARIABLE = "OSCA_SANDBOX"
"""The environment variable that ``--sandbox none`` sets for the processes that verify."""

_START = "import sys; sys.path.insert(0, '{ours}'); from osca_verifiers.sandbox.inside.%s import main; main()"
_ADVICE = (
    "code that a model wrote is not run here without a sandbox. Install one: apt-get install bubblewrap (or "
    "your system's own package of it), or pip install 'osca[sandbox]' on Linux 6.12 and newer. Or accept the "
    "risk with --sandbox none: then the code can do whatever you can"
)


@contextmanager
def box(script: str, limits: Limits, files: dict[str, str], python: str | None = None) -> Iterator[Box]:
    """Start a sandbox at this machine's level, with one of our scripts at work in it.

    Args:
        script: ``driver`` or ``judge``.
        limits: What it may use.
        files: What its folder holds at first.
        python: The interpreter that a spec names.

    Raises:
        SandboxError: it does not start.
        UsageError: this machine gives no isolation.
    """
    with open_box(level(), script, limits, python) as opened:
        opened.prepare(files)
        yield opened


@lru_cache(maxsize=1)
def level() -> str:
    """Return the name of the strongest isolation that works here.

    Raises:
        UsageError: none does; the message says why, and what to do.
    """
    reasons = []
    why = bubblewrap.available() or _fault(bubblewrap.NAME)
    if why is None:
        return bubblewrap.NAME
    reasons.append(f"bubblewrap: {why}")
    raise UsageError(f"no sandbox works on this machine ({'; '.join(reasons)}): {_ADVICE}")


def _fault(name: str) -> str | None:
    """Return what goes wrong when a sandbox of this kind starts, or nothing."""
    try:
        with open_box(name, "driver", Limits()) as opened:
            opened.prepare({})
    except (SandboxError, UsageError) as error:
        return str(error)
    return None


@contextmanager
def open_box(name: str, script: str, limits: Limits, python: str | None = None) -> Iterator[Box]:
    """Start a sandbox of this kind."""
    if name != bubblewrap.NAME:  # pragma: no cover - there is no other yet
        raise SandboxError(f"no such sandbox: {name}")
    chosen = interpreter(python, others=False)
    inner = [*chosen.command, "-c", _START % script]
    with tempfile.TemporaryFile() as rules:
        known = filter_program()
        rules.write(known or b"")
        rules.seek(0)
        seccomp = None if known is None else rules.fileno()
        process = _started(bubblewrap.command(inner, chosen.folders, limits, seccomp), seccomp)
    with Box(process, limits, bubblewrap.FOLDERS) as opened:
        yield opened


def _started(command: Sequence[str], seccomp: int | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=() if seccomp is None else (seccomp,),
        )
    except OSError as error:
        raise SandboxError(f"cannot start {command[0]}: {error.strerror}") from error
