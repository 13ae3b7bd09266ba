"""The JSON format of outcomes that is osca's own, and holds all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osca_cli.errors import OutcomesError
from osca_cli.model import Json
from osca_cli.outcomes.fields import count, counts, ids_of, matrix_of, members, read_settings, short, strings
from osca_cli.outcomes.release import from_release
from osca_cli.outcomes.types import COST_KINDS, UNLIMITED, CostKind, Floats, Outcomes


def from_document(document: object) -> Outcomes:
    """Read either JSON format, told apart by its keys.

    Raises:
        OutcomesError: naming the key or the cell that is wrong.
    """
    if not isinstance(document, dict):
        raise OutcomesError(
            "is not an outcomes file: want a JSON object with settings, problems, n and correct"
        )
    if "training_instances" in document:
        return from_release(document)
    return _from_outcomes(document)


def to_document(outcomes: Outcomes, name: str) -> dict[str, Any]:
    """Return the outcomes as osca's JSON, which holds all of them."""
    usd = outcomes.costs.get("usd")
    document: dict[str, Any] = {
        "name": name,
        "source": "osca",
        "notes": "",
        "settings": [_setting(outcomes, row) for row in range(len(outcomes.configurations))],
        "problems": list(outcomes.problems),
        "n": outcomes.n.tolist(),
        "correct": outcomes.c.tolist(),
        "cost": None if usd is None else _with_nulls(usd),
        "tags": {problem: dict(tags) for problem, tags in outcomes.tags.items()} or None,
    }
    if others := {kind: _with_nulls(cost) for kind, cost in outcomes.costs.items() if kind != "usd"}:
        document["costs"] = others
    if not (outcomes.train.all() and not outcomes.held_out.any()):
        sides = {"train": outcomes.train, "test": outcomes.held_out}
        document["split"] = {side: ids_of(outcomes, mask) for side, mask in sides.items()}
    return document


def _setting(outcomes: Outcomes, row: int) -> dict[str, Any]:
    runs = outcomes.n[row]
    setting: dict[str, Any] = {
        "name": outcomes.configurations[row],
        "runs": int(runs[0]) if (runs == runs[0]).all() else None,
        "cost_per_sample": _mean_or_none(outcomes.costs["usd"][row]) if "usd" in outcomes.costs else None,
    }
    if outcomes.max_samples[row] < UNLIMITED:
        setting["max_samples"] = int(outcomes.max_samples[row])
    if outcomes.deterministic[row]:
        setting["deterministic"] = True
    return setting


def _mean_or_none(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _with_nulls(matrix: Floats) -> list[list[float | None]]:
    return [[None if math.isnan(value) else value for value in row] for row in matrix.tolist()]


def _from_outcomes(document: Mapping[str, Any]) -> Outcomes:
    settings, names = read_settings(document)
    problems = strings(document, "problems")
    shape = (names, problems)
    split = document.get("split")
    train, held_out = (
        ([True] * len(problems), [False] * len(problems)) if split is None else _split(split, problems)
    )
    return Outcomes.of(
        names,
        problems,
        counts(document, "n", shape),
        counts(document, "correct", shape),
        costs=_costs(document, settings, shape),
        max_samples=[_cap(setting) for setting in settings],
        deterministic=[_flag(setting, "deterministic") for setting in settings],
        train=train,
        held_out=held_out,
        tags=_tags(document.get("tags")),
    )


def _cap(setting: Mapping[str, Any]) -> int:
    cap = setting.get("max_samples")
    return UNLIMITED if cap is None else count(cap, f"configuration {setting['name']!r}: max_samples")


def _flag(setting: Mapping[str, Any], key: str) -> bool:
    value = setting.get(key, False)
    if not isinstance(value, bool):
        raise OutcomesError(f"configuration {setting['name']!r}: {key} is not true or false: {short(value)}")
    return value


def _costs(
    document: Mapping[str, Any], settings: Sequence[Mapping[str, Any]], shape: tuple[list[str], list[str]]
) -> dict[CostKind, Floats]:
    """Gather USD from ``cost`` or ``cost_per_sample``, other kinds from ``costs`` or ``alt_cost``."""
    costs: dict[CostKind, Floats] = {}
    if document.get("cost") is not None:
        costs["usd"] = _cost_matrix(document["cost"], "cost", shape)
    elif any(setting.get("cost_per_sample") is not None for setting in settings):
        costs["usd"] = _spread(
            [setting.get("cost_per_sample") for setting in settings], "cost_per_sample", shape
        )
    if (alternative := document.get("alt_cost")) is not None:
        costs |= _alternative(alternative, shape)
    others = document.get("costs", {})
    if not isinstance(others, dict) or set(others) - set(COST_KINDS):
        raise OutcomesError(f"costs: want an object with keys among {', '.join(COST_KINDS)}")
    return costs | {
        kind: _cost_matrix(others[kind], f"costs.{kind}", shape) for kind in COST_KINDS if kind in others
    }


def _alternative(document: object, shape: tuple[list[str], list[str]]) -> dict[CostKind, Floats]:
    """Read ``alt_cost``; a unit that no budget has is left out, and a budget in it is refused later."""
    if not isinstance(document, dict) or not isinstance(document.get("unit"), str):
        raise OutcomesError("alt_cost: want an object with unit, per_sample and cells")
    unit: str = document["unit"]
    kind: CostKind = "output_tokens" if unit.startswith("output tokens") else "seconds"
    if kind == "seconds" and not ("second" in unit or "minute" in unit):
        return {}
    cells = document.get("cells")
    matrix = (
        _spread(document.get("per_sample"), "alt_cost.per_sample", shape)
        if cells is None
        else _cost_matrix(cells, "alt_cost.cells", shape)
    )
    return {kind: matrix * (60.0 if kind == "seconds" and "minute" in unit else 1.0)}


def _spread(values: object, key: str, shape: tuple[list[str], list[str]]) -> Floats:
    """Give every cell of a configuration the configuration's own mean."""
    names, problems = shape
    if not isinstance(values, list) or len(values) != len(names):
        raise OutcomesError(f"{key}: want one value for each of the {len(names)} settings")
    return _cost_matrix([[value] * len(problems) for value in values], key, shape)


def _cost_matrix(values: object, key: str, shape: tuple[list[str], list[str]]) -> Floats:
    rows = matrix_of(values, key, shape)
    for name, row in zip(shape[0], rows, strict=True):
        for problem, value in zip(shape[1], row, strict=True):
            if value is not None and not _is_cost(value):
                where = f"configuration {name!r}, problem {problem!r}: {key}"
                raise OutcomesError(f"{where} is not null or a number of 0 or more: {short(value)}")
    table = [[math.nan if value is None else float(value) for value in row] for row in rows]
    return np.array(table, np.float64).reshape(len(shape[0]), len(shape[1]))


def _is_cost(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1e300  # type: ignore[operator]


def _split(split: object, problems: Sequence[str]) -> tuple[list[bool], list[bool]]:
    if not isinstance(split, dict):
        raise OutcomesError("split: want an object with the lists train and test")
    known = set(problems)
    sides = []
    for side in ("train", "test"):
        ids = strings(split, side)
        if unknown := [id_ for id_ in ids if id_ not in known]:
            raise OutcomesError(f"split.{side}: {unknown[0]!r} is not among the problems")
        sides.append(members(problems, ids))
    return sides[0], sides[1]


def _tags(tags: object) -> dict[str, dict[str, Json]]:
    if tags is None:
        return {}
    if not isinstance(tags, dict) or not all(isinstance(value, dict) for value in tags.values()):
        raise OutcomesError("tags: want an object of objects, by problem")
    return tags
