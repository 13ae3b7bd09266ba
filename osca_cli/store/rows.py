"""The pool's samples one by one, as rows for other programs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from osca_cli.spec.cells import CellMaker
from osca_cli.spec.types import Configuration, Task
from osca_cli.store.pool import Pool

_SAMPLES = """
    SELECT s.idx AS "index", s.text, v.answer, v.passed, v.score, v.reason, s.finish_reason,
           s.input_tokens, s.output_tokens, s.usd, s.seconds, s.logprobs, s.details
    FROM samples s
    LEFT JOIN verdicts v ON v.request = s.request AND v.idx = s.idx AND v.verifier = coalesce(
        (SELECT verifier FROM verdicts o
         WHERE o.request = s.request AND o.verifier = ?2 AND o.idx = s.idx AND o.passed IS NOT NULL),
        (SELECT verifier FROM verdicts o
         WHERE o.request = s.request AND o.idx = s.idx
            AND o.verifier >= 'imported:' AND o.verifier < 'imported;' LIMIT 1),
        ?2)
    WHERE s.request = ?1
    ORDER BY s.idx
"""


def sample_rows(
    pool: Pool, task: Task, configurations: Sequence[Configuration], maker: CellMaker
) -> Iterator[dict[str, Any]]:
    """Yield every sample of a task, problem by problem, with its verdict.

    ``passed`` is None where the verifier failed or has not been asked yet.

    Args:
        pool: The pool.
        task: The task; its training problems come first.
        configurations: Whose samples.
        maker: Says what each cell asks.
    """
    for problems, split in ((task.train, "train"), (task.held_out, "held_out")):
        ids = maker.ids(task, problems, configurations)
        for problem in problems:
            for configuration in configurations:
                cell = {
                    "task": task.name,
                    "problem": problem.id,
                    "split": split,
                    "configuration": configuration.name,
                }
                for row in _of_cell(pool.connection, *next(ids)):
                    yield cell | row


def _of_cell(sql: sqlite3.Connection, request: str, check: str) -> Iterator[dict[str, Any]]:
    cursor = sql.execute(_SAMPLES, (request, check))
    names = [column[0] for column in cursor.description]
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        row["passed"] = None if row["passed"] is None else bool(row["passed"])
        for key in ("logprobs", "details"):
            row[key] = None if row[key] is None else json.loads(row[key])
        yield row
