"""Sandboxes by bubblewrap: namespaces of their own for processes, mounts, network, users and all else.

See docs/decisions/100-sandboxes.md for what each option is for.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from osca_verifiers.sandbox.limits import MEGABYTE, Limits
from osca_verifiers.sandbox.ours import folder as modules
from osca_verifiers.sandbox.processes import children, last_line, public_files, spare_user, started
from osca_verifiers.sandbox.seccomp import filter_program

NAME = "bubblewrap"
WORK = "/osca/work"
FOLDERS = (WORK, "/tmp", "/dev/shm")  # noqa: S108 - the sandbox's own
_OURS = "/osca/modules"
_ROOTS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


class Bubblewrapped:
    """A process that bubblewrap runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Bubblewrap's own process, outside."""
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

    def files(self, pid: int) -> int:
        """Return how many files there are in the folder in memory that holds most."""
        found = 0
        for folder in FOLDERS:
            with suppress(OSError):
                there = os.statvfs(f"/proc/{pid}/root{folder}")
                found = max(found, there.f_files - there.f_ffree)
        return found

    def end(self) -> str:
        """Kill bubblewrap and the first process of the namespace, with which all others in it end."""
        for pid in (self.pid, *children(self.pid)):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _, complaint = self._process.communicate()
        return last_line(complaint)


def start(inner: Sequence[str], folders: Sequence[str], limits: Limits) -> Bubblewrapped:
    """Start a command in a sandbox; ``{ours}`` in it stands for the folder that osca's modules are found in.

    Raises:
        SandboxError: bubblewrap cannot be started.
    """
    with tempfile.TemporaryFile() as rules:
        known = filter_program()
        rules.write(known or b"")
        rules.seek(0)
        passed = () if known is None else (rules.fileno(),)
        return Bubblewrapped(started(command(inner, folders, limits, *passed), passed))


def command(
    inner: Sequence[str], folders: Sequence[str], limits: Limits, seccomp: int | None = None
) -> list[str]:
    """Return the command that runs another one in a sandbox.

    Args:
        inner: What runs inside. ``{ours}`` in it stands for the folder that osca's modules are found in.
        folders: What it may read besides the system's own /usr.
        limits: What its folders may hold.
        seccomp: A file descriptor with a filter of system calls.
    """
    size = str(limits.files_mb * MEGABYTE)
    options = [
        *("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"),
        *_environment(),
        *_system(),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", size, "--perms", "1777", "--tmpfs", FOLDERS[2]),
        *("--size", size, "--perms", "1777", "--tmpfs", FOLDERS[1]),
        *("--size", size, "--perms", "0777", "--tmpfs", WORK, "--chdir", WORK),
        *(part for folder in folders if not f"{folder}/".startswith("/usr/") for part in _mounted(folder)),
        *_mounted(str(modules()), _OURS),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *(() if seccomp is None else ("--seccomp", str(seccomp))),
    ]
    inner = [part.replace("{ours}", _OURS) for part in inner]
    return ["bwrap", *options, *_unprivileged(), *inner] if os.geteuid() else _dropped(options, inner)


def available() -> str | None:
    """Return why it cannot be had, or nothing."""
    if not sys.platform.startswith("linux"):
        return "it is for Linux alone"
    if shutil.which("bwrap") is None:
        return "it is not installed"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "the superuser needs setpriv with it, of the package util-linux"
    return None


def _environment() -> list[str]:
    named = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": WORK, "LANG": "C.UTF-8", "TMPDIR": "/tmp"}  # noqa: S108
    return [part for name, value in named.items() for part in ("--setenv", name, value)]


def _system() -> list[str]:
    options = ["--ro-bind", "/usr", "/usr", "--perms", "0755", "--dir", "/etc"]
    for name in _ROOTS:
        path = Path("/") / name
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    for file in public_files():
        options += _mounted(file) if Path(file).exists() else []
    return options


def _mounted(folder: str, place: str | None = None) -> list[str]:
    """Return what makes a folder readable in its place, in parents that hold nothing else."""
    place = place or folder
    parents = [str(parent) for parent in reversed(Path(place).parents) if str(parent) != "/"]
    entered = [part for parent in parents for part in ("--perms", "0755", "--dir", parent)]
    return [*entered, "--ro-bind", folder, place]


def _unprivileged() -> list[str]:
    nobody = ["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    return ["--unshare-user", "--disable-userns", *nobody, "--"]


def _dropped(options: Sequence[str], inner: Sequence[str]) -> list[str]:
    """Run by the superuser: mount what only he can read, then become a user that nobody else is.

    As another user the limit of processes counts, which the kernel does not apply to the superuser, and each
    sandbox has a count of its own.
    """
    user = str(spare_user())
    become = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs"]
    # --unshare-all takes a user namespace where it can, in which there is no other user to become.
    others = [one for one in options if one != "--unshare-all"]
    spaces = [f"--unshare-{kind}" for kind in ("ipc", "pid", "net", "uts", "cgroup-try")]
    capabilities = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return ["bwrap", *spaces, *others, *capabilities, "--", *become, "--", *inner]
