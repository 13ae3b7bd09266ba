"""A recording answers without a key or a model: the same plan, the same verdicts, not a byte written."""

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from osca_cli.cli import main
from tests.conftest import SPEC, Osca, write_problems
from tests.run.hosted import edit, rows

OFFLINE = [
    ["run", "spec.yaml", "--offline", "--split", "all", "--json"],
    ["plan", "spec.yaml", "-o", "-"],
    ["plan", "spec.yaml", "-o", "plan.yaml"],
    ["run", "plan.yaml", "--offline", "--answers", "answers.jsonl", "--json"],
    ["run", "plan.yaml", "--measure", "--offline", "--json"],
    ["check", "plan.yaml", "--json"],
    ["show", "spec.yaml", "--json"],
    ["export", "spec.yaml", "--format", "csv"],
]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pool of all that the loop has drawn, and in another folder a recording of it."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "spec.yaml").write_text(SPEC)
    write_problems(folder / "sums.jsonl", 20)
    shutil.copytree(folder, folder / "elsewhere")
    commands = (
        ["run", "spec.yaml", "--split", "all"],
        ["plan", "spec.yaml"],
        ["run", "plan.yaml"],
        ["run", "plan.yaml", "--measure"],
        ["export", "spec.yaml", "--format", "recording", "-o", "elsewhere/recording.db"],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in commands:
            with pytest.raises(SystemExit, match="0"):
                main(command)
    (folder / "plan.yaml").unlink()
    return folder


@pytest.fixture
def spec_folder(drawn: Path, tmp_path: Path) -> Path:
    """The folder with the pool, to change at will."""
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def recording(spec_folder: Path) -> Path:
    """The folder that has the spec, its problems and the recording."""
    return spec_folder / "elsewhere"


def loop(osca: Osca, folder: Path, db: str) -> list[tuple]:
    """Run everything that works offline; return what it printed and wrote."""
    seen = []
    for command in OFFLINE:
        result = osca(*command, "--db", db, cwd=folder, code=None)
        # The table of a plan says how long its certificate took.
        seen.append((result.code, "" if command[-1] == "plan.yaml" else result.out))
    return [*seen, (folder / "plan.yaml").read_text(), (folder / "answers.jsonl").read_text()]


def test_everything_is_as_on_the_pool_and_not_a_byte_is_written(osca, spec_folder, recording):
    path = recording / "recording.db"
    path.chmod(0o444)
    before = path.read_bytes()

    from_pool = loop(osca, spec_folder, "osca.db")
    from_recording = loop(osca, recording, "recording.db")

    assert [code for code, _ in from_recording[: len(OFFLINE)]] == [0] * len(OFFLINE)
    assert from_recording == from_pool
    assert path.read_bytes() == before
    assert sorted(file.name for file in recording.iterdir()) == sorted(
        ["answers.jsonl", "plan.yaml", "recording.db", "spec.yaml", "sums.jsonl"]
    )


def test_offline_leaves_no_trace_of_a_run_in_a_pool(osca, spec_folder):
    before = rows(spec_folder, "SELECT count(*) FROM runs")

    osca("run", "spec.yaml", "--offline")

    assert rows(spec_folder, "SELECT count(*) FROM runs") == before


def test_a_miss_names_the_sample(osca, recording):
    pilot = osca(
        "run", "spec.yaml", "--offline", "--samples", "99", "--db", "recording.db", cwd=recording, code=2
    )
    assert "samples are missing, such as sample" in pilot.err

    plan = "allocation: {plans: [{task: sums, counts: {small/0.5/prompt1: 3}}]}\n"
    (recording / "plan.yaml").write_text((recording / "spec.yaml").read_text() + plan)
    write_problems(recording / "new.jsonl", 1, start=50)
    executed = osca(
        *("run", "plan.yaml", "--problems", "new.jsonl", "--offline", "--db", "recording.db"),
        cwd=recording,
        code=2,
    )
    assert "lacks sample 0 of configuration 'small/0.5/prompt1' on problem 'p50'" in executed.err


def test_a_recording_is_never_added_to(osca, recording):
    before = (recording / "recording.db").read_bytes()

    refused = osca("run", "spec.yaml", "--samples", "9", "--db", "recording.db", cwd=recording, code=2)

    assert "recording.db: a recording, or a file that cannot be written to" in refused.err
    assert (recording / "recording.db").read_bytes() == before


def test_a_verifier_that_has_changed_judges_again_and_says_that_it_is_not_kept(osca, recording):
    edit(recording / "spec.yaml", "{type: number}", "{type: number, tolerance: 1}")

    seen = osca("run", "spec.yaml", "--offline", "--db", "recording.db", cwd=recording)

    assert "verdicts given now could not be kept" in seen.err


def test_nothing_is_in_it_that_tells_where_it_was_made(osca, recording, spec_folder):
    content = (recording / "recording.db").read_bytes()

    assert str(spec_folder).encode() not in content
    with sqlite3.connect(recording / "recording.db") as sql:
        counted = {
            table: sql.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("runs", "errors", "plans", "samples", "problems", "verdicts")
        }
        [(body,)] = sql.execute("SELECT DISTINCT body FROM requests").fetchall()
        definitions = sql.execute("SELECT definition FROM configurations").fetchall()
    sql.close()
    assert (counted["runs"], counted["errors"], counted["plans"]) == (0, 0, 0)
    assert counted["problems"] == 20
    assert (
        counted["samples"] == counted["verdicts"] == rows(spec_folder, "SELECT count(*) FROM samples")[0][0]
    )
    assert body == "{}"
    assert all(set(json.loads(definition)) == {"name"} for (definition,) in definitions)


def test_a_part_is_recorded_where_a_part_is_asked_for(osca, spec_folder, recording):
    osca("export", "spec.yaml", "--only", "small/*", "-o", "small.db")

    seen = osca("run", "spec.yaml", "--only", "small/*", "--offline", "--db", "small.db", "--json")
    assert seen.json["there"] > 0
    osca("run", "spec.yaml", "--offline", "--db", "small.db", code=2)


def test_a_recording_of_an_older_osca_is_read(osca, recording):
    with sqlite3.connect(recording / "recording.db") as sql:
        sql.execute("ALTER TABLE samples DROP COLUMN details")
        sql.execute("DELETE FROM _sqlite_migrations WHERE name = 'm005_details'")
    sql.close()
    before = (recording / "recording.db").read_bytes()

    osca("run", "spec.yaml", "--offline", "--split", "all", "--db", "recording.db", cwd=recording)

    assert (recording / "recording.db").read_bytes() == before


def test_a_recording_of_a_newer_osca_is_refused(osca, recording):
    with sqlite3.connect(recording / "recording.db") as sql:
        sql.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('osca', 'm999_x', '')"
        )
    sql.close()

    seen = osca("show", "spec.yaml", "--db", "recording.db", cwd=recording, code=2)
    assert "made by a newer osca" in seen.err


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write to everything")
@pytest.mark.parametrize("name", ["osca.db", "elsewhere/recording.db"])
def test_a_file_in_a_folder_that_nobody_may_write_to_is_read(osca, spec_folder, recording, name):
    folder = spec_folder / "locked"
    folder.mkdir()
    shutil.copy(spec_folder / name, folder / "some.db")
    (folder / "some.db").chmod(0o444)
    folder.chmod(0o555)
    try:
        osca("run", "spec.yaml", "--offline", "--split", "all", "--db", "locked/some.db")
        osca("plan", "spec.yaml", "--db", "locked/some.db")
    finally:
        folder.chmod(0o755)


