"""What a kill, an interruption or a second process does to a run: nothing that the next run does not mend."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import environment

SLOTS = 4


@pytest.fixture
def slow_folder(spec_folder: Path) -> Path:
    """A folder whose spec draws slowly, and notes every draw."""
    with (spec_folder / "spec.yaml").open("a") as file:
        file.write(
            f"backends:\n  scripted: {{type: scripted, delay_s: 0.02, slots: {SLOTS}, log: draws.log}}\n"
        )
    (spec_folder / "draws.log").touch()
    return spec_folder


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "osca_cli", "run", "spec.yaml"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True)


def draws(folder: Path) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in (folder / "draws.log").read_text().splitlines()]


def wait_for_draws(folder: Path, number: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(draws(folder)) < number and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def table(folder: Path, query: str) -> list[tuple]:
    sql = sqlite3.connect(folder / "osca.db")
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


def finish(folder: Path) -> None:
    process = start(folder)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)


def assert_complete(folder: Path) -> None:
    [(asked,)] = table(folder, "SELECT sum(asked) FROM requests")
    rows = table(folder, "SELECT request, idx FROM samples")
    assert len(rows) == len(set(rows)) == asked
    assert table(folder, "SELECT count(*) FROM verdicts WHERE passed IS NOT NULL") == [(asked,)]
    assert table(folder, "PRAGMA integrity_check") == [("ok",)]
    assert table(folder, "PRAGMA foreign_key_check") == []


def test_killed_at_several_moments_every_sample_is_there_once(slow_folder):
    kills = 0
    for moment in (1, 2, 20, 45, 90):
        process = start(slow_folder)
        wait_for_draws(slow_folder, moment, process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        kills += 1

    kept_before_the_end = table(slow_folder, "SELECT count(*) FROM samples")[0][0]
    finish(slow_folder)

    assert_complete(slow_folder)
    assert kept_before_the_end > 0
    # What was drawn twice was in flight when the process was killed.
    assert len(draws(slow_folder)) - len(set(draws(slow_folder))) <= kills * SLOTS


def test_killed_before_the_first_draw(slow_folder):
    for delay in (0.05, 0.3, 0.6):
        process = start(slow_folder)
        time.sleep(delay)
        process.kill()
        process.communicate(timeout=10)

    finish(slow_folder)

    assert_complete(slow_folder)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_finishes_what_is_in_flight_and_says_how_to_go_on(slow_folder, sent):
    process = start(slow_folder)
    wait_for_draws(slow_folder, 20, process)
    process.send_signal(sent)
    _, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert "The same command goes on" in err
    assert "Traceback" not in err
    drawn = draws(slow_folder)
    assert table(slow_folder, "SELECT count(*) FROM samples") == [(len(drawn),)]

    finish(slow_folder)
    assert_complete(slow_folder)
    assert len(draws(slow_folder)) == len(set(draws(slow_folder)))


def test_two_processes_on_one_pool_both_end_well(slow_folder):
    both = [start(slow_folder) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (out, err)

    assert_complete(slow_folder)


def test_no_worker_outlives_a_killed_run(slow_folder):
    process = start(slow_folder)
    wait_for_draws(slow_folder, 10, process)
    children = _children(process.pid)
    process.kill()
    process.communicate(timeout=10)

    deadline = time.monotonic() + 10
    while any(_alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children
    assert not [child for child in children if _alive(child)]


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        pytest.skip("this system does not list the children of a process")
    return [int(child) for child in path.read_text().split()]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
