"""What was handed to batch APIs, and which samples they still owe (docs/decisions/063-batches.md)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from osca_cli.model import Sample
from osca_cli.spec.prices import Price, price_text, read_price
from osca_cli.store.pool import Pool, add_spending
from osca_cli.store.spending import spent_by
from osca_cli.store.statements import ADD_ERROR, ADD_SAMPLE
from osca_cli.store.values import Drawn, Run, sample_row, storable

_COLUMNS = """
    SELECT b.token, b.backend, b.model, b.size, b.price, b.owner, b.prepared_at, b.sent_at, b.id,
        r.id, r.kind, r.spec, r.spec_hash
    FROM batches b JOIN runs r ON r.id = b.run WHERE b.ended_at IS NULL
"""
_RESERVED = """
    SELECT (SELECT total(reserved) FROM batch_rows WHERE batch = b.token), r.id, r.kind, r.spec, r.spec_hash
    FROM batches b JOIN runs r ON r.id = b.run WHERE b.token = ?
"""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A sample that a batch is asked for.

    Attributes:
        request: What is asked.
        index: Which sample of its request it is.
        key: Its identity.
        seed: The seed that is sent.
        reserved: The most that it may cost, in USD, which is set aside for it.
    """

    request: str
    index: int
    key: str
    seed: int
    reserved: float


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that has not ended, as the pool knows it.

    Attributes:
        token: Our name for it, given before the vendor heard of it.
        run: The run that pays for it.
        backend: The backend's name in the spec that it was made from.
        model: The model, as that spec names it.
        size: How many rows it was made with.
        price: What its tokens cost; ``None`` if unknown.
        owner: The process that made it.
        prepared_at: When it was recorded here.
        sent_at: When the vendor was asked to create it; ``None`` where it has not been.
        id: The vendor's name for it; ``None`` where that is not known.
    """

    token: str
    run: Run
    backend: str
    model: str
    size: int
    price: Price | None
    owner: str
    prepared_at: datetime
    sent_at: datetime | None
    id: str | None


def row_name(token: str, key: str) -> str:
    """Return the name of a row within its batch: at most 64 characters, as vendors ask for."""
    return f"{token}-{key}"[:64]


def prepare(
    pool: Pool,
    run: Run,
    rows: Sequence[BatchRow],
    *,
    token: str,
    place: str,
    backend: str,
    model: str,
    price: Price | None,
    owner: str,
    limit: float | None,
) -> tuple[list[BatchRow], bool]:
    """Record a batch that is about to be made, and set its money aside.

    Args:
        pool: The pool.
        run: The run that pays.
        rows: What it may hold. Samples that are there or owed by another batch are left out.
        token: A new name for it.
        place: The server and the key.
        backend: The backend's name in the spec.
        model: The model's name in the spec.
        price: What its tokens cost.
        owner: The process that makes it.
        limit: All that the spec may cost, in USD.

    Returns:
        The rows that it holds, none where no batch is to be made; and whether the limit left some out.
    """
    with pool.writing() as sql:
        left = float("inf") if limit is None else limit - spent_by(sql, run)
        taken, used = [], 0.0
        free = [row for row in rows if not _taken(sql, row)]
        for row in free:
            if used + row.reserved > left:
                break
            used += row.reserved
            taken.append(row)
        if taken:
            sql.execute(
                "INSERT INTO batches (token, run, place, backend, model, size, price, owner, prepared_at)"
                " VALUES (?,?,?,?,?,?,?,?,?)",
                (token, run.id, place, backend, model, len(taken), price_text(price), owner, pool.now()),
            )
            sql.executemany(
                "INSERT INTO batch_rows (batch, request, idx, key, seed, reserved) VALUES (?,?,?,?,?,?)",
                [(token, row.request, row.index, row.key, row.seed, row.reserved) for row in taken],
            )
            add_spending(sql, run, used)
    return taken, len(taken) < len(free)


def mark_sent(pool: Pool, token: str) -> bool:
    """Record that the vendor is about to be asked; return False where another process gave the batch up."""
    with pool.writing() as sql:
        row = sql.execute(
            "UPDATE batches SET sent_at = ? WHERE token = ? AND ended_at IS NULL", (pool.now(), token)
        )
    return row.rowcount == 1


def set_id(pool: Pool, token: str, name: str) -> None:
    """Record the vendor's name for a batch."""
    with pool.writing() as sql:
        sql.execute("UPDATE batches SET id = ? WHERE token = ?", (name, token))


def open_batches(pool: Pool, place: str) -> list[Batch]:
    """Return the batches of a server that have not ended, oldest first."""
    query = f"{_COLUMNS} AND b.place = ? ORDER BY b.prepared_at, b.token"
    return [_read(row) for row in pool.connection.execute(query, (place,))]


def open_batch(pool: Pool, token: str) -> Batch | None:
    """Return a batch as it is now, or ``None`` where it has ended."""
    row = pool.connection.execute(f"{_COLUMNS} AND b.token = ?", (token,)).fetchone()
    return None if row is None else _read(row)


