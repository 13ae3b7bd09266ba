"""Reads what servers say about their rate limits in the headers of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from osca_cli.model import Quota

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9.]+)(ms|s|m|h|d)")
_REMAINING_AND_RESET = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks to wait, in seconds, or ``None``.

    >>> retry_after({"retry-after-ms": "1500", "retry-after": "2"})
    1.5
    >>> retry_after({"retry-after": "tomorrow"}) is None
    True
    """
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    said = headers.get("retry-after", "")
    return _number(said) if _number(said) is not None else _until(said, headers)


def quota(headers: Mapping[str, str]) -> Quota | None:
    """Return what is left of the requests that a server takes, or ``None`` where it does not say.

    >>> quota({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1m2s"})
    Quota(remaining=3, reset_s=62.0)
    """
    for remaining_name, reset_name in _REMAINING_AND_RESET:
        remaining = _number(headers.get(remaining_name, ""))
        reset_s = _duration(headers.get(reset_name, ""), headers)
        if remaining is not None and reset_s is not None:
            return Quota(int(remaining), reset_s)
    return None


def _number(text: str) -> float | None:
    """Return a decimal number that is not below 0."""
    return float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text.strip()) else None


def _duration(text: str, headers: Mapping[str, str]) -> float | None:
    """Read ``6m0s``, ``120ms``, a number of seconds or a time of day."""
    if text and not _DURATION.sub("", text):
        return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    return _number(text) if _number(text) is not None else _until(text, headers)


def _until(text: str, headers: Mapping[str, str]) -> float | None:
    """Return the seconds from now until a date, by the server's own clock where it tells."""
    moment, now = _date(text), _date(headers.get("date", "")) or datetime.now(UTC)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _date(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = read(text)
        except ValueError:
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
