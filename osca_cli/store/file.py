"""The pool's file: opened, checked to be one, and brought up to date."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from osca_cli.errors import PoolError

APPLICATION_ID = 0x6F736361  # "osca", in the header of every pool
BUSY_TIMEOUT_S = 30.0

_OTHER = "name another with --db"


def open_pool_file(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a pool, or make one of a missing or empty file.

    Raises:
        PoolError: the file is not a pool, was made by a newer osca, or cannot be opened.
    """
    if path.is_dir():
        raise PoolError(f"{path}: a folder, not a pool; {_OTHER}")
    if not path.parent.is_dir():
        raise PoolError(f"{path}: there is no folder {path.parent}; make it, or {_OTHER}")
    if not create and not path.exists():
        raise PoolError(f"{path}: no such pool; `osca run SPEC` makes one, `--db FILE` names another")
    try:
        connection = _connect(path)
    except sqlite3.Error as error:
        raise explained(path, error) from error
    try:
        if not _is_ours(connection):
            raise PoolError(f"{path}: a database, but not a pool of osca; {_OTHER}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _migrate(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise explained(path, error) from error
        raise
    return connection


def explained(path: Path, error: sqlite3.Error) -> PoolError:
    """Return what a failure of SQLite means for the user's pool, and what to do."""
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        advice = (
            "the disk is full; what was drawn before is kept: free some room and run the same command again"
        )
    elif name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        advice = f"another process kept it locked for {BUSY_TIMEOUT_S:.0f} s; run the same command again"
    elif name.startswith("SQLITE_READONLY"):
        advice = f"it cannot be written to; check its permissions, or {_OTHER}"
    elif name.startswith("SQLITE_CANTOPEN"):
        advice = f"it cannot be opened; check its permissions and those of its folder, or {_OTHER}"
    elif name == "SQLITE_NOTADB":
        advice = f"not a database; {_OTHER}"
    elif name.startswith("SQLITE_CORRUPT"):
        advice = "the file is damaged; what can be read is saved by: sqlite3 FILE .recover | sqlite3 NEW"
    else:
        advice = f"SQLite says: {error} ({name}); run the same command again, or {_OTHER}"
    return PoolError(f"{path}: {advice}")


def _connect(path: Path) -> sqlite3.Connection:
    # The pool is used from one thread at a time: the event loop's, or one that it hands the work to.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _is_ours(connection: sqlite3.Connection) -> bool:
    """Return whether a database is a pool, or empty; read at one moment, as another may be making it."""
    connection.execute("BEGIN")
    [(application,)] = connection.execute("PRAGMA application_id")
    [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_master")
    connection.execute("COMMIT")
    return bool(application == APPLICATION_ID or (application == 0 and tables == 0))


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply the migrations that a pool lacks; refuse one that has more than this osca knows."""
    from sqlite_utils import Database

    from osca_cli.store.migrations import migrations, names

    database = Database(connection)
    newer = {migration.name for migration in migrations.applied(database)} - names()
    if newer:
        raise PoolError(f"{path}: made by a newer osca (it has {', '.join(sorted(newer))}); upgrade osca")
    if not migrations.pending(database):
        return
    connection.execute("BEGIN IMMEDIATE")  # two processes may open a new pool at once
    try:
        migrations.apply(database)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # a full disk has rolled it back already
                connection.execute("ROLLBACK")
