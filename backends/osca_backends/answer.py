"""Reads the answer of a program: one JSON object on its standard output."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from osca_cli.errors import LostAnswerError
from osca_cli.model import Json, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

_KNOWN = ("text", "finish_reason", "input_tokens", "output_tokens", "usd", "seconds")
_MOST_TOKENS = 2**53


def sample_of(output: bytes, seconds: float, complaints: str) -> Sample:
    """Return the sample that a program answered with.

    Args:
        output: What it wrote to standard output.
        seconds: How long it took; its own ``seconds`` goes before.
        complaints: What it wrote to standard error, kept with the sample.

    Raises:
        LostAnswerError: the output is no answer; the message says what is wrong with it.
    """
    answer = _object(output)
    if not isinstance(text := answer.get("text"), str):
        raise LostAnswerError(f'its answer must be as in {{"text": "42"}}{_got(answer, "text")}')
    details = {key: value for key, value in answer.items() if key not in _KNOWN}
    _check_verdict(details)
    if complaints:
        details["stderr"] = complaints
    measured = _amount(answer, "seconds")
    return Sample(
        text=text,
        finish_reason=_word(answer, "finish_reason") or "stop",
        input_tokens=_count(answer, "input_tokens"),
        output_tokens=_count(answer, "output_tokens"),
        seconds=seconds if measured is None else measured,
        usd=_amount(answer, "usd"),
        details=details or None,
    )


def _object(output: bytes) -> dict[str, Any]:
    if not output.strip():
        raise LostAnswerError("it wrote nothing to standard output, where its answer belongs, a JSON object")
    try:
        answer = json.loads(output.decode("utf-8"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise LostAnswerError(f"its answer is not UTF-8 (byte {error.start})") from None
    except (ValueError, RecursionError) as error:
        start = ascii(output[:40].decode("utf-8", "replace"))
        raise LostAnswerError(
            f"its answer is not one JSON object: {error}; it begins with {start}."
            " Standard output is for the answer alone, standard error for everything else"
        ) from None
    if not isinstance(answer, dict):
        raise LostAnswerError(f"its answer is {_kind(answer)}, not a JSON object")
    return answer


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _check_verdict(details: Mapping[str, Json]) -> None:
    """Refuse a verdict that says neither pass nor fail."""
    if details.get("verdict") is None:
        return
    verdict = details["verdict"]
    if not isinstance(verdict, dict) or not isinstance(verdict.get("passed"), bool):
        raise LostAnswerError('its verdict must be as in {"passed": true}, with score and reason if you like')
    _amount(verdict, "score")
    _word(verdict, "reason")


def _word(answer: Mapping[str, Any], key: str) -> str | None:
    value = answer.get(key)
    if value is None or isinstance(value, str):
        return value
    raise LostAnswerError(f"its {key} must be a text{_got(answer, key)}")


def _count(answer: Mapping[str, Any], key: str) -> int | None:
    value = answer.get(key)
    if value is None or (type(value) is int and 0 <= value <= _MOST_TOKENS):
        return value
    raise LostAnswerError(f"its {key} must be a whole number, 0 or more{_got(answer, key)}")


def _amount(answer: Mapping[str, Any], key: str) -> float | None:
    value = answer.get(key)
    if value is None:
        return None
    if type(value) in {int, float} and 0 <= value <= 1e300 and math.isfinite(value):
        return float(value)
    raise LostAnswerError(f"its {key} must be a number, 0 or more{_got(answer, key)}")


def _got(answer: Mapping[str, Any], key: str) -> str:
    return (
        f", not {ascii(answer[key])[:40]}"
        if key in answer
        else f" (it has {', '.join(map(ascii, answer))[:80]})"
    )


def _kind(value: object) -> str:
    return {list: "a list", str: "a text", type(None): "null"}.get(type(value), "a number")
