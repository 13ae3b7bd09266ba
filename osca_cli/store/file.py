"""The pool's file: opened, checked to be one, and brought up to date.

A recording is a pool that is never written to again, whatever its permissions: its ``user_version`` says so.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from osca_cli.errors import PoolError

APPLICATION_ID = 0x6F736361  # "osca", in the header of every pool
RECORDING = 1  # the user_version of a recording
BUSY_TIMEOUT_S = 30.0

_OTHER = "name another with --db"


class Opened(NamedTuple):
    """A connection to a pool, and whether it can only be read."""

    connection: sqlite3.Connection
    read_only: bool


def open_pool_file(path: Path, *, create: bool) -> Opened:
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
    read_only = path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
    try:
        connection = _connect(_uri(path) if read_only else str(path))
    except sqlite3.Error as error:
        raise explained(path, error) from error
    try:
        if not _is_ours(connection):
            raise PoolError(f"{path}: a database, but not a pool of osca; {_OTHER}")
        if read_only or _is_recording(connection):
            connection = _up_to_date(_reconnected(connection, path), path)
            return Opened(connection, read_only=True)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _migrate(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise explained(path, error) from error
        raise
    return Opened(connection, read_only=False)


def explained(path: Path, error: sqlite3.Error) -> PoolError:
    """Return what a failure of SQLite means for the user's pool, and what to do."""
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        advice = (
            "the disk is full; what was drawn before is kept: free some room and run the same command again"
        )
    elif name in {
        "SQLITE_IOERR_WRITE",
        "SQLITE_IOERR_TRUNCATE",
        "SQLITE_IOERR_FSYNC",
        "SQLITE_IOERR_SHMSIZE",
    }:
        advice = (
            "it cannot grow: a disk quota, a limit of file sizes or a failing disk; what was drawn before is"
            " kept: make room and run the same command again"
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


def _connect(place: str) -> sqlite3.Connection:
    # The pool is used from one thread at a time: the event loop's, or one that it hands the work to.
    connection = sqlite3.connect(
        place,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        uri=place.startswith("file:"),
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _uri(path: Path) -> str:
    """Return the address under which SQLite reads a file and writes nothing, not even beside it."""
    # In a folder that cannot be written to SQLite cannot make the files that it shares with writers, and
    # there are none: nobody could have made them.
    alone = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    return f"{path.resolve().as_uri()}?mode=ro" + ("&immutable=1" if alone else "")


def _reconnected(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    connection.close()
    return _connect(_uri(path))


def _is_recording(connection: sqlite3.Connection) -> bool:
    [(version,)] = connection.execute("PRAGMA user_version")
    return bool(version == RECORDING)


def _up_to_date(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Return a pool that can only be read; one of an older osca is brought up to date in memory."""
    from sqlite_utils import Database

    from osca_cli.store.migrations import migrations

    if not migrations.pending(Database(connection)):
        _migrate(connection, path)  # refuses one of a newer osca
        return connection
    copy = _connect(":memory:")
    connection.backup(copy)
    connection.close()
    _migrate(copy, path)
    return copy


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
