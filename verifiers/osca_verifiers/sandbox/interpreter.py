"""The Python that works inside sandboxes, and the folders that it needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from osca_cli.errors import UsageError

_ASK = "import json,sys;print(json.dumps([sys.prefix,sys.base_prefix,sys.exec_prefix,*sys.path]))"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python.

    Attributes:
        command: What starts it, isolated from the user's own folders.
        folders: What it must be able to read.
    """

    command: tuple[str, ...]
    folders: tuple[str, ...]


@lru_cache(maxsize=16)
def interpreter(path: str | None, *, others: bool) -> Interpreter:
    """Return a Python to run programs with.

    Args:
        path: The one that the spec names, with its packages; else the one that osca runs under, without any.
        others: Whether it must be readable for users other than this one. Where osca's own is not, as in a
            folder of the superuser's, the system's takes its place.

    Raises:
        UsageError: there is none.
    """
    if path is not None:
        command = shutil.which(path)
        if command is None:
            raise UsageError(f"python: {path} is not found, or is no program")
        return Interpreter((command, "-I", "-B"), _folders(command))
    own = str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())
    for command in (own, *filter(None, map(shutil.which, ("/usr/bin/python3", "/usr/local/bin/python3")))):
        folders = (sys.base_prefix,) if command == own else _folders(command)
        if not others or all(map(readable_by_all, folders)):
            return Interpreter((command, "-I", "-S", "-B"), folders)
    raise UsageError(
        f"the sandbox's unprivileged user cannot read {own}; install Python where everybody can: "
        "apt-get install python3"
    )


def readable_by_all(folder: str) -> bool:
    """Tell whether everybody may enter a folder."""
    path = Path(folder).resolve()
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))


def _folders(command: str) -> tuple[str, ...]:
    asked = subprocess.run([command, "-I", "-c", _ASK], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise UsageError(f"python: {command} does not run: {asked.stderr.strip()[-200:]}")
    found = dict.fromkeys(os.path.realpath(one) for one in json.loads(asked.stdout) if Path(one).is_dir())
    inner = [one for one in found if not any(one != other and one.startswith(f"{other}/") for other in found)]
    return tuple(inner)
