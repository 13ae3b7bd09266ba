r"""The argument of ``\boxed{…}``, where models put the answers to mathematics."""

from __future__ import annotations

import re

_OPENING = re.compile(r"\\f?boxed\s?\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def last_boxed(text: str) -> str | None:
    r"""Return what stands in the last ``\boxed{…}`` or ``\fbox{…}``; ``None`` where no brace closes one.

    >>> last_boxed(r"so \boxed{\frac{1}{2}}.")
    '\\frac{1}{2}'
    """
    openings = list(_OPENING.finditer(text))
    return next(
        (found for opening in reversed(openings[-_MOST:]) if (found := _argument(text, opening))), None
    )


_MOST = 3
"""Boxes that are tried from the last one back: a text of a million open ones takes linear time."""


def _argument(text: str, opening: re.Match[str]) -> str | None:
    depth = 1
    for brace in _BRACE.finditer(text, opening.end()):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[opening.end() : brace.start()].strip()
    return None
