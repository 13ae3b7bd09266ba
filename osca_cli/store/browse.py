"""What a report tells of the pool's rows: samples to read, what failed, who answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from osca_cli.store.pool import Pool

_VERDICT = """
    coalesce(
        (SELECT verifier FROM verdicts o
         WHERE o.request = s.request AND o.verifier = ?2 AND o.idx = s.idx AND o.passed IS NOT NULL),
        (SELECT verifier FROM verdicts o
         WHERE o.request = s.request AND o.idx = s.idx
            AND o.verifier >= 'imported:' AND o.verifier < 'imported;' LIMIT 1),
        ?2)
"""
_HEADS = f"""
    SELECT s.idx, v.passed, v.idx IS NOT NULL, s.executed
    FROM samples s
    LEFT JOIN verdicts v ON v.request = s.request AND v.idx = s.idx AND v.verifier = {_VERDICT}
    WHERE s.request = ?1 ORDER BY s.idx
"""  # noqa: S608 - a constant
_SHOWN = f"""
    SELECT s.idx, v.passed, v.idx IS NOT NULL, substr(s.text, 1, ?4), length(s.text), v.score,
        substr(v.answer, 1, ?4), substr(v.reason, 1, ?4), s.finish_reason, s.output_tokens, s.usd, s.seconds
    FROM samples s
    LEFT JOIN verdicts v ON v.request = s.request AND v.idx = s.idx AND v.verifier = {_VERDICT}
    WHERE s.request = ?1 AND s.idx = ?3
"""  # noqa: S608 - a constant
# Of each plan what its last run did: one that was interrupted goes on in the next.
_EXECUTED = """
    SELECT r.split, r.stratum, r.problems, r.solved, r.samples, r.usd, r.run, u.started_at
    FROM realised r JOIN runs u ON u.id = r.run
    WHERE r.task = ?1 AND r.plan = ?2
    ORDER BY r.run DESC, r.stratum
"""
_VERDICT_ERRORS = """
    SELECT b.label, substr(v.reason, 1, 300) AS why, count(*) AS number
    FROM browsed b JOIN verdicts v ON v.request = b.request AND v.verifier = b.verifier
    WHERE v.passed IS NULL GROUP BY b.label, why ORDER BY number DESC, b.label, why
"""
_DRAW_ERRORS = """
    SELECT b.label, e.kind || ': ' || substr(e.message, 1, 300) AS why, count(*) AS number
    FROM errors e JOIN browsed b ON b.request = e.request
    WHERE NOT EXISTS (SELECT 1 FROM samples s WHERE s.request = e.request AND s.idx = e.idx)
    GROUP BY b.label, why ORDER BY number DESC, b.label, why
"""
_TOTALS = """
    SELECT b.label, count(*), sum(s.finish_reason = 'length'), max(s.seconds), max(s.output_tokens)
    FROM browsed b JOIN samples s ON s.request = b.request GROUP BY b.label
"""
_MODELS = """
    SELECT b.label, s.model, count(*), min(s.drawn_at), max(s.drawn_at)
    FROM browsed b JOIN samples s ON s.request = b.request
    GROUP BY b.label, s.model ORDER BY b.place, s.model
"""
_RUNS = """
    SELECT id, kind, spec, spec_hash, osca, engines, started_at, usd
    FROM runs WHERE id IN (SELECT s.run FROM browsed b JOIN samples s ON s.request = b.request) ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A cell as the pool has it: whose it is, what it asks, how that is verified."""

    label: str
    request: str
    check: str


@dataclass(frozen=True, slots=True)
class Head:
    """A sample without its text.

    Attributes:
        passed: The verdict; None where there is none, or an error.
        judged: Whether there is one.
    """

    index: int
    passed: bool | None
    judged: bool
    executed: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample to read, its texts cut; all of them hostile.

    Attributes:
        characters: Of the whole text.
    """

    index: int
    passed: bool | None
    judged: bool
    text: str
    characters: int
    score: float | None
    answer: str | None
    reason: str | None
    finish_reason: str
    output_tokens: int | None
    usd: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Executed:
    """What a plan did in a run.

    Attributes:
        split: ``held_out`` or ``production``.
        stratum: Its ``where`` as JSON; empty where it is for all problems.
        samples: Drawn for all problems.
        usd: Their cost; None where unknown.
    """

    split: str
    stratum: str
    problems: int
    solved: int
    samples: int
    usd: float | None
    run: int
    started_at: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Errors of one kind, of one configuration."""

    configuration: str
    what: str
    number: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What the samples of a configuration come to.

    Attributes:
        cut: Samples that ended because they had reached their length.
        slowest_s: Seconds of the slowest.
        longest: Output tokens of the longest.
    """

    samples: int
    cut: int
    slowest_s: float | None
    longest: int | None


