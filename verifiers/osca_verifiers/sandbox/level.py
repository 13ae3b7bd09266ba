"""Which isolation this machine gives, the strongest first, and sandboxes at that level."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType

from osca_cli.errors import UsageError
from osca_verifiers.sandbox import bubblewrap, landlock, plain
from osca_verifiers.sandbox.box import Box
from osca_verifiers.sandbox.interpreter import interpreter
from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.processes import SandboxError

VARIABLE = "OSCA_SANDBOX"
"""The environment variable by which ``--sandbox none`` reaches the processes that verify."""

KINDS: Mapping[str, ModuleType] = {module.NAME: module for module in (bubblewrap, landlock)}
_START = "import sys; sys.path[:0] = ['{ours}']; import osca_verifiers.sandbox.inside.%s as us; us.main(%r)"
_ADVICE = (
    "code that a model wrote is not run without one. Install one: apt-get install bubblewrap (or what your "
    "system calls it), or pip install 'osca[sandbox]' on Linux 6.12 or newer. Or accept the risk with "
    "--sandbox none: then the code can do whatever you can"
)


def level() -> str:
    """Return the isolation that programs get: the strongest that works, or ``none`` where that was asked.

    Raises:
        UsageError: no isolation works; the message says why, and what to do.
    """
    return plain.NAME if os.environ.get(VARIABLE) == plain.NAME else strongest()


@lru_cache(maxsize=1)
def strongest() -> str:
    """Return the name of the strongest isolation that works here.

    Raises:
        UsageError: none does; the message says why, and what to do.
    """
    reasons = []
    for name in KINDS:
        fault = fault_of(name)
        if fault is None:
            return name
        reasons.append(f"{name}: {fault}")
    raise UsageError(f"no sandbox works on this machine ({'; '.join(reasons)}): {_ADVICE}")


def fault_of(name: str) -> str | None:
    """Return why a kind of sandbox does not work here, or nothing; it is tried."""
    if why := KINDS[name].available():
        return str(why)
    try:
        with open_box(name, "driver", Limits()) as opened:
            opened.prepare({})
    except (SandboxError, UsageError) as error:
        return str(error)
    return None


@contextmanager
def box(script: str, limits: Limits, files: Mapping[str, str], python: str | None = None) -> Iterator[Box]:
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


@contextmanager
def open_box(name: str, script: str, limits: Limits, python: str | None = None) -> Iterator[Box]:
    """Start a sandbox of this kind, with nothing prepared yet."""
    dropped = name == landlock.NAME and os.geteuid() == 0
    chosen = interpreter(python, others=dropped)
    module = KINDS.get(name, plain)
    inner = [*chosen.command, "-c", _START % (script, chosen.packages)]
    shared = name != bubblewrap.NAME
    with Box(module.start(inner, chosen.folders, limits), limits, shared=shared) as opened:
        yield opened
