"""What is opened as a pool, what is not, and what the message says to do."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from osca_cli.errors import PoolError
from osca_cli.store.file import APPLICATION_ID, explained
from osca_cli.store.pool import Pool
from tests.conftest import ROOT
from tests.store.conftest import add, make_cell, start_run

SCHEMA = Path(__file__).with_name("schema.sql")


def refused(path: Path, *, create: bool = True) -> str:
    with pytest.raises(PoolError) as caught:
        Pool(path, create=create)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def database(path: Path, *statements: str) -> Path:
    sql = sqlite3.connect(path)
    for statement in statements:
        sql.execute(statement)
    sql.commit()
    sql.close()
    return path


def test_the_schema_of_a_new_pool_is_the_one_reviewed(tmp_path):
    """After a change that is meant, write it anew: UPDATE_SCHEMA=1 pytest tests/store/test_file.py."""
    with Pool(tmp_path / "osca.db") as pool:
        rows = pool.connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_sqlite%' ESCAPE '\\'"
            " AND tbl_name NOT LIKE '\\_sqlite%' ESCAPE '\\' ORDER BY type, name"
        ).fetchall()
    schema = "".join(f"{sql};\n" for (sql,) in rows)

    if os.environ.get("UPDATE_SCHEMA"):
        SCHEMA.write_text(schema)
    assert schema == SCHEMA.read_text()


def test_a_missing_file_is_made_unless_one_was_to_be_read(tmp_path):
    assert "no such pool; `osca run SPEC` makes one" in refused(tmp_path / "osca.db", create=False)
    assert not (tmp_path / "osca.db").exists()

    Pool(tmp_path / "osca.db").__exit__(None, None, None)

    assert (tmp_path / "osca.db").stat().st_size > 0


def test_an_empty_file_becomes_a_pool(tmp_path):
    (tmp_path / "osca.db").touch()

    with Pool(tmp_path / "osca.db", create=False) as pool:
        assert pool.last_spec() is None


def test_what_is_no_database_is_left_as_it_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("version: 1\n" * 1000)

    assert "not a database; name another with --db" in refused(path)
    assert path.read_text() == "version: 1\n" * 1000


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE samples (key TEXT)"],
        ["PRAGMA application_id = 252006673", "CREATE TABLE features (id INTEGER)"],
        ["PRAGMA application_id = 252006673", "PRAGMA user_version = 3"],
    ],
    ids=["tables of its own", "another application's", "another application's, still empty"],
)
def test_somebody_elses_database_is_left_as_it_is(tmp_path, statements):
    path = database(tmp_path / "other.db", *statements)
    before = path.read_bytes()

    assert "a database, but not a pool of osca" in refused(path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.db"]


def test_a_pool_of_a_newer_osca_is_refused(tmp_path):
    Pool(tmp_path / "osca.db").__exit__(None, None, None)
    path = database(
        tmp_path / "osca.db",
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('osca', 'm999_later', '')",
    )

    assert "made by a newer osca (it has m999_later); upgrade osca" in refused(path)


def test_a_folder_and_a_missing_folder_are_named(tmp_path):
    assert "a folder, not a pool" in refused(tmp_path)
    assert f"there is no folder {tmp_path / 'no'}; make it" in refused(tmp_path / "no" / "osca.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write to everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path):
    Pool(tmp_path / "osca.db").__exit__(None, None, None)
    (tmp_path / "osca.db").chmod(0)

    assert "check its permissions" in refused(tmp_path / "osca.db")


def test_writing_to_a_pool_that_is_read_only_says_so(pool):
    pool.connection.execute("PRAGMA query_only = ON")

    with pytest.raises(PoolError, match="cannot be written to; check its permissions"):
        start_run(pool)


def test_a_damaged_pool_says_how_to_save_what_can_be_read(pool, tmp_path):
    pool.register([make_cell("a", f"p{i}") for i in range(200)], "train")
    pool.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pool.connection.close()
    path = tmp_path / "osca.db"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))

    assert ".recover" in refused(path)


def test_a_full_disk_says_so_and_loses_nothing_that_was_kept(pool):
    run, cell = start_run(pool), make_cell()
    pool.register([cell], "train", asked=4)
    add(pool, run, cell, 0)
    [(pages,)] = pool.connection.execute("PRAGMA page_count")
    pool.connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(PoolError, match="the disk is full; what was drawn before is kept"):
        add(pool, run, cell, 1, text="x" * 100_000)

    pool.connection.execute("PRAGMA max_page_count = 1000000")
    assert pool.drawn([cell.request_id]) == {cell.request_id: {0}}
    add(pool, run, cell, 1, text="x" * 100_000)
    assert pool.drawn([cell.request_id]) == {cell.request_id: {0, 1}}


def test_a_lock_that_another_process_keeps_is_explained():
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorname = "SQLITE_BUSY_SNAPSHOT"

    assert "another process kept it locked" in str(explained(Path("osca.db"), error))


def test_many_processes_may_make_one_pool_at_once(tmp_path):
    program = (
        "import sys, pathlib; sys.stdin.readline()\n"
        "from osca_cli.store.pool import Pool\n"
        "with Pool(pathlib.Path('osca.db')) as pool:\n"
        "    pool.start_run('pilot', spec=pathlib.Path('s'), spec_hash='', osca='', engines={})\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()

    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert errors == [""] * len(processes)
    with Pool(tmp_path / "osca.db") as pool:
        assert pool.connection.execute("SELECT count(*) FROM runs").fetchone() == (6,)
        assert pool.connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