@dataclass(frozen=True, slots=True)
class Answered:
    """By whom, as it calls itself, the samples of a configuration were drawn, and when."""

    configuration: str
    model: str | None
    samples: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run that drew some of the samples."""

    id: int
    kind: str
    spec: str
    spec_hash: str
    osca: str
    engines: str
    started_at: str
    usd: float


class Browser:
    """Reads the rows of some cells.

    Args:
        pool: The pool.
        places: The cells.
    """

    def __init__(self, pool: Pool, places: Iterable[Place]) -> None:
        self._sql = pool.connection
        self._places = list(places)

    @contextmanager
    def _browsed(self) -> Iterator[sqlite3.Connection]:
        """Fill a table of the cells, within a transaction that is taken back."""
        self._sql.execute(
            "CREATE TEMP TABLE IF NOT EXISTS browsed (place INTEGER PRIMARY KEY, label TEXT, request TEXT,"
            " verifier TEXT)"
        )
        self._sql.execute("CREATE INDEX IF NOT EXISTS temp.browsed_by_request ON browsed(request)")
        self._sql.execute("BEGIN")
        try:
            self._sql.executemany(
                "INSERT INTO browsed VALUES (?,?,?,?)",
                ((at, one.label, one.request, one.check) for at, one in enumerate(self._places)),
            )
            yield self._sql
        finally:
            self._sql.execute("ROLLBACK")

    def verdict_errors(self) -> list[Trouble]:
        """Return verdicts that are errors, most first."""
        with self._browsed() as sql:
            return [Trouble(*row) for row in sql.execute(_VERDICT_ERRORS)]

    def draw_errors(self) -> list[Trouble]:
        """Return failed draws whose sample did not come later either, most first."""
        with self._browsed() as sql:
            return [Trouble(*row) for row in sql.execute(_DRAW_ERRORS)]

    def totals(self) -> dict[str, Totals]:
        """Return what the samples of each configuration come to."""
        with self._browsed() as sql:
            return {label: Totals(*row) for label, *row in sql.execute(_TOTALS)}

    def models(self) -> list[Answered]:
        """Return who answered for each configuration."""
        with self._browsed() as sql:
            return [Answered(*row) for row in sql.execute(_MODELS)]

    def runs(self) -> list[RunRow]:
        """Return the runs that drew these samples."""
        with self._browsed() as sql:
            return [RunRow(*row) for row in sql.execute(_RUNS)]


def heads(pool: Pool, request: str, check: str) -> list[Head]:
    """Return the samples of a cell without their texts."""
    rows = pool.connection.execute(_HEADS, (request, check))
    return [
        Head(index, None if passed is None else bool(passed), bool(judged), bool(executed))
        for index, passed, judged, executed in rows
    ]


def shown(pool: Pool, request: str, check: str, index: int, most: int) -> Shown:
    """Return one sample, each of its texts cut to at most so many characters."""
    row = list(pool.connection.execute(_SHOWN, (request, check, index, most)).fetchone())
    row[1] = None if row[1] is None else bool(row[1])
    row[2] = bool(row[2])
    return Shown(*row)


def executed(pool: Pool, task: str, plan: str) -> list[Executed]:
    """Return what a plan did in the runs that executed it, the latest first.

    Args:
        pool: The pool.
        task: Name of the task.
        plan: The digest of the plan file's text.
    """
    return [Executed(*row) for row in pool.connection.execute(_EXECUTED, (task, plan))]
