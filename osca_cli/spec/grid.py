"""Expands an entry of ``configurations:`` into what would be written for each without a grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from osca_cli.model import Json
from osca_cli.spec.faults import Faults
from osca_cli.spec.yaml12 import KeyPath, path_text

MOST_CONFIGURATIONS = 100_000
"""Larger grids are mistakes; they are refused before they fill the memory."""

PARAMETERS = (
    "temperature", "top_p", "top_k", "min_p", "max_tokens", "stop", "reasoning_effort", "thinking_tokens",
)  # fmt: skip
"""The sampling parameters that a configuration may have. ``system`` is part of the prompt."""

_SECTIONS = ("vars", "extra")
_SWEEPABLE = {*PARAMETERS, "model", "prompt", "system"}


@dataclass(frozen=True, slots=True)
class Combination:
    """One configuration of an entry.

    Attributes:
        values: The entry as it would be written for this configuration alone.
        swept: The grid's keys (``("vars", "language")`` is one) with their values here, in the order written.
        paths: Where each value stands in the spec.
    """

    values: Mapping[str, Json]
    swept: tuple[tuple[KeyPath, Json], ...]
    paths: Mapping[KeyPath, KeyPath]


@dataclass(frozen=True, slots=True)
class _Axis:
    key: KeyPath
    values: Sequence[Json]


def expand(entry: Mapping[str, Json], path: KeyPath, faults: Faults) -> list[Combination]:
    """Return the configurations of an entry, in order: the grid's last key varies fastest."""
    fixed = {key: value for key, value in entry.items() if key not in {"grid", "exclude"}}
    axes = list(_axes(cast("Mapping[str, Any]", entry.get("grid", {}))))
    if not _well_formed(entry, axes, path, faults):
        return []
    own = {key: (*path, *key) for key in _keys(fixed)}
    combinations = [
        Combination(
            values=_merged(fixed, axes, [axis.values[i] for axis, i in zip(axes, choice, strict=True)]),
            swept=tuple((axis.key, axis.values[i]) for axis, i in zip(axes, choice, strict=True)),
            paths=own
            | {axis.key: (*path, "grid", *axis.key, i) for axis, i in zip(axes, choice, strict=True)},
        )
        for choice in itertools.product(*(range(len(axis.values)) for axis in axes))
    ]
    return _without_excluded(combinations, entry, axes, path, faults)


def _axes(grid: Mapping[str, Any]) -> Iterator[_Axis]:
    for key, values in grid.items():
        if key in _SECTIONS:
            yield from (_Axis((key, name), items) for name, items in values.items())
        elif key in _SWEEPABLE:  # any other is an unknown key, told already
            yield _Axis((key,), values)


def _keys(values: Mapping[str, Json]) -> Iterator[KeyPath]:
    """Yield the paths of the values of an entry or of an exclude; a variable is a value, ``vars`` is not."""
    for key, value in values.items():
        if key in _SECTIONS and isinstance(value, Mapping):
            yield from ((key, name) for name in value)
        else:
            yield (key,)


def _well_formed(entry: Mapping[str, Json], axes: Sequence[_Axis], path: KeyPath, faults: Faults) -> bool:
    if "exclude" in entry and not axes:
        faults.add_at_key((*path, "exclude"), "there is no grid to exclude from; remove it")
        return False
    twice = {axis.key for axis in axes} & set(_keys(entry))
    for key in sorted(twice, key=str):
        faults.add_at_key((*path, *key), "is in the grid too; remove one of the two")
    size = math.prod(len(axis.values) for axis in axes)
    if size > MOST_CONFIGURATIONS:
        message = f"makes {size} configurations, more than {MOST_CONFIGURATIONS}; write fewer values"
        faults.add_at_key((*path, "grid"), message)
    return not twice and size <= MOST_CONFIGURATIONS


def _merged(fixed: Mapping[str, Json], axes: Sequence[_Axis], values: Sequence[Json]) -> dict[str, Json]:
    merged: dict[str, Any] = dict(fixed)
    for axis, value in zip(axes, values, strict=True):
        if len(axis.key) == 1:
            merged[str(axis.key[0])] = value
        else:
            section, name = axis.key
            merged[str(section)] = {**merged.get(str(section), {}), name: value}
    return merged


def _without_excluded(
    combinations: list[Combination],
    entry: Mapping[str, Json],
    axes: Sequence[_Axis],
    path: KeyPath,
    faults: Faults,
) -> list[Combination]:
    gone: set[int] = set()
    excludes = cast("Sequence[Mapping[str, Json]]", entry.get("exclude", ()))
    for index, exclude in enumerate(excludes):
        matched = {i for i, one in enumerate(combinations) if _matches(one.values, exclude)}
        useless = _useless(exclude, axes) if matched else _unmatched(exclude, axes)
        if useless:
            faults.add((*path, "exclude", index), useless)
        else:
            gone |= matched
    if len(gone) == len(combinations):
        faults.add_at_key((*path, "exclude"), "leaves nothing of the grid; keep at least one combination")
    return [one for i, one in enumerate(combinations) if i not in gone]


def _useless(exclude: Mapping[str, Json], axes: Sequence[_Axis]) -> str | None:
    swept = {axis.key for axis in axes}
    fixed = [path_text(key) for key in _keys(exclude) if key not in swept]
    if not fixed:
        return None
    return f"{fixed[0]} is not in the grid; exclude by its keys: {', '.join(path_text(a.key) for a in axes)}"


def _unmatched(exclude: Mapping[str, Json], axes: Sequence[_Axis]) -> str:
    for axis in axes:
        if axis.key in _keys(exclude) and _at(exclude, axis.key) not in axis.values:
            values = ", ".join(map(str, axis.values))
            return (
                f"matches nothing: the grid's {path_text(axis.key)} is one of {values}; correct or remove it"
            )
    return _useless(exclude, axes) or "matches nothing of the grid; correct or remove it"


def _matches(values: Mapping[str, Any], exclude: Mapping[str, Any]) -> bool:
    return all(_at(values, key) == _at(exclude, key) for key in _keys(exclude))


def _at(values: Mapping[str, Any], key: KeyPath) -> Any:
    if len(key) == 1:
        return values.get(str(key[0]))
    return values.get(str(key[0]), {}).get(key[1])
