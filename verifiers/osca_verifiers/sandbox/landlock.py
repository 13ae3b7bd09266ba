"""Sandboxes by Landlock and seccomp, of the library sandlock: no privilege and no namespace is needed.

For machines that allow no user namespaces. Weaker than bubblewrap: programs see the names, sizes and times of
files that they cannot read, and their folder is on the disk. See docs/decisions/100-sandboxes.md.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.processes import SandboxError, last_line, spare_user

NAME = "landlock"
_INSIDE = Path(__file__).resolve().parent / "inside"
_READ = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_REFUSED = ("memfd_create", "shmget", "msgget", "semget", "userfaultfd", "io_uring_setup", "perf_event_open")
_FILES_SEEN = 100_000


class Landlocked:
    """A process that sandlock runs, in a folder of its own."""

    def __init__(self, process: Any, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._ended = False

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
        self._process.kill()
        self._process.stdin.close()
        complaint = _rest(self._process.stderr.fileno())
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        return last_line(complaint)


def start(inner: Sequence[str], folders: Sequence[str], limits: Limits) -> Landlocked:
    """Start a command in a sandbox; ``{ours}`` in it stands for the folder that osca's modules are found in.

    Raises:
        SandboxError: sandlock cannot start it.
    """
    import sandlock

    ours = _ours()
    folder = Path(tempfile.mkdtemp(prefix="osca-sandbox-"))
    command = [part.replace("{ours}", ours) for part in inner]
    if os.geteuid() == 0:
        user = spare_user()
        os.chown(folder, user, user)
        command = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", "--", *command]
    readable = [one for one in (*_READ, *_DEVICES, *folders, ours) if Path(one).exists()]
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


@lru_cache(maxsize=1)
def _ours() -> str:
    """Return a folder with a copy of what works inside, which every user may read."""
    folder = tempfile.mkdtemp(prefix="osca-sandbox-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(folder).chmod(0o755)
    package = Path(folder) / "osca_verifiers" / "sandbox"
    shutil.copytree(_INSIDE, package / "inside", ignore=shutil.ignore_patterns("__pycache__"))
    for path in Path(folder).rglob("*"):
        path.chmod(0o755)
    return folder


def _rest(file: int) -> bytes:
    """Return what can be read now."""
    os.set_blocking(file, False)
    try:
        return os.read(file, 4096)
    except OSError:
        return b""
