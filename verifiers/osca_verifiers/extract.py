"""Takes the answer out of a text, in steps that users chain.

Every step takes the last of what it finds: models reason first and answer last, and restate the asked format
on the way (docs/decisions/040-the-last-one-wins.md).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from osca_cli.errors import UsageError
from osca_verifiers.numerals import last_numeral

if TYPE_CHECKING:
    from osca_cli.model import Json

T = TypeVar("T")

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)")


class Step(NamedTuple):
    """One step: what it finds in a text, and what to say when it finds nothing."""

    find: Callable[[str], str | None]
    missing: str


class Extracted(NamedTuple):
    """What is left of a text after all steps; ``text`` is ``None``, with the reason, where a step failed."""

    text: str | None
    reason: str = ""


def compile_steps(setting: Json) -> tuple[Step, ...]:
    """Read the ``extract`` setting: nothing, one step, or a list of steps.

    Args:
        setting: ``last_number``, ``code_block``, ``{after: TEXT}``, ``{regex: PATTERN}`` or a list of these.

    Raises:
        UsageError: a step that is not known, or a pattern that is not a regular expression.
    """
    if setting is None:
        return ()
    steps = setting if isinstance(setting, list | tuple) else (setting,)
    return tuple(_step(step) for step in steps)


def extract(text: str, steps: Iterable[Step]) -> Extracted:
    """Apply each step to what the one before it left."""
    for step in steps:
        found = step.find(text)
        if found is None:
            return Extracted(None, step.missing)
        text = found
    return Extracted(text)


def compile_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Compile a user's regular expression.

    Raises:
        UsageError: it is not one; the message says where it is wrong.
    """
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"'{pattern}' is not a regular expression: {error}") from None


def captured(match: re.Match[str]) -> str:
    """Return the first group that took part in a match, else the whole match."""
    return next((group for group in match.groups() if group is not None), match[0])


def _step(setting: Json) -> Step:
    match setting:
        case "last_number":
            return Step(last_numeral, "no number found")
        case "code_block":
            return Step(_last_code_block, "no code block found")
        case {"after": str(marker)} if len(_keys(setting)) == 1:
            pattern = re.compile(re.escape(marker), re.IGNORECASE)
            return Step(lambda text: _after(pattern, text), f"'{marker}' not found")
        case {"regex": str(source)} if len(_keys(setting)) == 1:
            regex = compile_pattern(source)
            return Step(lambda text: _last_captured(regex, text), f"nothing matches '{source}'")
    raise UsageError(
        f"extract: {setting!r} is not a step; write last_number, code_block, {{after: TEXT}}, "
        "{regex: PATTERN} or a list of these"
    )


def _keys(setting: Json) -> list[str]:
    return list(setting) if isinstance(setting, Mapping) else []


def _after(marker: re.Pattern[str], text: str) -> str | None:
    match = _last(marker.finditer(text))
    return text[match.end() :].strip() if match else None


def _last_captured(pattern: re.Pattern[str], text: str) -> str | None:
    # A pattern that can match nothing does so at the end of every text: that is never the answer.
    return _last(found for match in pattern.finditer(text) if (found := captured(match)))


def _last_code_block(text: str) -> str | None:
    """Return the content of the last fenced block.

    A block that the text's end closes counts: a stop sequence or a length limit may have taken the fence.
    """
    block: list[str] | None = None
    opening: re.Match[str] | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        fence = _FENCE.fullmatch(line)
        if opening is None:
            if fence:
                opening, block = fence, []
        elif fence and _closes(fence, opening):
            opening = None
        elif block is not None:
            block.append(line.removeprefix(opening["indent"]))
    return None if block is None else "\n".join(block)


def _closes(fence: re.Match[str], opening: re.Match[str]) -> bool:
    """Tell whether a fence closes a block: bare, of the same kind, and at least as long."""
    return not fence["info"].strip() and fence["fence"].startswith(opening["fence"])


def _last(items: Iterable[T]) -> T | None:
    tail = deque(items, maxlen=1)
    return tail[0] if tail else None
