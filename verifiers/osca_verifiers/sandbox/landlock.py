"""Sandboxes by Landlock and seccomp, of the library sandlock: no privilege and no namespace is needed.

For machines that allow no user namespaces. Weaker than bubblewrap: programs see the names, sizes and times of
files that they cannot read, and their folder is on the disk. See docs/decisions/100-sandboxes.md.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.ours import folder as modules
from osca_verifiers.sandbox.processes import (
    SandboxError,
    children,
    confined,
    descendants,
    ended,
    last_line,
    public_files,
    spare_user,
)

NAME = "landlock"
_READ = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_REFUSED = ("memfd_create", "shmget", "msgget", "semget", "userfaultfd", "io_uring_setup", "perf_event_open")
_FILES_SEEN = 100_000
_LOOKS, _QUIET_LOOKS, _PAUSE_S = 500, 3, 0.002
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)


_running: set[int] = set()
"""The first process of each sandbox that is in use."""


class Landlocked:
    """A process that sandlock runs, in a folder of its own.

    There is no namespace that would end all processes in it together. So this process makes itself the parent
    of what loses its own, and finds by that whoever was left behind.
    """

    def __init__(self, process: Any, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._ended = False
        _running.add(self.pid)

    @property
    def pid(self) -> int:
        """Its first process."""
        return int(self._process.pid or 0)

    @property
    def pipes(self) -> tuple[int, int]:
        """Where its standard input is written, and its output read."""
        return self._process.stdin.fileno(), self._process.stdout.fileno()

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return not self._ended and Path(f"/proc/{self.pid}").exists()

    def files(self, pid: int) -> int:  # noqa: ARG002 - they are seen from outside
        """Return how many files and folders there are in its folder."""
        found = 0
        for _, folders, files in os.walk(self._folder):
            found += len(folders) + len(files)
            if found > _FILES_SEEN:
                break
        return found

    def end(self) -> str:
        """Kill all that it started, and remove its folder."""
        if self._ended:
            return ""
        self._ended = True
        _running.discard(self.pid)
        self._kill_all()
        self._process.kill()
        self._process.stdin.close()
        complaint = _rest(self._process.stderr.fileno())
        self._process.wait()
        self._kill_all()
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        return last_line(complaint)

    def _kill_all(self) -> None:
        """Kill what is below its first process, or was, until several looks find nobody: they may fork."""
        quiet = 0
        for _ in range(_LOOKS):
            lost = [pid for pid in children(os.getpid()) if pid not in _running and confined(pid)]
            found = [self.pid, *lost]
            victims = [one for pid in found for one in (*descendants(pid), pid) if not ended(one)]
            quiet = 0 if victims else quiet + 1
            if quiet == _QUIET_LOOKS:
                return
            for victim in victims:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(victim, signal.SIGKILL)
            for pid in lost:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(_PAUSE_S)


def start(inner: Sequence[str], folders: Sequence[str], limits: Limits) -> Landlocked:
    """Start a command in a sandbox; ``{ours}`` in it stands for the folder that osca's modules are found in.

    Raises:
        SandboxError: sandlock cannot start it.
    """
    import sandlock

    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    ours = str(modules())
    folder = Path(tempfile.mkdtemp(prefix="osca-sandbox-"))
    command = [part.replace("{ours}", ours) for part in inner]
    if os.geteuid() == 0:
        user = spare_user()
        os.chown(folder, user, user)
        command = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", "--", *command]
    readable = [one for one in (*_READ, *public_files(), *_DEVICES, *folders, ours) if Path(one).exists()]
    place = str(folder)
    try:
        sandbox = sandlock.Sandbox(
            fs_readable=[*readable, place],
            fs_writable=[place, "/dev/null"],
            extra_deny_syscalls=_REFUSED,
            max_memory=f"{limits.memory_mb + 64}M",
            max_processes=limits.processes,
            clean_env=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8"},
            cwd=place,
        )
        pipe = sandlock.StdioMode.PIPED
        return Landlocked(sandbox.popen(command, stdin=pipe, stdout=pipe, stderr=pipe), folder)
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SandboxError(f"sandlock: {error}") from error


def available() -> str | None:
    """Return why it cannot be had, or nothing."""
    try:
        import sandlock
    except ImportError:
        return "sandlock is not installed"
    try:
        needed, there = sandlock.min_landlock_abi(), sandlock.landlock_abi_version()
    except Exception as error:  # noqa: BLE001 - of whatever kind the library makes it
        return str(error)
    if there < needed:
        return f"the kernel's Landlock is version {there}, and sandlock needs {needed} (Linux 6.12)"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "the superuser needs setpriv with it, of the package util-linux"
    return None


def _rest(file: int) -> bytes:
    """Return what can be read now."""
    os.set_blocking(file, False)
    try:
        return os.read(file, 4096)
    except OSError:
        return b""
