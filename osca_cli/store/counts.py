"""The pool seen as outcomes: samples, passes and costs of every configuration on every problem."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from osca_cli.errors import MissingSamplesError
from osca_cli.outcomes.types import UNLIMITED, Accepts, CostKind, Floats, Ints, Mask, Outcomes, Stopped
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.prices import PER_TOKEN, Price
from osca_cli.spec.types import Configuration, Spec, Task
from osca_cli.store.pool import Pool
from osca_cli.store.responding import responding_notes

# What is counted, in the order of the pool's indices: so each is read once, from one end to the other.
_WANTED = """
    CREATE TEMP TABLE IF NOT EXISTS wanted (
        place INTEGER PRIMARY KEY, request TEXT, verifier TEXT, asked INTEGER
    )
"""
_WANT = """
    INSERT INTO wanted SELECT ?1, ?2, ?3, min(asked, ?4)
    FROM requests INDEXED BY requests_by_asked WHERE id = ?2 AND asked > 0
"""
# A plan draws its samples singly, so each pays for all of a prompt, though a pilot's may have shared one.
_SAMPLES = """
    SELECT w.place, avg(s.usd), avg(s.output_tokens), avg(s.seconds), avg(s.input_tokens * s.choices),
        avg(s.cached_tokens * s.choices), avg(s.busy_seconds)
    FROM wanted w
    CROSS JOIN samples s INDEXED BY samples_by_request ON s.request = w.request AND s.idx < w.asked
    GROUP BY w.place
"""
_VERDICTS = """
    SELECT w.place, count(v.passed), total(v.passed), avg(v.usd), avg(v.output_tokens), avg(v.seconds)
    FROM wanted w
    CROSS JOIN verdicts v ON v.request = w.request AND v.verifier = w.verifier AND v.idx < w.asked
    GROUP BY w.place
"""
# What another tool said of its samples counts where the task's verifier has said nothing.
_ANY_IMPORTED = """
    SELECT EXISTS (SELECT 1 FROM verdicts INDEXED BY verdicts_imported
    WHERE verifier >= 'imported:' AND verifier < 'imported;')
"""
_IMPORTED = """
    SELECT w.place, count(v.passed), total(v.passed)
    FROM wanted w
    CROSS JOIN verdicts v INDEXED BY verdicts_imported
        ON v.request = w.request AND v.idx < w.asked
        AND v.verifier >= 'imported:' AND v.verifier < 'imported;'
    WHERE NOT EXISTS (SELECT 1 FROM verdicts o
        WHERE o.request = v.request AND o.verifier = w.verifier AND o.idx = v.idx AND o.passed IS NOT NULL)
    GROUP BY w.place
"""
# Samples drawn while executing a plan stop at a pass. In a cell that is complete they count like all others;
# in one that is not they are left out, since they would bias its pass rate.
_LEFT_OUT = """
    SELECT w.place, count(v.passed), total(v.passed)
    FROM wanted w
    CROSS JOIN samples s INDEXED BY samples_executed
        ON s.request = w.request AND s.idx < w.asked AND s.executed
    JOIN verdicts v ON v.request = w.request AND v.verifier = w.verifier AND v.idx = s.idx
    WHERE w.asked > (SELECT count(*) FROM samples o WHERE o.request = s.request AND o.idx < w.asked)
    GROUP BY w.place
"""
# Of a task with another verifier that accepts, a sample counts once both have judged it.
_ACCEPTING = "CREATE TEMP TABLE IF NOT EXISTS accepting (place INTEGER PRIMARY KEY, verifier TEXT)"
_ACCEPTS = "INSERT INTO accepting VALUES (?1, ?2)"
_BOTH = """
    WITH judged AS (
        SELECT w.place, w.request, v.idx, v.passed
        FROM wanted w
        CROSS JOIN verdicts v ON v.request = w.request AND v.verifier = w.verifier AND v.idx < w.asked
        WHERE v.passed IS NOT NULL
        UNION ALL
        SELECT w.place, w.request, v.idx, v.passed
        FROM wanted w
        CROSS JOIN verdicts v INDEXED BY verdicts_imported
            ON v.request = w.request AND v.idx < w.asked
            AND v.verifier >= 'imported:' AND v.verifier < 'imported;'
        WHERE NOT EXISTS (SELECT 1 FROM verdicts o
            WHERE o.request = v.request AND o.verifier = w.verifier AND o.idx = v.idx
            AND o.passed IS NOT NULL)
    )
    SELECT j.place, count(*), total(j.passed), total(a.passed AND j.passed),
        total(a.passed AND NOT j.passed)
    FROM judged j
    JOIN accepting x ON x.place = j.place
    JOIN verdicts a ON a.request = j.request AND a.verifier = x.verifier AND a.idx = j.idx
    WHERE a.passed IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM samples s JOIN wanted w ON w.place = j.place
        WHERE s.request = j.request AND s.idx = j.idx AND s.executed
        AND w.asked > (SELECT count(*) FROM samples o WHERE o.request = s.request AND o.idx < w.asked))
    GROUP BY j.place