def test_the_pool_itself_is_not_overwritten(osca, spec_folder):
    refused = osca("export", "spec.yaml", "--format", "recording", "-o", "osca.db", code=2)
    assert "is the pool itself" in refused.err


def test_a_pool_that_is_not_there_is_not_made_offline(osca, spec_folder):
    refused = osca("run", "spec.yaml", "--offline", "--db", "other.db", code=2)

    assert "other.db: no such pool" in refused.err
    assert not (spec_folder / "other.db").exists()


def test_a_pool_that_may_not_be_written_to_is_read_as_it_is(osca, spec_folder, monkeypatch):
    folder = spec_folder / "locked"
    folder.mkdir()
    shutil.copy(spec_folder / "osca.db", folder)
    before = (folder / "osca.db").read_bytes()
    monkeypatch.setattr("osca_cli.store.file.os.access", lambda path, mode: mode != os.W_OK)

    osca("run", "spec.yaml", "--offline", "--split", "all", "--db", "locked/osca.db")
    osca("plan", "spec.yaml", "--db", "locked/osca.db", "-o", "-")
    refused = osca("run", "spec.yaml", "--samples", "9", "--db", "locked/osca.db", code=2)

    assert "answer from it with --offline" in refused.err
    assert (folder / "osca.db").read_bytes() == before
    assert [file.name for file in folder.iterdir()] == ["osca.db"]
