"""JSON inside a text, and what a path finds in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from osca_cli.errors import UsageError

if TYPE_CHECKING:
    from osca_cli.model import Json

Find: TypeAlias = Callable[[Any], Sequence[Any]]
"""What a compiled path is: it returns all that it finds in a value."""

_OPENING = re.compile(r"""\{(?=\s*["}])|\[(?=\s*[\[\]{"0-9tfn-])""")
_DECODER = json.JSONDecoder(strict=False)
_READINGS = 20
"""How often over the characters of a text may be read: hostile nesting would take the square of them."""


def compile_path(path: str) -> Find:
    """Compile a JSONPath (RFC 9535).

    Raises:
        UsageError: it is not one; the message says where it is wrong.
    """
    import jsonpath  # takes 0.2 s, and few specs have one

    try:
        return jsonpath.compile(path, strict=True).findall
    except jsonpath.JSONPathError as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"json_path: '{path}' is not a JSONPath: {reason}; an example: $.answer") from None


def last_at(find: Find, text: str) -> str | None:
    """Return the last value that a path finds in the last JSON object or array of a text that has one.

    A text comes as it is, anything else as JSON writes it.
    """
    for value in reversed(values(text)):
        try:
            found = find(value)
        except (RecursionError, ValueError):
            continue
        if found:
            return found[-1] if isinstance(found[-1], str) else written(found[-1])
    return None


def written(value: Json) -> str:
    """Return one spelling for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def parsed(text: str) -> Json:
    """Return the value that a text is, else the last object or array in it.

    Raises:
        ValueError: neither.
    """
    try:
        return cast("Json", _DECODER.decode(text.strip()))
    except (ValueError, RecursionError):
        found = values(text)
    if not found:
        raise ValueError("no JSON found")
    return cast("Json", found[-1])


def values(text: str) -> list[Any]:
    """Return the objects and arrays that stand in a text, none inside another, in order."""
    found, position, readings = [], 0, _READINGS * len(text)
    while (opening := _OPENING.search(text, position)) and readings > 0:
        start = opening.start()
        try:
            value, position = _DECODER.raw_decode(text, start)
            found.append(value)
        except json.JSONDecodeError as error:
            # To count lines the error reads all that precedes it, too, if a hundred times faster.
            readings -= error.pos - start + start // 100
            position = start + 1
        except (RecursionError, ValueError):  # too deep, or a number with too many digits
            position = start + 1
            readings -= len(text) // 50
    return found