def places(pool: Pool) -> set[str]:
    """Return the servers that have open batches."""
    return {place for (place,) in pool.connection.execute("SELECT place FROM batches WHERE ended_at IS NULL")}


def owed(pool: Pool, requests: Iterable[str]) -> dict[str, set[int]]:
    """Return the indices of the samples of each request that batches still owe."""
    found: dict[str, set[int]] = {}
    query = "SELECT request, idx FROM batch_rows WHERE request IN (SELECT value FROM json_each(?))"
    for request, index in pool.connection.execute(query, (json.dumps([*requests]),)):
        found.setdefault(request, set()).add(index)
    return found


def owing(pool: Pool, request: str, index: int) -> tuple[str, str] | None:
    """Return the batch that owes a sample, by the vendor's name or ours, and its place."""
    row = pool.connection.execute(
        "SELECT coalesce(b.id, b.token), b.place FROM batch_rows r JOIN batches b ON b.token = r.batch"
        " WHERE r.request = ? AND r.idx = ?",
        (request, index),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def rows_of(pool: Pool, token: str) -> dict[str, BatchRow]:
    """Return the rows that a batch still owes, by their names."""
    query = "SELECT request, idx, key, seed, reserved FROM batch_rows WHERE batch = ?"
    rows = [BatchRow(*row) for row in pool.connection.execute(query, (token,))]
    return {row_name(token, row.key): row for row in rows}


def configuration_of(pool: Pool, request: str) -> str:
    """Return the name of a configuration that makes a request."""
    row = pool.connection.execute(
        "SELECT c.name FROM cells x JOIN configurations c ON c.id = x.configuration WHERE x.request = ?",
        (request,),
    ).fetchone()
    return row[0] if row else "?"


def keep_sample(pool: Pool, batch: Batch, row: BatchRow, sample: Sample) -> bool:
    """Keep the sample of a row and settle what it cost; return False where another process did so."""
    with pool.writing() as sql:
        if not _settle(sql, batch, row, sample.usd):
            return False
        drawn = Drawn(row.index, sample, row.key, row.seed)
        sql.execute(ADD_SAMPLE, sample_row(batch.run, row.request, drawn, pool.now()))
    return True


def keep_error(
    pool: Pool, batch: Batch, row: BatchRow, error: Exception | None, usd: float | None = None
) -> bool:
    """End a row without a sample, with what it may have cost; return False where another process did so.

    Args:
        pool: The pool.
        batch: The row's batch.
        row: The row.
        error: What went wrong; ``None`` where the sample is about to be asked for again.
        usd: The most that it may have cost.
    """
    with pool.writing() as sql:
        if not _settle(sql, batch, row, usd):
            return False
        if error is not None:
            values = (type(error).__name__, storable(str(error)), pool.now(), usd)
            sql.execute(ADD_ERROR, (row.request, row.index, batch.run.id, *values))
    return True


def end(pool: Pool, token: str) -> None:
    """Record that all results of a batch were read."""
    with pool.writing() as sql:
        sql.execute("UPDATE batches SET ended_at = ? WHERE token = ?", (pool.now(), token))


def release(pool: Pool, token: str, *, unsent: bool = False) -> bool:
    """End a batch that was not charged: its money is free, its samples may be drawn.

    Args:
        pool: The pool.
        token: The batch.
        unsent: Only where the vendor has not been asked to create it.

    Returns:
        Whether it was open.
    """
    with pool.writing() as sql:
        ended = sql.execute(
            "UPDATE batches SET ended_at = ? WHERE token = ? AND ended_at IS NULL AND (sent_at IS NULL OR ?)",
            (pool.now(), token, not unsent),
        )
        if ended.rowcount:
            usd, *run = sql.execute(_RESERVED, (token,)).fetchone()
            add_spending(sql, Run(*run), -usd)
            sql.execute("DELETE FROM batch_rows WHERE batch = ?", (token,))
    return ended.rowcount == 1


def _read(row: Sequence[Any]) -> Batch:
    token, backend, model, size, price, owner, prepared_at, sent_at, name, *run = row
    return Batch(
        token=token,
        run=Run(*run),
        backend=backend,
        model=model,
        size=size,
        price=read_price(price),
        owner=owner,
        prepared_at=datetime.fromisoformat(prepared_at),
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        id=name,
    )


def _taken(sql: sqlite3.Connection, row: BatchRow) -> bool:
    """Return whether a sample is there, or owed by a batch."""
    place = {"request": row.request, "idx": row.index}
    there = "SELECT 1 FROM samples WHERE request = :request AND idx = :idx"
    coming = "SELECT 1 FROM batch_rows WHERE request = :request AND idx = :idx"
    return sql.execute(f"{there} UNION ALL {coming}", place).fetchone() is not None


def _settle(sql: sqlite3.Connection, batch: Batch, row: BatchRow, usd: float | None) -> bool:
    """Take a row from its batch and settle its money, once."""
    gone = sql.execute(
        "DELETE FROM batch_rows WHERE request = ? AND idx = ? AND batch = ?",
        (row.request, row.index, batch.token),
    )
    if gone.rowcount:
        add_spending(sql, batch.run, (usd or 0.0) - row.reserved)
    return gone.rowcount == 1