"""
_WANT_EVERY = "INSERT INTO wanted VALUES (?1, ?2, ?3, ?4)"
_ALL_VERDICTS = """
    SELECT w.place, count(v.passed), total(v.passed)
    FROM wanted w
    CROSS JOIN verdicts v ON v.request = w.request AND v.verifier = w.verifier
    GROUP BY w.place
"""
_EXECUTED = """
    SELECT w.place, count(*)
    FROM wanted w CROSS JOIN samples s INDEXED BY samples_executed ON s.request = w.request AND s.executed
    GROUP BY w.place
"""
_JUDGED: tuple[CostKind, ...] = ("usd", "output_tokens", "seconds")
_COSTS: tuple[CostKind, ...] = (*_JUDGED, "gpu_seconds")
_MEANS = (*_JUDGED, "input_tokens", "cached_tokens", "gpu_seconds")
_JUDGING = tuple(f"{kind} of judging" for kind in _JUDGED)


def pool_outcomes(
    pool: Pool,
    spec: Spec,
    task: Task,
    maker: CellMaker,
    *,
    first: int = UNLIMITED,
    executed: bool = False,
) -> tuple[Outcomes, tuple[str, ...]]:
    """Return a task's outcomes as the pool has them, and notes on what was set right.

    A cell counts the samples that pilots and measurements asked for in full, with a verdict of pass or fail.

    Args:
        pool: The pool.
        spec: The spec.
        task: One of its tasks.
        maker: Makes its cells.
        first: Count at most the first so many samples of each cell.
        executed: Whether to learn from executed plans, too: the other samples are in ``stopped``, and
            held-out problems that a plan was executed on are training problems.

    Raises:
        MissingSamplesError: there is no sample of any cell.
    """
    configurations = spec.configurations_of(task.name)
    problems = (*task.train, *task.held_out)
    wanted = list(maker.ids(task, problems, configurations))
    shape = len(problems), len(configurations)
    by_production = (
        None if task.select is None else list(maker.ids(task.in_production(), problems, configurations))
    )
    # What a sample costs in production: to draw it, and to accept it.
    n, c, means = counted(pool.connection, by_production or wanted, shape, first)
    right = wrong = None
    if by_production is not None:
        accepting = [check for _, check in by_production]
        n, c, right, wrong = both_counted(pool.connection, wanted, accepting, shape, first)
    if not n.any():
        raise MissingSamplesError(
            f"{pool.path} has no samples of task '{task.name}' yet; draw them: osca run {spec.path}"
        )
    deterministic = np.array([maker.deterministic(configuration) for configuration in configurations])
    n, c, deterministic, notes = _counted_once(n, c, deterministic, configurations)
    means["usd"] = _repriced(means, [maker.price(configuration) for configuration in configurations])
    means["gpu_seconds"] *= np.array([[_gpus(spec, one)] for one in configurations])
    _add_judging(means)
    requests = [[request for request, _ in wanted[row :: shape[1]]] for row in range(shape[1])]
    names = [configuration.name for configuration in configurations]
    notes = (*notes, *responding_notes(pool.connection, names, requests))
    is_train = np.arange(len(problems)) < len(task.train)
    stopped = None
    if executed:
        stopped, on = _executed(pool.connection, wanted, n, c, deterministic)
        if not on.any():
            notes = (*notes, "no plan was executed on its problems yet, so that nothing is added")
        if moved := int((on & ~is_train).sum()):
            notes = (*notes, f"{moved} held-out problems that a plan was executed on train now")
        is_train |= on
    outcomes = Outcomes(
        configurations=tuple(names),
        problems=tuple(problem.id for problem in problems),
        n=n,
        c=c,
        costs={kind: means[kind] for kind in _COSTS if not np.isnan(means[kind]).all()},
        max_samples=np.array([_cap(configuration) for configuration in configurations]),
        deterministic=deterministic,
        train=is_train,
        held_out=~is_train,
        tags={problem.id: problem.tags for problem in problems},
        stopped=stopped,
        accepts=None if right is None or wrong is None else _accepts(right, wrong, n, c),
    )
    return outcomes, notes


def _executed(
    sql: sqlite3.Connection, wanted: Sequence[tuple[str, str]], n: Ints, c: Ints, deterministic: Mask
) -> tuple[Stopped, Mask]:
    """Return the samples beyond those that count as asked for, and on which problems plans were executed."""
    drawn, passed, executed = all_counted(sql, wanted, n.T.shape)
    most = np.where(deterministic, 1, UNLIMITED)[:, None]
    more = np.maximum(np.minimum(drawn, most) - n, 0)
    on = np.asarray(executed.any(axis=0))
    return Stopped(more, np.clip(np.minimum(passed, most) - c, 0, more), executed), on


def all_counted(
    sql: sqlite3.Connection, wanted: Iterable[tuple[str, str]], shape: tuple[int, int]
) -> tuple[Ints, Ints, Ints]:
    """Count all samples and passes of cells, whoever asked for them.

    Args:
        sql: A pool.
        wanted: As in :func:`counted`.
        shape: Numbers of problems and of configurations.

    Returns:
        Samples that have a verdict, passes, and samples that were drawn while executing a plan, each of
        shape (configurations, problems).
    """
    with _asking(sql, wanted, _WANT_EVERY, UNLIMITED) as order:
        n, c = _matrices(sql.execute(_ALL_VERDICTS), order, shape, 0)
        n, c = _with_imported(sql, n, c, order)
        (executed,) = _matrices(sql.execute(_EXECUTED), order, shape, 0)
    return n.astype(np.int64), c.astype(np.int64), executed.astype(np.int64)


def counted(
    sql: sqlite3.Connection, wanted: Iterable[tuple[str, str]], shape: tuple[int, int], first: int = UNLIMITED
) -> tuple[Ints, Ints, dict[str, Floats]]:
    """Count the samples and passes of cells, and take the means of what they cost.

    Args:
        sql: A pool.
        wanted: The ids of the request and the check of each cell, problem by problem.
        shape: Numbers of problems and of configurations.
        first: Count at most the first so many samples of each cell.

    Returns:
        Samples that have a verdict, passes, and by name the means of USD, tokens and seconds, those of a
        judge apart, each of shape (configurations, problems).
    """
    with _asking(sql, wanted, _WANT, first) as order:
        costs = _matrices(sql.execute(_SAMPLES), order, shape, np.nan)
        n, c, *judging = _matrices(sql.execute(_VERDICTS), order, shape, 0)
        n, c = _with_imported(sql, n, c, order)
        n_left_out, c_left_out = _matrices(sql.execute(_LEFT_OUT), order, shape, 0)
    counts = (n - n_left_out).astype(np.int64), (c - c_left_out).astype(np.int64)
    return *counts, dict(zip((*_MEANS, *_JUDGING), (*costs, *judging), strict=True))


def both_counted(
    sql: sqlite3.Connection,
    wanted: Iterable[tuple[str, str]],
    accepting: Sequence[str],
    shape: tuple[int, int],
    first: int = UNLIMITED,
) -> tuple[Ints, Ints, Ints, Ints]:
    """Count the samples of cells that both their verifier and what accepts have judged.

    Args:
        sql: A pool.
        wanted: As in :func:`counted`.
        accepting: The ids of the checks that accept, in the same order.
        shape: Numbers of problems and of configurations.
        first: Count at most the first so many samples of each cell.

    Returns:
        Samples, passes, passes that were accepted, and fails that were, each of shape
        (configurations, problems).
    """
    with _asking(sql, wanted, _WANT, first) as order:
        sql.execute(_ACCEPTING)
        sql.executemany(_ACCEPTS, ((place, accepting[cell]) for place, cell in enumerate(order)))
        n, c, right, wrong = _matrices(sql.execute(_BOTH), order, shape, 0)
    return n.astype(np.int64), c.astype(np.int64), right.astype(np.int64), wrong.astype(np.int64)


def _accepts(right: Ints, wrong: Ints, n: Ints, c: Ints) -> Accepts:
    """Return accepts of what is counted: of a deterministic configuration, of one sample a cell."""
    return Accepts(np.minimum(right, c), np.minimum(wrong, n - c))


def _with_imported(sql: sqlite3.Connection, n: Floats, c: Floats, order: Ints) -> tuple[Floats, Floats]:
    """Return samples and passes with those that other tools have judged and the tasks' verifiers have not."""
    if sql.execute(_ANY_IMPORTED).fetchone()[0]:
        more_n, more_c = _matrices(sql.execute(_IMPORTED), order, n.T.shape, 0)
        return n + more_n, c + more_c
    return n, c


