"""Outcomes as a table in long form: one row per cell, in CSV or Parquet.

Columns ``problem``, ``configuration``, ``n`` and ``correct``; optional ``cost`` (USD), ``output_tokens``,
``seconds``, ``split`` (``train``, ``test``, ``both``, ``none``), ``max_samples`` and ``deterministic``.
A cell without a row has ``n = 0``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osca_cli.errors import OutcomesError
from osca_cli.outcomes.types import COST_KINDS, UNLIMITED, CostKind, Outcomes

Row = Mapping[str, object]

REQUIRED = ("problem", "configuration", "n", "correct")
COSTS: dict[str, CostKind] = {"cost" if kind == "usd" else kind: kind for kind in COST_KINDS}
OPTIONAL = (*COSTS, "split", "max_samples", "deterministic")
SIDES = {
    "": (False, False),
    "none": (False, False),
    "train": (True, False),
    "test": (False, True),
    "both": (True, True),
}


def read_csv(path: Path) -> list[Row]:
    """Read the rows of a CSV file with a header.

    Raises:
        OutcomesError: not CSV, or not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            _check_columns(reader.fieldnames or ())
            rows: list[Row] = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise OutcomesError(f"is not a CSV file: {error}") from error
    for line, row in enumerate(rows, start=1):
        if None in row or None in row.values():  # how DictReader files surplus and missing fields
            raise OutcomesError(f"row {line}: has another number of fields than the header")
    return rows


def read_parquet(path: Path) -> list[Row]:
    """Read the rows of a Parquet file.

    Raises:
        OutcomesError: not Parquet, or ``pyarrow`` is not installed.
    """
    parquet, failure = _pyarrow()
    try:
        table = parquet.read_table(path)
    except failure as error:
        raise OutcomesError(f"is not a Parquet file: {error}") from error
    _check_columns(table.column_names)
    rows: list[Row] = table.to_pylist()
    return rows


def write_csv(outcomes: Outcomes, path: Path) -> None:
    """Write every sampled cell as a line of CSV."""
    columns = _columns(outcomes)
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_rows(outcomes, columns))


def write_parquet(outcomes: Outcomes, path: Path) -> None:
    """Write every cell as a row of a Parquet table.

    Raises:
        OutcomesError: ``pyarrow`` is not installed.
    """
    parquet, _ = _pyarrow()
    import pyarrow as pa

    parquet.write_table(pa.Table.from_pylist(list(_rows(outcomes, _columns(outcomes)))), path)


def from_rows(rows: Iterable[Row]) -> Outcomes:
    """Build outcomes from rows in long form; names and ids stand in order of first appearance.

    Raises:
        OutcomesError: naming the row and the cell that is wrong.
    """
    cells: dict[tuple[str, str], Row] = {}
    for line, row in enumerate(rows, start=1):
        cell = (_name(row, "configuration", line), _name(row, "problem", line))
        if cell in cells:
            raise OutcomesError(f"row {line}: configuration {cell[0]!r}, problem {cell[1]!r} stands twice")
        cells[cell] = row
    names = {name: index for index, name in enumerate(dict.fromkeys(name for name, _ in cells))}
    ids = {id_: index for index, id_ in enumerate(dict.fromkeys(id_ for _, id_ in cells))}
    n, c = (np.zeros((len(names), len(ids)), np.int64) for _ in range(2))
    costs = {kind: np.full(n.shape, math.nan) for kind in COSTS.values()}
    for (name, id_), row in cells.items():
        where = f"configuration {name!r}, problem {id_!r}"
        at = names[name], ids[id_]
        n[at], c[at] = _whole(row["n"], f"{where}: n"), _whole(row["correct"], f"{where}: correct")
        for column, kind in COSTS.items():
            costs[kind][at] = _cost(row.get(column), f"{where}: {column}")
    caps = _agreed(cells, 0, "max_samples", "configuration")
    same = _agreed(cells, 0, "deterministic", "configuration")
    sides = _agreed(cells, 1, "split", "problem")
    train, held_out = _split(ids, sides)
    return Outcomes.of(
        list(names),
        list(ids),
        n,
        c,
        costs={kind: cost for kind, cost in costs.items() if not np.isnan(cost).all()},
        max_samples=[_cap(name, caps.get(name, "")) for name in names],
        deterministic=[_flag(name, same.get(name, "")) for name in names],
        train=train,
        held_out=held_out,
    )


