"""A heat map as an image of one pixel a cell: small for many cells, and drawn without a script."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from osca_cli.outcomes.types import Floats

SHADES = 101
"""One for each percent; the palette's last entry, of no colour, is for what is unknown."""

_ANCHORS = (
    (0.0, (22, 32, 66)),
    (0.25, (32, 82, 138)),
    (0.5, (66, 140, 168)),
    (0.75, (150, 196, 150)),
    (1.0, (250, 225, 110)),
)


def colour(rate: float) -> tuple[int, int, int]:
    """Return the colour of a rate: from dark blue to light yellow, told apart without red and green.

    >>> colour(0.0), colour(1.0)
    ((22, 32, 66), (250, 225, 110))
    """
    at = [anchor for anchor, _ in _ANCHORS]
    red, green, blue = (
        round(float(np.interp(rate, at, [rgb[channel] for _, rgb in _ANCHORS]))) for channel in range(3)
    )
    return red, green, blue


def png(rates: Floats) -> bytes:
    """Return an image of rates, one pixel each; NaN is transparent.

    Args:
        rates: In [0, 1], shape ``(rows, columns)``.
    """
    height, width = rates.shape
    known = ~np.isnan(rates)
    index = np.where(known, np.rint(np.nan_to_num(rates) * (SHADES - 1)), SHADES).astype(np.uint8)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), index], axis=1).tobytes()
    palette = b"".join(bytes(colour(i / (SHADES - 1))) for i in range(SHADES)) + b"\0\0\0"
    transparent = b"\xff" * SHADES + b"\0"
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = {
        b"IHDR": header,
        b"PLTE": palette,
        b"tRNS": transparent,
        b"IDAT": zlib.compress(lines, 9),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts.items())


def data_uri(rates: Floats) -> str:
    """Return the image as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png(rates)).decode()


def folded(rates: Floats, most: int) -> Floats:
    """Return at most so many columns: means of neighbours, of what is known of them."""
    width = rates.shape[1]
    if width <= most:
        return rates
    edges = np.linspace(0, width, most + 1).astype(int)
    known = ~np.isnan(rates)
    total = np.add.reduceat(np.nan_to_num(rates), edges[:-1], axis=1)
    number = np.add.reduceat(known.astype(float), edges[:-1], axis=1)
    folded_: Floats = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return folded_


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