@contextmanager
def _asking(
    sql: sqlite3.Connection, wanted: Iterable[tuple[str, str]], want: str, first: int
) -> Iterator[Ints]:
    """Fill the table of what is wanted, at one moment of the pool, whatever a run adds meanwhile.

    Yields:
        The cell at each place, in the order in which ids were given.
    """
    sql.execute(_WANTED)
    sql.execute("BEGIN")
    try:
        ids = list(wanted)
        order = sorted(range(len(ids)), key=ids.__getitem__)
        sql.executemany(want, ((place, *ids[cell], first) for place, cell in enumerate(order)))
        del ids
        yield np.array(order, int)
    finally:
        sql.execute("ROLLBACK")


def _matrices(rows: sqlite3.Cursor, order: Ints, shape: tuple[int, int], empty: float) -> list[Floats]:
    """Return each column after the place as a matrix, ``empty`` where the query has no such cell."""
    width = len(rows.description)
    table = np.array(rows.fetchall(), float).reshape(-1, width)  # NULL becomes NaN
    result = []
    for column in range(1, width):
        flat = np.full(order.size, float(empty))
        flat[order[table[:, 0].astype(int)]] = table[:, column]
        result.append(flat.reshape(shape).T)
    return result


def _counted_once(
    n: np.ndarray, c: np.ndarray, deterministic: np.ndarray, configurations: Iterable[Configuration]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Count one sample in the cells of deterministic configurations, unless they show not to be such."""
    notes = []
    for row, configuration in enumerate(configurations):
        if deterministic[row] and ((c[row] > 0) & (c[row] < n[row])).any():
            deterministic[row] = False
            notes.append(
                f"{configuration.name} is not deterministic: a problem has both verdicts;"
                " its samples count singly"
            )
    n[deterministic], c[deterministic] = np.minimum(n[deterministic], 1), np.minimum(c[deterministic], 1)
    return n, c, deterministic, tuple(notes)


def _repriced(means: Mapping[str, Floats], prices: Sequence[Price | None]) -> Floats:
    """Return the mean USD of cells: by their tokens at today's price, else what they cost on their day.

    Where nothing costs anything, it is unknown: plans then speak of other things.
    """
    usd = means["usd"].copy()
    for row, price in enumerate(prices):
        if price is None:
            continue
        mean = {name: values[row] for name, values in means.items()}
        cached = np.nan_to_num(mean["cached_tokens"])
        tokens = (
            (mean["input_tokens"] - cached) * price.input
            + cached * price.cached_input
            + mean["output_tokens"] * price.output
        )
        today = tokens * PER_TOKEN + price.sample + np.nan_to_num(mean["seconds"]) * price.second
        first, second = (today, usd[row]) if price.input or price.output else (usd[row], today)
        usd[row] = np.where(np.isnan(first), second, first)
    return usd if np.nansum(usd) else np.full_like(usd, np.nan)


def _add_judging(means: dict[str, Floats]) -> None:
    """Add to what samples cost what a judge of them did."""
    for kind, name in zip(_JUDGED, _JUDGING, strict=True):
        judging = np.nan_to_num(means[name])
        means[kind] = np.where(np.isnan(means[kind]) & (judging > 0), judging, means[kind] + judging)


def _cap(configuration: Configuration) -> int:
    return UNLIMITED if configuration.max_samples is None else configuration.max_samples


def _gpus(spec: Spec, configuration: Configuration) -> float:
    """Return how many GPUs a configuration's samples keep busy; NaN where nobody said."""
    gpus = spec.backends[configuration.backend].gpus
    return np.nan if gpus is None else gpus
