"""What runs spend, as the pool counts it: the ledger behind a limit in USD (docs/decisions/062-money.md)."""

from __future__ import annotations

import sqlite3

from osca_cli.model import Usage
from osca_cli.store.pool import Pool, add_spending
from osca_cli.store.values import Run

# Files are kin that were the same file or held the same spec, and the kin of kin: what a spec has cost is
# what they all did. So neither a plan nor an edit starts its purse anew.
_SPENT = """
    WITH RECURSIVE
        pairs AS (SELECT DISTINCT spec, spec_hash FROM runs),
        kin AS (
            SELECT ? AS spec, ? AS spec_hash
            UNION
            SELECT p.spec, p.spec_hash
            FROM pairs p JOIN kin k ON p.spec = k.spec OR p.spec_hash = k.spec_hash
        )
    SELECT total(usd) FROM runs WHERE (spec, spec_hash) IN kin
"""


def reserve(pool: Pool, run: Run, usd: float, limit: float) -> bool:
    """Set money aside for a request, unless it could pass the limit of all that a spec may cost.

    A spec's runs are those of its file, and those of files with the same content: its plans. What other
    processes spend meanwhile counts.
    """
    with pool.writing() as sql:
        before = spent_by(sql, run)
        if before + usd > limit:
            return False
        add_spending(sql, run, usd)
    return True


def release(pool: Pool, run: Run, usd: float) -> None:
    """Give back what was set aside for a request that was not charged."""
    with pool.writing() as sql:
        add_spending(sql, run, -usd)


def spent(pool: Pool, run: Run) -> float:
    """Return all that a run's spec has cost, what is set aside included."""
    return spent_by(pool.connection, run)


def spent_by(sql: sqlite3.Connection, run: Run) -> float:
    """Return the same within a transaction."""
    (usd,) = sql.execute(_SPENT, (run.spec, run.spec_hash)).fetchone()
    return float(usd)


def mean_usage(pool: Pool, configuration: str, *, singly: bool = False) -> Usage | None:
    """Return the mean tokens of a configuration's samples, or ``None`` where none was counted.

    Args:
        pool: The pool.
        configuration: The configuration's id there.
        singly: Whether to count all of the prompt for a sample that shared it with others.
    """
    row = pool.connection.execute(
        "SELECT avg(s.input_tokens * iif(?1, s.choices, 1)), avg(s.output_tokens),"
        " avg(s.cached_tokens * iif(?1, s.choices, 1))"
        " FROM cells x CROSS JOIN samples s ON s.request = x.request WHERE x.configuration = ?2",
        (singly, configuration),
    ).fetchone()
    return None if row[0] is None or row[1] is None else Usage(*(round(mean or 0) for mean in row))
