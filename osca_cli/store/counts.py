"""The pool seen as outcomes: samples, passes and costs of every configuration on every problem."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import chain

import numpy as np

from osca_cli.errors import MissingSamplesError
from osca_cli.outcomes.types import UNLIMITED, CostKind, Floats, Outcomes
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.types import Configuration, Spec, Task
from osca_cli.store.pool import Pool

# Samples drawn while executing a plan stop at a pass. In a cell that is complete they count like all others;
# in one that is not they are left out, since they would bias its pass rate.
_COUNT = """
    SELECT w.cell,
           CASE WHEN count(*) = r.asked THEN count(v.passed) ELSE sum(v.passed IS NOT NULL AND NOT s.executed) END,
           CASE WHEN count(*) = r.asked THEN total(v.passed) ELSE total(v.passed * (1 - s.executed)) END,
           avg(s.usd), avg(s.output_tokens), avg(s.seconds)
    FROM wanted w
    JOIN requests r ON r.id = w.request
    JOIN samples s INDEXED BY samples_by_request ON s.request = w.request AND s.idx < r.asked
    LEFT JOIN verdicts v ON v.request = w.request AND v.verifier = w.verifier AND v.idx = s.idx
    GROUP BY w.cell
"""
_COSTS: tuple[CostKind, ...] = ("usd", "output_tokens", "seconds")


def pool_outcomes(pool: Pool, spec: Spec, task: Task, maker: CellMaker) -> tuple[Outcomes, tuple[str, ...]]:
    """Return a task's outcomes as the pool has them, and notes on what was set right.

    A cell counts the samples that pilots and measurements asked for in full, with a verdict of pass or fail.

    Raises:
        MissingSamplesError: there is no sample of any cell.
    """
    configurations = spec.configurations_of(task.name)
    problems = (*task.train, *task.held_out)
    cells = maker.cells(task, problems, configurations)
    wanted = ((number, cell.request_id, cell.check_id) for number, cell in enumerate(cells))
    shape = (len(problems), len(configurations))
    n, c, costs = _counted(pool.connection, wanted, shape)
    if not n.any():
        raise MissingSamplesError(
            f"{pool.path} has no samples of task '{task.name}' yet; draw them: osca run {spec.path}"
        )
    deterministic = np.array([maker.deterministic(configuration) for configuration in configurations])
    n, c, deterministic, notes = _counted_once(n, c, deterministic, configurations)
    is_train = np.arange(len(problems)) < len(task.train)
    outcomes = Outcomes(
        configurations=tuple(configuration.name for configuration in configurations),
        problems=tuple(problem.id for problem in problems),
        n=n,
        c=c,
        costs={kind: cost for kind, cost in costs.items() if not np.isnan(cost).all()},
        max_samples=np.array([_cap(configuration) for configuration in configurations]),
        deterministic=deterministic,
        train=is_train,
        held_out=~is_train,
        tags={problem.id: problem.tags for problem in problems},
    )
    return outcomes, notes


def _counted(
    sql: sqlite3.Connection, wanted: Iterable[tuple[int, str, str]], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, dict[CostKind, Floats]]:
    """Return n, c and the mean costs, each of shape (configurations, problems)."""
    sql.execute(
        "CREATE TEMP TABLE IF NOT EXISTS wanted (cell INTEGER PRIMARY KEY, request TEXT, verifier TEXT)"
    )
    sql.execute("BEGIN")
    try:
        sql.execute("DELETE FROM wanted")
        sql.executemany("INSERT INTO wanted VALUES (?,?,?)", wanted)
        rows = sql.execute(_COUNT).fetchall()
    finally:
        sql.execute("ROLLBACK")
    table = np.array(list(chain.from_iterable(rows)), float).reshape(-1, 3 + len(_COSTS))
    place = table[:, 0].astype(int)
    size = shape[0] * shape[1]

    def matrix(column: int, empty: float) -> Floats:
        flat = np.full(size, empty)
        flat[place] = table[:, column]
        return flat.reshape(shape).T

    costs = {kind: matrix(3 + position, np.nan) for position, kind in enumerate(_COSTS)}
    return matrix(1, 0).astype(np.int64), matrix(2, 0).astype(np.int64), costs


def _counted_once(
    n: np.ndarray, c: np.ndarray, deterministic: np.ndarray, configurations: Iterable[Configuration]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Count one sample in the cells of deterministic configurations, unless they show not to be such."""
    notes = []
    for row, configuration in enumerate(configurations):
        if deterministic[row] and ((c[row] > 0) & (c[row] < n[row])).any():
            deterministic[row] = False
            notes.append(
                f"{configuration.name} is not deterministic: a problem has both verdicts; its samples count singly"
            )
    n[deterministic], c[deterministic] = np.minimum(n[deterministic], 1), np.minimum(c[deterministic], 1)
    return n, c, deterministic, tuple(notes)


def _cap(configuration: Configuration) -> int:
    return UNLIMITED if configuration.max_samples is None else configuration.max_samples
