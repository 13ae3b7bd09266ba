"""Messages between processes: JSON behind its length, over pipes.

It is read and written by the C part of the standard library's json alone, where that is there: what else json
imports, regular expressions above all, takes longer than the rest of a sandbox's start.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HEAD = 4
LONGEST = 32 << 20
"""Bytes of the longest message that is read or written."""


class TooLongError(ValueError):
    """A message longer than any that is taken."""


def packed(message: Any) -> bytes:
    """Return a message as bytes.

    Raises:
        TooLongError: it is longer than any that is taken.
    """
    body = _write(message).encode()
    if len(body) > LONGEST:
        raise TooLongError(f"a message of {len(body)} bytes")
    return len(body).to_bytes(HEAD, "big") + body


class Channel:
    """Two pipes to another process, read and written until done."""

    def __init__(self, read: int, write: int) -> None:
        self._read = read
        self._write = write

    def send(self, message: Any) -> None:
        """Send a message."""
        left = memoryview(packed(message))
        while left:
            left = left[os.write(self._write, left) :]

    def receive(self) -> Any:
        """Return the next message.

        Raises:
            EOFError: the other side is gone.
        """
        return _parse(self._bytes(int.from_bytes(self._bytes(HEAD), "big")).decode())

    def _bytes(self, number: int) -> bytes:
        parts = []
        while number:
            part = os.read(self._read, min(number, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            number -= len(part)
        return b"".join(parts)


class _Reading:
    """How JSON is read, as ``json.JSONDecoder`` has it by default."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float
    memo: dict[str, str] = {}  # noqa: RUF012 - the C code's own


def _codec() -> tuple[Callable[[Any], str], Callable[[str], Any]]:
    """Return what writes and what reads JSON."""
    try:
        import _json as fast

        json: Any = fast
        encode = json.make_encoder({}, None, json.encode_basestring_ascii, None, ":", ",", False, False, True)
        scan = json.make_scanner(_Reading())
        example = [{"a": [1.5, "\u00e9", None]}]
        if scan("".join(encode(example, 0)), 0)[0] != example:
            raise ValueError
    except Exception:  # noqa: BLE001 - another Python's internals: then as everybody does
        import json as whole

        return whole.dumps, whole.loads
    return lambda message: "".join(encode(message, 0)), lambda text: scan(text, 0)[0]


_write, _parse = _codec()
