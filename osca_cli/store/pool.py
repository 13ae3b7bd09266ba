"""The pool: all samples and verdicts known, in one SQLite file. The only SQL that writes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from osca_cli.errors import PoolError
from osca_cli.identity import digest
from osca_cli.model import Sample, Split, Verdict
from osca_cli.spec.cells import Cell
from osca_cli.store.file import explained, open_pool_file
from osca_cli.store.statements import (
    ADD_ERROR,
    ADD_SAMPLE,
    ADD_VERDICT,
    IMPORTED,
    IMPORTED_VERDICT,
    REGISTER_CELL,
    REGISTER_REQUEST,
    VERDICT,
)
from osca_cli.store.values import (
    Drawn,
    Run,
    RunKind,
    configuration_row,
    problem_row,
    request_row,
    sample_row,
    storable,
)


class Pool:
    """An open pool. Every write is committed when its method returns.

    Args:
        path: The database file.
        create: Whether a missing file is created.
        clock: Tells the time, in UTC.

    Attributes:
        read_only: Whether nothing can be added: then what is read of it is all that counts, and what would
            only be noted is not.

    Raises:
        PoolError: the file is not a pool, was made by a newer osca, or cannot be opened.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        create: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = Path(path)
        self._clock = clock
        self.connection, self.read_only = open_pool_file(self.path, create=create)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    # What a run is about to do

    def start_run(
        self, kind: RunKind, *, spec: Path, spec_hash: str, osca: str, engines: Mapping[str, object]
    ) -> Run:
        """Record that a run begins. Nothing records that it ends: state is derived from rows."""
        path = storable(str(spec.resolve()))
        with self.writing() as sql:
            row = sql.execute(
                "INSERT INTO runs (kind, spec, spec_hash, osca, engines, started_at) VALUES (?,?,?,?,?,?)",
                (
                    kind,
                    path,
                    spec_hash,
                    osca,
                    json.dumps(engines, sort_keys=True),
                    self.now(),
                ),
            )
        if row.lastrowid is None:  # pragma: no cover - SQLite always gives one
            raise PoolError(f"{self.path}: the run could not be recorded")
        return Run(row.lastrowid, kind, path, spec_hash)

    def describe_engines(self, run: Run, engines: Mapping[str, object]) -> None:
        """Record what engines said of themselves once they were loaded."""
        with self.writing() as sql:
            sql.execute(
                "UPDATE runs SET engines = ? WHERE id = ?", (json.dumps(engines, sort_keys=True), run.id)
            )

    def register(
        self, cells: Sequence[Cell], split: Split, *, asked: int | Callable[[Cell], int] = 0
    ) -> None:
        """Record cells, and how many samples of each are asked for in full (0 when executing)."""
        if self.read_only:
            return
        with self.writing() as sql:
            sql.executemany(
                "INSERT OR IGNORE INTO problems VALUES (?,?,?,?,?,?)",
                [problem_row(cell) for cell in {cell.problem_id: cell for cell in cells}.values()],
            )
            sql.executemany(
                "INSERT OR IGNORE INTO configurations VALUES (?,?,?)",
                [
                    configuration_row(cell)
                    for cell in {cell.configuration_id: cell for cell in cells}.values()
                ],
            )
            sql.executemany(REGISTER_REQUEST, [request_row(cell, asked) for cell in cells])
            sql.executemany(
                REGISTER_CELL,
                [(c.configuration_id, c.problem_id, split, c.request_id, c.check_id) for c in cells],
            )

    # What arrives

    def add_sample(
        self, run: Run, cell: Cell, index: int, sample: Sample, *, key: str, seed: int, settle: float = 0.0
    ) -> bool:
        """Keep a sample; return whether it was new (another process may have drawn it meanwhile).

        Args:
            run: The run that drew it.
            cell: What was asked.
            index: Which sample of its cell it is.
            sample: The sample.
            key: Its identity.
            seed: The seed that was sent.
            settle: What it cost less what was reserved for it, in USD: new or not, it was paid for.
        """
        return self.add_samples(run, cell, [Drawn(index, sample, key, seed)], settle=settle) == {index}

    def add_samples(self, run: Run, cell: Cell, drawn: Sequence[Drawn], *, settle: float = 0.0) -> set[int]:
        """Keep the samples of one request, all or none; return the indices of those that were new.

        Args:
            run: The run that drew them.
            cell: What was asked.
            drawn: The samples.
            settle: What they cost less what was reserved for them, in USD: new or not, they were paid for.
        """
        with self.writing() as sql:
            add_spending(sql, run, settle)
            return {
                one.index
                for one in drawn
                if sql.execute(ADD_SAMPLE, sample_row(run, cell.request_id, one, self.now())).rowcount
            }

    def add_verdict(self, cell: Cell, index: int, verdict: Verdict) -> None:
        """Keep the verdict of a sample, in place of an earlier error by the same verifier.

        A pass or fail is never replaced by an error: another process may have verified it meanwhile.
        """
        if self.read_only:
            return
        passed = None if verdict.passed is None else int(verdict.passed)
        answer = None if verdict.answer is None else storable(verdict.answer)
        with self.writing() as sql:
            sql.execute(
                ADD_VERDICT,
                (
                    cell.request_id, cell.check_id, index, passed, verdict.score, answer,
                    storable(verdict.reason), self.now(), verdict.usd, verdict.output_tokens,
                    verdict.seconds,
                ),
            )  # fmt: skip

    def add_error(
        self,
        run: Run,
        cell: Cell,
        index: int,
        error: Exception,
        *,
        usd: float | None = None,
        settle: float = 0.0,
    ) -> None:
        """Keep a failed draw. It is no sample: the next run asks again.

        Args:
            run: The run that tried.
            cell: What was asked.
            index: Which sample of its cell it would have been.
            error: What went wrong.
            usd: The most that it may have cost.
            settle: That less what was reserved for it.
        """
        self.add_errors(run, cell, [index], error, usd=usd, settle=settle)

    def add_errors(
        self,
        run: Run,
        cell: Cell,
        indices: Sequence[int],
        error: Exception,
        *,
        usd: float | None = None,
        settle: float = 0.0,
    ) -> None:
        """Keep a failed draw of several samples, each with an equal share of what it may have cost."""
        kind, message, now = type(error).__name__, storable(str(error)), self.now()
        share = None if usd is None else usd / len(indices)
        with self.writing() as sql:
            add_spending(sql, run, settle)
            sql.executemany(
                ADD_ERROR,
                [(cell.request_id, index, run.id, kind, message, now, share) for index in indices],
            )

    def add_plan(self, path: Path, text: str) -> str:
        """Keep a plan file as it was written; return its id."""
        name = digest(text)
        if self.read_only:
            return name
        with self.writing() as sql:
            sql.execute(
                "INSERT OR IGNORE INTO plans VALUES (?,?,?,?)",
                (name, storable(str(path.resolve())), storable(text), self.now()),
            )
        return name

    def add_realised(self, rows: Sequence[Mapping[str, str | int | float | None]]) -> None:
        """Keep what plans did in a run beside what they had claimed; each row names the columns it has."""
        if self.read_only:
            return
        with self.writing() as sql:
            for row in rows:
                columns, places = ", ".join(row), ", ".join("?" * len(row))
                sql.execute(
                    f"INSERT OR REPLACE INTO realised ({columns}) VALUES ({places})",  # noqa: S608 - our names
                    tuple(row.values()),
                )

    # What is there

    def last_spec(self) -> Path | None:
        """Return the spec last run in this pool."""
        row = self.connection.execute("SELECT spec FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        return Path(row[0]) if row else None

    def drawn(self, requests: Iterable[str]) -> dict[str, set[int]]:
        """Return the indices of the samples of each request."""
        found: dict[str, set[int]] = {}
        query = "SELECT request, idx FROM samples WHERE request IN (SELECT value FROM json_each(?))"
        for request, index in self.connection.execute(query, (json.dumps([*requests]),)):
            found.setdefault(request, set()).add(index)
        return found

    def asked(self, request: str) -> int:
        """Return how many samples of a request were asked for in full."""
        row = self.connection.execute("SELECT asked FROM requests WHERE id = ?", (request,)).fetchone()
        return row[0] if row else 0

    def sample(self, request: str, index: int) -> Sample | None:
        """Return one sample."""
        row = self.connection.execute(
            "SELECT text, finish_reason, input_tokens, output_tokens, seconds, usd, model, cached_tokens,"
            " reasoning_tokens, busy_seconds, details FROM samples WHERE request = ? AND idx = ?",
            (request, index),
        ).fetchone()
        if row is None:
            return None
        *told, busy, details = row
        sample: Sample = replace(Sample(*told), busy_seconds=busy)
        return sample if details is None else replace(sample, details=json.loads(details))

    def verdict(self, request: str, check: str, index: int, *, or_imported: bool = True) -> Verdict | None:
        """Return a sample's verdict by one verifier, else by the tool that it was imported from.

        An error is none, so that it is verified again.
        """
        row = self.connection.execute(VERDICT, (request, check, index)).fetchone()
        if row is None and or_imported:
            row = self.connection.execute(IMPORTED_VERDICT, (request, index)).fetchone()
        return Verdict(bool(row[0]), *row[1:]) if row else None

    def verified(self, requests: Iterable[str]) -> dict[tuple[str, str], set[int]]:
        """Return the indices that have a verdict, pass or fail, by request and verifier.

        What other tools have judged is under :data:`IMPORTED`.
        """
        found: dict[tuple[str, str], set[int]] = {}
        query = """SELECT request, verifier, idx FROM verdicts
            WHERE request IN (SELECT value FROM json_each(?)) AND passed IS NOT NULL"""
        for request, verifier, index in self.connection.execute(query, (json.dumps([*requests]),)):
            by = IMPORTED if verifier.startswith(IMPORTED) else verifier
            found.setdefault((request, by), set()).add(index)
        return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; the lock is taken at its start, so that it never fails half-way.

        Raises:
            PoolError: the pool cannot be written to.
        """
        if self.read_only:
            raise PoolError(
                f"{self.path}: a recording, or a file that cannot be written to: answer from it with"
                " --offline, or name another pool with --db"
            )
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise explained(self.path, error) from error
            raise

    def now(self) -> str:
        """Return the time as rows have it."""
        return self._clock().isoformat(timespec="milliseconds")


def add_spending(sql: sqlite3.Connection, run: Run, usd: float) -> None:
    """Add to what a run has spent and set aside."""
    if usd:
        sql.execute("UPDATE runs SET usd = usd + ? WHERE id = ?", (usd, run.id))
