"""Whether the model behind a configuration's name stayed the same, by what servers say of themselves."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

MOST = 5000
"""Requests that are looked at, spread evenly: ids stand behind texts, which are slow to read."""

_MODELS = """
    SELECT s.model, count(*), min(substr(s.drawn_at, 1, 10)), max(substr(s.drawn_at, 1, 10))
    FROM json_each(?) w CROSS JOIN samples s ON s.request = w.value
    WHERE s.model IS NOT NULL
    GROUP BY s.model ORDER BY min(s.drawn_at), s.model
"""


def responding_notes(
    sql: sqlite3.Connection, names: Sequence[str], requests: Sequence[Sequence[str]]
) -> tuple[str, ...]:
    """Return a note for each configuration that models of several ids have answered for.

    Args:
        sql: A pool.
        names: Of the configurations.
        requests: The ids of each configuration's requests, problem by problem.
    """
    notes = []
    for name, ids in zip(names, requests, strict=True):
        step = max(1, len(ids) * len(names) // MOST)
        found = sql.execute(_MODELS, (json.dumps(ids[::step]),)).fetchall()
        if len(found) > 1:
            told = ", ".join(
                f"{model!r} ({number} samples, {first} to {last})" for model, number, first, last in found
            )
            notes.append(
                f"the model behind {name} has changed: {told}; they are counted together, so give the"
                " configuration another revision to count the new one alone"
            )
    return tuple(notes)
