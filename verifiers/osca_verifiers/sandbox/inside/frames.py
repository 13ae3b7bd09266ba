"""Messages between processes: JSON behind its length, over pipes."""

from __future__ import annotations

import json
import os
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
    body = json.dumps(message, separators=(",", ":")).encode()
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
        return json.loads(self._bytes(int.from_bytes(self._bytes(HEAD), "big")))

    def _bytes(self, number: int) -> bytes:
        parts = []
        while number:
            part = os.read(self._read, min(number, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            number -= len(part)
        return b"".join(parts)
