"""What all logs of other tools have in common: rows, each one sample of one configuration on one problem."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osca_cli.model import Json, Sample, Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One sample of a log.

    Attributes:
        key: What the tool itself knows it by: format, log, sample, and which of them. Nothing else is equal.
        problem: The tool's id of the problem.
        fields: The problem's fields as the tool has them: one of them may be the id.
        configuration: A name that the tool gives it.
        model: As the tool calls it, without the name of a provider.
        parameters: Sampling parameters as osca calls them; ``None`` where the log does not say.
        sample: The text and what it took; ``None`` where the tool failed to draw it.
        has_text: Whether the log has the text.
        scorer: Whose verdict it is.
        verdict: The log's; ``None`` where there is none.
        error: Why there is no sample or no verdict.
    """

    key: Mapping[str, Json]
    problem: str
    scorer: str
    sample: Sample | None
    verdict: Verdict | None
    fields: Mapping[str, Json] = field(default_factory=dict)
    configuration: str | None = None
    model: str | None = None
    parameters: Mapping[str, Json] | None = None
    has_text: bool = True
    error: str | None = None


def verdict_of(value: object, *, answer: str | None = None, reason: str = "") -> Verdict | None:
    """Return the verdict that a score stands for, or ``None`` where it is none.

    A boolean is what it says, a number passes from 1 on; letters are Inspect's: C, P, I and N.
    """
    number = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}.get(value, value) if isinstance(value, str) else value
    if isinstance(number, bool):
        return Verdict(number, answer, None, reason)
    if isinstance(number, int | float) and math.isfinite(number):
        return Verdict(number >= 1, answer, float(number), reason)
    return None


def count(value: object) -> int | None:
    """Return a number of tokens, or ``None`` where it is none."""
    return value if type(value) is int and 0 <= value < 2**53 else None


def amount(value: object) -> float | None:
    """Return an amount of USD or seconds, or ``None`` where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object that may be absent."""
    return value if isinstance(value, Mapping) else {}


def text_of(value: object) -> str:
    """Return an output as text: what is none is spelled in JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def name_of(row: Row) -> str:
    """Return what a row's configuration is called: as the tool calls it, else its model and parameters."""
    if row.configuration:
        return row.configuration
    return "/".join([row.model or "samples", *map(text_of, (row.parameters or {}).values())])
