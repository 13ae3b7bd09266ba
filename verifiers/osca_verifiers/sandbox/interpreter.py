"""The Python that works inside sandboxes, and the folders that it needs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from osca_cli.errors import UsageError

_ASK = "import json,os,sys; print(json.dumps([os.path.realpath(sys.executable), sys.base_prefix, *sys.path]))"
_SYSTEM = ("/usr/bin/python3", "/usr/local/bin/python3")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python.

    Attributes:
        command: What starts it, isolated from the user's own folders.
        folders: What it must be able to read.
        packages: Where its programs find packages, besides the standard library.
    """

    command: tuple[str, ...]
    folders: tuple[str, ...]
    packages: tuple[str, ...] = ()


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
        return _asked(path, packages=True)
    own = str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())
    for command in (own, *filter(None, map(shutil.which, _SYSTEM))):
        found = _asked(command, packages=False)
        if not others or all(map(_readable_by_all, found.folders)):
            return found
    raise UsageError(
        f"the sandbox's unprivileged user cannot read {own}; install Python where everybody can: "
        "apt-get install python3"
    )


def _readable_by_all(folder: str) -> bool:
    """Tell whether everybody may enter a folder."""
    path = Path(folder).resolve()
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))


def _asked(path: str, *, packages: bool) -> Interpreter:
    """Ask a Python where it is and what it needs; one of a virtual environment names what made it."""
    command = shutil.which(Path(path).absolute() if "/" in path else path)
    if command is None:
        raise UsageError(f"python: {path} is not found, or is no program")
    options = ["-I"] if packages else ["-I", "-S"]
    asked = subprocess.run([command, *options, "-c", _ASK], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise UsageError(f"python: {path} does not run: {asked.stderr.strip()[-200:]}")
    program, base, *places = json.loads(asked.stdout)
    found = [place for place in places if Path(place).is_dir() and not place.startswith(f"{base}/")]
    own = [place for place in places if Path(place).is_dir() and place.endswith("-packages")]
    paths = tuple(dict.fromkeys([*own, *found])) if packages else ()
    return Interpreter((program, "-I", "-S", "-B"), (base, *found), paths)
