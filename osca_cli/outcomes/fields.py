"""Fields of a JSON outcomes file, read with checks that name the cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osca_cli.errors import OutcomesError
from osca_cli.outcomes.types import UNLIMITED, Ints, Mask, Outcomes


def read_settings(document: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the settings and their names."""
    settings = document.get("settings")
    if not isinstance(settings, list) or not settings:
        raise OutcomesError("settings: want a list of configurations")
    for index, setting in enumerate(settings):
        if not isinstance(setting, dict) or not isinstance(setting.get("name"), str):
            raise OutcomesError(f"settings[{index}]: want an object with a name")
    return settings, [setting["name"] for setting in settings]


def strings(document: Mapping[str, Any], key: str) -> list[str]:
    """Return a list of ids."""
    values = document.get(key)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise OutcomesError(f"{key}: want a list of ids (text)")
    return values


def matrix_of(values: object, key: str, shape: tuple[Sequence[str], Sequence[str]]) -> list[list[Any]]:
    """Return a matrix as its rows, of the right shape but with values still to be checked."""
    names, problems = shape
    if not isinstance(values, list) or len(values) != len(names):
        raise OutcomesError(f"{key}: want one row for each of the {len(names)} settings")
    for name, row in zip(names, values, strict=True):
        if not isinstance(row, list) or len(row) != len(problems):
            raise OutcomesError(f"{key}, configuration {name!r}: want {len(problems)} values")
    return values


def counts(document: Mapping[str, Any], key: str, shape: tuple[list[str], list[str]]) -> Ints:
    """Return a matrix of counts."""
    rows = matrix_of(document.get(key), key, shape)
    checked = [count_row(row, key, (name, shape[1])) for name, row in zip(shape[0], rows, strict=True)]
    return np.array(checked, np.int64).reshape(len(shape[0]), len(shape[1]))


def count_row(values: object, key: str, labels: tuple[str, Sequence[str]]) -> list[int]:
    """Return one configuration's counts."""
    name, problems = labels
    if not isinstance(values, list) or len(values) != len(problems):
        raise OutcomesError(f"{key}, configuration {name!r}: want {len(problems)} counts")
    for problem, value in zip(problems, values, strict=True):
        if type(value) is not int or not 0 <= value <= UNLIMITED:
            count(value, f"configuration {name!r}, problem {problem!r}: {key}")
    return values


def count(value: object, where: str) -> int:
    """Return a count; ``where`` begins the message if it is none."""
    if type(value) is not int or not 0 <= value <= UNLIMITED:
        raise OutcomesError(f"{where} must be a whole number of at least 0, not {short(value)}")
    return value


def short(value: object) -> str:
    """Return a value as a message shows it."""
    text = repr(value) if not isinstance(value, int) or abs(value) <= UNLIMITED else "a huge number"
    return text if len(text) <= 40 else text[:37] + "..."


def ids_of(outcomes: Outcomes, mask: Mask) -> list[str]:
    """Return the ids of the problems that a mask picks."""
    return [outcomes.problems[column] for column in np.flatnonzero(mask)]


def members(problems: Sequence[str], ids: Sequence[str]) -> list[bool]:
    """Return for every problem whether it is among the ids."""
    chosen = set(ids)
    return [problem in chosen for problem in problems]
