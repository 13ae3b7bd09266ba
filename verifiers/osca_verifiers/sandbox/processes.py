"""Processes as the kernel shows them, users that nobody else is, and files that are everybody's."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_counter = itertools.count()
_NOBODY = 65534
_FIRST_SPARE = 2_000_000_000
_SPARE = 100_000_000


class SandboxError(Exception):
    """A sandbox that does not work: never the fault of the program in it."""


def started(
    command: Sequence[str],
    passed: Sequence[int] = (),
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command with pipes to its standard streams.

    Raises:
        SandboxError: it cannot be started.
    """
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=passed,
            env=environment,
            cwd=folder,
        )
    except OSError as error:
        raise SandboxError(f"cannot start {command[0]}: {error.strerror}") from error


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, by any of its threads, and not yet left behind."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    """Return all processes below one."""
    found, new = [], [pid]
    while new:
        new = [child for parent in new for child in children(parent)]
        found += new
    return found


def memory(pid: int) -> int:
    """Return the bytes of memory that a process has written to, shared ones included."""
    facts = _facts(pid)
    return sum(int(facts[name].split()[0]) << 10 for name in ("RssAnon", "RssShmem") if name in facts)


def confined(pid: int) -> bool:
    """Tell whether a filter of system calls is on a process, and no way back."""
    facts = _facts(pid)
    return facts.get("Seccomp") == "2" and facts.get("NoNewPrivs") == "1"


def ended(pid: int) -> bool:
    """Tell whether a process has ended, though perhaps nobody has asked how."""
    return _facts(pid).get("State", "X")[0] in "XZ"


def _facts(pid: int) -> dict[str, str]:
    """Return what the kernel says of a process; nothing where it is gone."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {}


def spare_user() -> int:
    """Return the number of a user that nobody is, another one each time.

    Where the users of this container have been given few numbers it is that of "nobody".
    """
    last = 0
    with suppress(OSError):
        for line in Path("/proc/self/uid_map").read_text().splitlines():
            first, _, count = map(int, line.split())
            last = max(last, first + count)
    if last < _FIRST_SPARE + _SPARE:
        return _NOBODY
    return _FIRST_SPARE + (os.getpid() * 1009 + next(_counter)) % _SPARE


def public_files() -> list[str]:
    """Return what compilers and interpreters need of /etc, which holds nothing of anybody's."""
    java = sorted(map(str, Path("/etc").glob("java*")))
    return ["/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/openssl.cnf", *java]


def last_line(complaint: bytes | None) -> str:
    """Return the last line of what a process wrote to its standard error."""
    lines = (complaint or b"").decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