def _pyarrow() -> tuple[Any, type[Exception]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise OutcomesError("needs pyarrow: install osca[parquet]") from error
    return parquet, pa.ArrowException


def _check_columns(columns: Iterable[str]) -> None:
    columns = list(columns)
    if missing := [name for name in REQUIRED if name not in columns]:
        raise OutcomesError(f"lacks the column {missing[0]!r}; want {', '.join(REQUIRED)}")
    if unknown := [name for name in columns if name not in (*REQUIRED, *OPTIONAL)]:
        raise OutcomesError(f"has an unknown column {unknown[0]!r}; optional ones are {', '.join(OPTIONAL)}")
    if len(set(columns)) < len(columns):
        raise OutcomesError("names a column twice")


def _columns(outcomes: Outcomes) -> list[str]:
    """Return the columns that hold something."""
    holds = {column: kind in outcomes.costs for column, kind in COSTS.items()}
    holds["split"] = not (outcomes.train.all() and not outcomes.held_out.any())
    holds["max_samples"] = bool((outcomes.max_samples < UNLIMITED).any())
    holds["deterministic"] = bool(outcomes.deterministic.any())
    return [*REQUIRED, *(column for column in OPTIONAL if holds[column])]


def _rows(outcomes: Outcomes, columns: Iterable[str]) -> Iterator[dict[str, object]]:
    wanted = list(columns)
    side = {flags: name for name, flags in SIDES.items()}
    for row, name in enumerate(outcomes.configurations):
        cap = int(outcomes.max_samples[row])
        for column, id_ in enumerate(outcomes.problems):
            cell: dict[str, object] = {
                "problem": id_,
                "configuration": name,
                "n": int(outcomes.n[row, column]),
                "correct": int(outcomes.c[row, column]),
                "split": side[bool(outcomes.train[column]), bool(outcomes.held_out[column])],
                "max_samples": cap if cap < UNLIMITED else None,
                "deterministic": bool(outcomes.deterministic[row]),
            }
            for key, kind in COSTS.items():
                cost = outcomes.costs[kind][row, column] if kind in outcomes.costs else math.nan
                cell[key] = None if math.isnan(cost) else float(cost)
            yield {key: cell[key] for key in wanted}


def _name(row: Row, key: str, line: int) -> str:
    value = row.get(key)
    if value is None or value == "":
        raise OutcomesError(f"row {line}: {key} is empty")
    return str(value)


def _whole(value: object, where: str) -> int:
    """Read a count; text that spells a whole number counts as one."""
    number = value
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        number = int(value)
    if type(number) is not int or not 0 <= number <= UNLIMITED:
        raise OutcomesError(f"{where} must be a whole number of at least 0, not {str(value)[:40]!r}")
    return number


def _cost(value: object, where: str) -> float:
    if value is None or value == "":
        return math.nan
    try:
        cost = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        cost = math.inf
    if not 0 <= cost <= 1e300:
        raise OutcomesError(f"{where} must be a finite number, 0 or more, or empty; not {str(value)[:40]!r}")
    return cost


def _agreed(cells: Mapping[tuple[str, str], Row], axis: int, column: str, what: str) -> dict[str, object]:
    """Return the one value of a column that all rows of a configuration or problem must share."""
    values: dict[str, object] = {}
    for cell, row in cells.items():
        value = "" if row.get(column) is None else row[column]
        if values.setdefault(cell[axis], value) != value:
            raise OutcomesError(f"{what} {cell[axis]!r}: its rows disagree on {column}")
    return values


def _split(ids: Iterable[str], sides: Mapping[str, object]) -> tuple[list[bool] | None, list[bool] | None]:
    if not any(sides.values()):
        return None, None
    flags = []
    for id_ in ids:
        side = str(sides[id_])
        if side not in SIDES:
            raise OutcomesError(
                f"problem {id_!r}: split must be train, test, both or none, not {side[:40]!r}"
            )
        flags.append(SIDES[side])
    return [train for train, _ in flags], [held_out for _, held_out in flags]


def _cap(name: str, value: object) -> int:
    return UNLIMITED if value == "" else _whole(value, f"configuration {name!r}: max_samples")


def _flag(name: str, value: object) -> bool:
    known = {"": False, "false": False, "true": True}
    text = str(value).lower()
    if text not in known:
        raise OutcomesError(f"configuration {name!r}: deterministic must be true or false, not {text[:40]!r}")
    return known[text]
