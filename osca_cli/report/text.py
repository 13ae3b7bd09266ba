"""Hostile text on a page: every character that could hide or move others is written out."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

KEPT = "\n\t"
MARKS = 4
"""So many combining marks a letter may have: more would climb out of their line."""

_MARK = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_STACKED = re.compile(f"([{_MARK}]{{{MARKS}}})[{_MARK}]+")


def visible(text: str, most: int | None = None) -> Markup:
    r"""Return text as markup: escaped, with control and format characters as their code points.

    Terminal escapes, right-to-left overrides, zero-width characters, byte-order marks and tags are then
    read and steer nothing. Letters of right-to-left scripts stay what they are.

    Args:
        text: Any text.
        most: At most so many characters; the rest is cut.

    >>> visible("a\u202eb<")
    Markup('a<span class="code-point">U+202E</span>b&lt;')
    """
    if most is not None and len(text) > most:
        text = text[:most] + "…"
    text = _STACKED.sub(r"\1", text.replace("\r\n", "\n"))
    parts: list[str] = []
    plain = 0
    for at, char in enumerate(text):
        if _steers(char):
            parts += [escape(text[plain:at]), f'<span class="code-point">U+{ord(char):04X}</span>']
            plain = at + 1
    return Markup("".join([*parts, escape(text[plain:])]))  # noqa: S704 - escaped piece by piece


def _steers(char: str) -> bool:
    if char < "\x7f":
        return char < " " and char not in KEPT
    return unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} or char == "\u3164"
