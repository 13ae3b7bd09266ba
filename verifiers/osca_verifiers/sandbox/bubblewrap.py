"""Sandboxes by bubblewrap: namespaces of their own for processes, mounts, network, users and all else.

See docs/decisions/100-sandboxes.md for what each option is for.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from osca_verifiers.sandbox.limits import MEGABYTE, Limits

NAME = "bubblewrap"
WORK = "/work"
FOLDERS = (WORK, "/tmp", "/dev/shm")  # noqa: S108 - the sandbox's own
_PACKAGE = Path(__file__).resolve().parents[1]
_OURS = "/osca/osca_verifiers"
_ROOTS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
_counter = itertools.count()


def command(inner: Sequence[str], folders: Sequence[str], limits: Limits, seccomp: int | None) -> list[str]:
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
        *(part for folder in folders if not f"{folder}/".startswith("/usr/") for part in _mounted(folder)),
        *_mounted(str(_PACKAGE / "sandbox"), f"{_OURS}/sandbox"),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", size, "--perms", "1777", "--tmpfs", FOLDERS[2]),
        *("--size", size, "--perms", "1777", "--tmpfs", FOLDERS[1]),
        *("--size", size, "--perms", "0777", "--tmpfs", WORK, "--chdir", WORK),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *(() if seccomp is None else ("--seccomp", str(seccomp))),
    ]
    inner = [part.replace("{ours}", "/osca") for part in inner]
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
    for file in _FILES:
        options += ["--ro-bind-try", file, file]
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
    user = str(_spare_user())
    become = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs"]
    # --unshare-all takes a user namespace where it can, in which there is no other user to become.
    others = [one for one in options if one != "--unshare-all"]
    spaces = [f"--unshare-{kind}" for kind in ("ipc", "pid", "net", "uts", "cgroup-try")]
    capabilities = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return ["bwrap", *spaces, *others, *capabilities, "--", *become, "--", *inner]


def _spare_user() -> int:
    last = max((int(first) + int(count) for first, _, count in _user_map()), default=0)
    if last <= 2_000_000_000:
        return 65534
    return 2_000_000_000 + (os.getpid() * 1009 + next(_counter)) % 100_000_000


def _user_map() -> list[list[str]]:
    try:
        return [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return []
