"""Reads what osca must know of a GGUF file before an engine loads it.

The format is described in ggml's docs/gguf.md. Little-endian: magic, version, number of tensors, number of
entries, then the entries, each a key, a type and a value.
"""

from __future__ import annotations

import hashlib
import os
import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


class NotGGUFError(ValueError):
    """The file is not a GGUF file, or it is damaged."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal, reading it piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def metadata_keys(path: Path) -> frozenset[str]:
    """Return the keys of a GGUF file's metadata.

    Raises:
        NotGGUFError: the file does not begin like a GGUF file, or ends within its metadata.
    """
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            raise NotGGUFError(f"{path} is not a GGUF file: it does not begin with 'GGUF'")
        try:
            _version, _tensors, entries = _unpack(file, "<IQQ")
            return frozenset(_entry(file) for _ in range(entries))
        except (struct.error, KeyError, UnicodeDecodeError, RecursionError) as error:
            raise NotGGUFError(f"{path} is a damaged GGUF file: its metadata cannot be read") from error


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _entry(file: BinaryIO) -> str:
    """Read one entry's key and pass over its value."""
    (length,) = _unpack(file, "<Q")
    key = file.read(min(length, 1 << 16)).decode()
    (kind,) = _unpack(file, "<I")
    _skip(file, kind)
    return key


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        (length,) = _unpack(file, "<Q")
        _forward(file, length)
    elif kind == _ARRAY:
        item, count = _unpack(file, "<IQ")
        if item in _WIDTHS:
            _forward(file, _WIDTHS[item] * count)
        else:
            for _ in range(count):
                _skip(file, item)
    else:
        _forward(file, _WIDTHS[kind])


def _forward(file: BinaryIO, count: int) -> None:
    """Pass over bytes, which must be there."""
    if count > os.fstat(file.fileno()).st_size - file.tell():
        raise struct.error("the file ends before")
    file.seek(count, os.SEEK_CUR)
