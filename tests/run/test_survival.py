"""What a run meets on a bad day: another run, a full disk, a locked pool, a jumping clock, dead workers."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from osca_cli.store.pool import Pool
from tests.conftest import environment

PLAN = "allocation: {plans: [{task: sums, counts: {small/1.0/prompt1: 2, large/0.5/prompt1: 2}}]}\n"


@pytest.fixture
def slow_folder(spec_folder: Path) -> Path:
    """A spec and a plan that draw slowly, and note every draw."""
    spec = spec_folder / "spec.yaml"
    text = spec.read_text().replace("{samples: 4}\nbudget", "{samples: 6}\nbudget")
    text = text.replace("budget: {samples: 4}", "budget: {samples: 6, share: problems}")
    text += "backends:\n  scripted: {type: scripted, delay_s: 0.02, slots: 4, log: draws.log}\n"
    spec.write_text(text)
    (spec_folder / "plan.yaml").write_text(text + PLAN)
    (spec_folder / "draws.log").touch()
    return spec_folder


def start(folder: Path, *args: str, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "osca_cli", "run", *args]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True, **more
    )


def draws(folder: Path) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in (folder / "draws.log").read_text().splitlines()]


def rows(folder: Path, query: str) -> list[tuple]:
    sql = sqlite3.connect(folder / "osca.db")
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


@pytest.mark.parametrize("file", ["spec.yaml", "plan.yaml"])
def test_two_runs_at_once_draw_no_sample_twice_and_both_end_with_the_whole_table(slow_folder, file):
    both = [start(slow_folder, file, "--json") for _ in range(2)]
    ended = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], ended
    first, second = (json.loads(out) for out, _ in ended)
    kept = rows(slow_folder, "SELECT count(*), count(DISTINCT key) FROM samples")
    assert kept == [(len(draws(slow_folder)), len(set(draws(slow_folder))))]
    assert first["drawn"] + second["drawn"] == kept[0][0]
    if file == "plan.yaml":
        assert first["tasks"] == second["tasks"]
    else:
        assert first["drawn"] + first["there"] == second["drawn"] + second["there"] == kept[0][0]


def test_a_quota_that_is_reached_says_so_and_a_rerun_with_room_completes(slow_folder):
    with Pool(slow_folder / "osca.db"):
        pass
    room = (slow_folder / "osca.db").stat().st_size + 80_000

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    process = start(slow_folder, "spec.yaml", preexec_fn=limited)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 2, (out, err)
    assert "what was drawn before is kept: make room and run the same command again" in err
    assert "Traceback" not in err
    assert rows(slow_folder, "PRAGMA integrity_check") == [("ok",)]
    [(before,)] = rows(slow_folder, "SELECT count(*) FROM samples")
    drawn = len(draws(slow_folder))
    assert 0 < before <= drawn <= before + 4  # what was in flight could not be kept

    process = start(slow_folder, "spec.yaml", "--json")
    out, err = process.communicate(timeout=120)

    assert process.returncode == 0, err
    assert json.loads(out)["there"] == before
    assert rows(slow_folder, "SELECT sum(asked) FROM requests") == rows(
        slow_folder, "SELECT count(*) FROM samples"
    )


def test_a_full_disk_says_so_and_a_rerun_with_room_completes(osca, spec_folder, monkeypatch):
    osca("run", "spec.yaml", "--limit", "1")
    pages = rows(spec_folder, "PRAGMA page_count")[0][0]
    opened = Pool.__init__

    def full(self: Pool, *args: object, **more: object) -> None:
        opened(self, *args, **more)
        self.connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    with monkeypatch.context() as patch:
        patch.setattr(Pool, "__init__", full)
        result = osca("run", "spec.yaml", code=2)

    assert "the disk is full; what was drawn before is kept" in result.err
    [(before,)] = rows(spec_folder, "SELECT count(*) FROM samples")
    assert osca("run", "spec.yaml", "--json").json["there"] == before > 0


def test_a_pool_locked_for_a_while_is_waited_for_and_one_locked_for_good_is_told(
    osca, spec_folder, monkeypatch
):
    osca("run", "spec.yaml", "--limit", "1")
    other = sqlite3.connect(spec_folder / "osca.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    unlock = threading.Timer(0.5, other.execute, ["COMMIT"])
    unlock.start()

    osca("run", "spec.yaml", "--limit", "2")

    unlock.join()
    monkeypatch.setattr("osca_cli.store.file.BUSY_TIMEOUT_S", 0.2)
    other.execute("BEGIN IMMEDIATE")
    result = osca("run", "spec.yaml", code=2)
    other.execute("COMMIT")
    other.close()
    assert "another process kept it locked" in result.err
    osca("run", "spec.yaml")


def test_a_clock_that_jumps_changes_nothing_but_what_it_says(osca, spec_folder, monkeypatch):
    jumps = count()
    opened = Pool.__init__

    def jumping(self: Pool, *args: object, **more: object) -> None:
        opened(self, *args, clock=lambda: datetime(2030, 1, 1, tzinfo=UTC) - timedelta(days=next(jumps)))

    (spec_folder / "plan.yaml").write_text((spec_folder / "spec.yaml").read_text() + PLAN)
    with monkeypatch.context() as patch:
        patch.setattr(Pool, "__init__", jumping)
        first = osca("run", "plan.yaml", "--json").json
        again = osca("run", "plan.yaml", "--json").json
    sane = osca("run", "plan.yaml", "--db", "sane.db", "--json").json

    assert first["tasks"] == again["tasks"] == sane["tasks"]
    assert (first["drawn"], again["drawn"]) == (sane["drawn"], 0)


def test_a_worker_that_dies_costs_verdicts_that_the_next_run_gives(slow_folder):
    process = start(slow_folder, "plan.yaml")
    deadline = time.monotonic() + 60
    while len(draws(slow_folder)) < 8:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    _, err = process.communicate(timeout=60)

    assert process.returncode in {0, 1}, err  # 0 where no worker was judging just then
    assert "Traceback" not in err
    again = start(slow_folder, "plan.yaml", "--json")
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert rows(slow_folder, "SELECT count(*) FROM verdicts WHERE passed IS NULL") == [(0,)]
    assert len(draws(slow_folder)) == len(set(draws(slow_folder)))


def test_an_interrupted_run_writes_the_answers_that_it_has(slow_folder):
    process = start(slow_folder, "plan.yaml", "--answers", "answers.jsonl")
    deadline = time.monotonic() + 60
    while len(draws(slow_folder)) < 15:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    lines = [json.loads(line) for line in (slow_folder / "answers.jsonl").read_text().splitlines()]
    assert sum(line["samples"] for line in lines) == len(draws(slow_folder))
    assert any(line["accepted"] for line in lines)
    assert "The plan, executed" in out
    assert rows(slow_folder, "SELECT count(*) FROM realised") == [(0,)]
