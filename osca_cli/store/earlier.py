"""An earlier pool beside this one: which cells are in both, and which samples are the very same."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.outcomes.types import Ints
from osca_cli.spec.cells import Cell
from osca_cli.store.counts import counted
from osca_cli.store.pool import Pool

NONE = ("", "")
"""The ids of a cell that the earlier pool does not have."""

_CELLS = """
    SELECT c.name, p.id, c.id, x.request, x.verifier
    FROM cells x
    JOIN configurations c ON c.id = x.configuration
    JOIN problems p ON p.id = x.problem
    WHERE p.task = ? AND x.split <> 'production'
    ORDER BY c.rowid
"""
_DRAWN = """
    SELECT s.request, s.idx, s.drawn_at
    FROM samples s WHERE s.request IN (SELECT value FROM json_each(?))
"""
_PASSED = """
    SELECT v.passed FROM verdicts v WHERE v.request = ? AND v.verifier = ? AND v.idx = ?
    AND v.passed IS NOT NULL AND v.idx < (SELECT asked FROM requests WHERE id = v.request)
"""


@dataclass(frozen=True, slots=True, eq=False)
class Twice:
    """Counts of the cells of a task in two pools, shape ``(S, P)`` each.

    Attributes:
        n_then: Samples in the earlier pool.
        c_then: Those that passed.
        n_now: Samples in this one, without those that are in the earlier one, too.
        c_now: Those of them that passed.
        same: How many samples are in both.
        redefined: Names of configurations that are asked otherwise now.
        judged_otherwise: Whether the verifier has changed.
    """

    n_then: Ints
    c_then: Ints
    n_now: Ints
    c_now: Ints
    same: int
    redefined: tuple[str, ...]
    judged_otherwise: bool


def counted_twice(now: Pool, then: Pool, task: str, cells: Iterable[Cell], names: Sequence[str]) -> Twice:
    """Count cells in two pools.

    A cell is the same if its configuration has the same name and its problem the same fields: what is asked
    of the model may have changed, as it does with another file of weights, prompt or revision.

    Args:
        now: This pool.
        then: The earlier one.
        task: Name of the task.
        cells: Its cells, problem by problem.
        names: Of the configurations of each problem's cells, in their order.
    """
    earlier = _earlier(then.connection, task)
    wanted_now, wanted_then, redefined = [], [], dict.fromkeys(names, False)
    judged_otherwise = False
    for cell in cells:
        found = earlier.get((cell.configuration.name, cell.problem_id), {})
        request, verifier = found.get(cell.configuration_id) or next(reversed(found.values()), NONE)
        wanted_now.append((cell.request_id, cell.check_id))
        wanted_then.append((request, verifier))
        if request:
            redefined[cell.configuration.name] |= request != cell.request_id
            judged_otherwise |= verifier != cell.check_id
    shape = len(wanted_now) // max(1, len(names)), len(names)
    n_then, c_then, _ = counted(then.connection, wanted_then, shape)
    n_now, c_now, _ = counted(now.connection, wanted_now, shape)
    n_same, c_same = _same(now.connection, then.connection, wanted_now, wanted_then, shape)
    return Twice(
        n_then,
        c_then,
        n_now - n_same,
        c_now - c_same,
        int(n_same.sum()),
        tuple(name for name, is_new in redefined.items() if is_new),
        judged_otherwise,
    )


def _earlier(sql: sqlite3.Connection, task: str) -> Mapping[tuple[str, str], dict[str, tuple[str, str]]]:
    """Return the ids of request and check by name and problem, and then by definition, the latest last."""
    found: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for name, problem, definition, request, verifier in sql.execute(_CELLS, (task,)):
        found.setdefault((name, problem), {})[definition] = request, verifier
    return found


def _same(
    now: sqlite3.Connection,
    then: sqlite3.Connection,
    wanted_now: Sequence[tuple[str, str]],
    wanted_then: Sequence[tuple[str, str]],
    shape: tuple[int, int],
) -> tuple[Ints, Ints]:
    """Count the samples of this pool that are in the earlier one, too: of a copy that was added to."""
    n, c = np.zeros(len(wanted_now), np.int64), np.zeros(len(wanted_now), np.int64)
    places: dict[str, list[int]] = {}
    for place, (ours, theirs) in enumerate(zip(wanted_now, wanted_then, strict=True)):
        if ours[0] == theirs[0]:
            places.setdefault(ours[0], []).append(place)
    asked = (json.dumps([*places]),)
    for request, index, _ in set(now.execute(_DRAWN, asked)) & set(then.execute(_DRAWN, asked)):
        for place in places[request]:
            verdict = now.execute(_PASSED, (*wanted_now[place], index)).fetchone()
            if verdict is not None:
                n[place] += 1
                c[place] += verdict[0]
    return n.reshape(shape).T, c.reshape(shape).T
