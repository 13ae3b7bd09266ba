"""The modules that work inside sandboxes, where every user may read them, compiled."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_INSIDE = Path(__file__).resolve().parent / "inside"
_PACKAGE = Path("osca_verifiers") / "sandbox" / "inside"


def folder() -> Path:
    """Return a folder to import our modules from: one for each user and version, made when it is missing.

    A copy, since osca itself may be installed where only its user can read, or where nobody can write what
    was compiled: that is a third of the time in which a sandbox starts.
    """
    place = Path(tempfile.gettempdir()) / f"osca-inside-{os.geteuid()}-{_version()}"
    if _is_ours(place):
        return place
    made = Path(tempfile.mkdtemp(prefix=f"{place.name}-"))
    package = made / _PACKAGE
    shutil.copytree(_INSIDE, package, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(package, quiet=2)
    for path in (made, *made.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with suppress(OSError):
        made.rename(place)
        return place
    if not _is_ours(place):  # somebody else's: theirs is not taken, ours has a name of its own
        return made
    shutil.rmtree(made, ignore_errors=True)
    return place


@lru_cache(maxsize=1)
def _version() -> str:
    sources = b"".join(path.read_bytes() for path in sorted(_INSIDE.glob("*.py")))
    return hashlib.sha256(sources).hexdigest()[:16]


def _is_ours(place: Path) -> bool:
    """Tell whether a folder is there that nobody but us could have written to."""
    try:
        found = place.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
    # What tidies temporary folders may have taken a part.
    return ours and all((place / _PACKAGE / path.name).exists() for path in _INSIDE.glob("*.py"))
