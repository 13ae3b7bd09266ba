"""Hashes of large files, remembered: every command identifies its models, and reading one takes seconds."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from osca_backends.gguf import sha256

LARGE = 100_000_000


def remembered_sha256(path: Path, cache: Path) -> str:
    """Return the SHA-256 of a file, read only if it was never read, or changed since.

    A file counts as changed if its size, its time of change in nanoseconds or its inode did.

    Args:
        path: The file.
        cache: The folder where hashes are remembered.

    Raises:
        OSError: the file cannot be read.
    """
    about = path.stat()
    if about.st_size < LARGE:
        return sha256(path)
    key = f"{path.resolve()} {about.st_size} {about.st_mtime_ns} {about.st_ino}"
    known = _known(cache)
    if key not in known:
        known[key] = sha256(path)
        _remember({**_known(cache), key: known[key]}, cache)
    return known[key]


def _known(cache: Path) -> dict[str, str]:
    try:
        known = json.loads((cache / "sha256.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(known: dict[str, str], cache: Path) -> None:
    """Write all hashes in one step; where that cannot be, they are read again."""
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache, prefix="sha256-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1)
        Path(name).replace(cache / "sha256.json")
