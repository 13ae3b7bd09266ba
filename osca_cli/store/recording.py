"""Writes a recording: the samples of a spec in a small pool of their own, for runs without keys or models.

Nothing is in it that need not be: no runs, no errors, no plans, and of requests and configurations their
hashes alone, since they may name hosts and paths. Why: docs/decisions/091-recordings.md.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osca_cli.identity import canonical_json
from osca_cli.model import Split
from osca_cli.spec.cells import Cell
from osca_cli.store.file import RECORDING, explained
from osca_cli.store.pool import Pool
from osca_cli.store.values import problem_row

_PATH_OF_A_MODEL = re.compile(r"^[/~.\\]|^[A-Za-z]:|\.gguf$")


@dataclass(frozen=True, slots=True)
class Recorded:
    """How much a recording holds."""

    samples: int
    problems: int


def write_recording(pool: Pool, cells: Iterable[tuple[Cell, Split]], path: Path) -> Recorded:
    """Write the samples and verdicts of cells, with all that planning and checking need of them.

    Args:
        pool: What there is.
        cells: Which of it, each with its side.
        path: A file that is not there yet.

    Raises:
        PoolError: the file cannot be written.
    """
    with Pool(path) as target:
        try:
            target.connection.execute("PRAGMA foreign_keys = OFF")  # a sample's run stays behind
            with target.writing() as sql:
                for cell, split in cells:
                    _copy(pool.connection, sql, cell, split)
            # One file, which is read where nothing can be written beside it.
            target.connection.execute("PRAGMA journal_mode = DELETE")
            target.connection.execute(f"PRAGMA user_version = {RECORDING}")
            return Recorded(_count(sql, "samples"), _count(sql, "problems"))
        except sqlite3.Error as error:
            raise explained(path, error) from error


def _count(sql: sqlite3.Connection, table: str) -> int:
    (number,) = sql.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - two names, ours
    return int(number)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, cell: Cell, split: Split) -> None:
    """Copy one cell, unless nothing was ever asked of it."""
    asked = source.execute("SELECT asked FROM requests WHERE id = ?", (cell.request_id,)).fetchone()
    if asked is None:
        return
    definition = canonical_json({"name": cell.configuration.name})
    _insert(target, "problems", [problem_row(cell)])
    _insert(target, "configurations", [(cell.configuration_id, cell.configuration.name, definition)])
    _insert(target, "requests", [(cell.request_id, asked[0], "{}")])
    row = (cell.configuration_id, cell.problem_id, split, cell.request_id, cell.check_id)
    _insert(target, "cells", [row])
    _insert(target, "samples", _samples(source, cell))
    _insert(
        target,
        "verdicts",
        source.execute(
            "SELECT * FROM verdicts WHERE request = ?"
            " AND (verifier IN (?, ?) OR (verifier >= 'imported:' AND verifier < 'imported;'))",
            (cell.request_id, cell.check_id, cell.deciding.check_id),
        ),
    )


def _insert(sql: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    for row in rows:
        places = ",".join("?" * len(row))
        sql.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", row)  # noqa: S608 - names of ours


def _samples(source: sqlite3.Connection, cell: Cell) -> Iterator[tuple[Any, ...]]:
    cursor = source.execute("SELECT * FROM samples WHERE request = ? ORDER BY idx", (cell.request_id,))
    names = [column[0] for column in cursor.description]
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        row["run"] = 0
        row["details"] = _verdict_alone(row["details"])
        if row["model"] is not None and _PATH_OF_A_MODEL.search(row["model"]):
            row["model"] = None
        yield tuple(row.values())


def _verdict_alone(details: str | None) -> str | None:
    """Return what a program said of its answer; what else it said is for whoever ran it."""
    verdict = None if details is None else json.loads(details).get("verdict")
    return None if verdict is None else canonical_json({"verdict": verdict})
