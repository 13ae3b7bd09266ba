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
from osca_verifiers.boxed import last_boxed
from osca_verifiers.json_values import compile_path, last_at
from osca_verifiers.numerals import last_numeral
from osca_verifiers.reasoning import without_reasoning

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
        setting: ``last_number``, ``code_block``, ``boxed``, ``without_reasoning``, ``{after: TEXT}``,
            ``{regex: PATTERN}``, ``{json_path: PATH}`` or a list of these.

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
    if isinstance(setting, str) and setting in _NAMED:
        return _NAMED[setting]
    if isinstance(setting, Mapping) and len(setting) == 1:
        ((kind, argument),) = setting.items()
        if kind in _GIVEN and isinstance(argument, str):
            return _GIVEN[kind](argument)
    raise UsageError(
        f"extract: {setting!r} is not a step; write {', '.join(_NAMED)}, "
        "{after: TEXT}, {regex: PATTERN}, {json_path: PATH} or a list of these"
    )


def _after_step(marker: str) -> Step:
    pattern = re.compile(re.escape(marker), re.IGNORECASE)
    return Step(lambda text: _after(pattern, text), f"'{marker}' not found")


def _regex_step(source: str) -> Step:
    pattern = compile_pattern(source)
    return Step(lambda text: _last_captured(pattern, text), f"nothing matches '{source}'")


def _json_path_step(source: str) -> Step:
    find = compile_path(source)
    return Step(lambda text: last_at(find, text), f"no JSON with '{source}' found")


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


_NAMED: Mapping[str, Step] = {
    "last_number": Step(last_numeral, "no number found"),
    "code_block": Step(_last_code_block, "no code block found"),
    "boxed": Step(last_boxed, "no \\boxed{…} found"),
    "without_reasoning": Step(without_reasoning, "nothing follows the reasoning"),
}
_GIVEN: Mapping[str, Callable[[str], Step]] = {
    "after": _after_step,
    "regex": _regex_step,
    "json_path": _json_path_step,
}
