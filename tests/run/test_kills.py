"""A run that is killed at random moments, many times over, ends as if nothing had happened.

The process that is killed is a fork of this one, which need not import all again. As many kills as you like,
with what was drawn twice: OSCA_KILLS=50 python -m pytest tests/run/test_kills.py -s
"""

import hashlib
import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from osca_cli.cli import main
from tests.conftest import Osca, environment, write_problems
from tests.faultserver.server import Asked, FaultServer, Reply, answer

SLOTS = 4
KILLS = int(os.environ.get("OSCA_KILLS", "6"))  # 50 take half a minute of computing
KEY = "sk-test-0123456789abcdefghij"
SPEC = """\
version: 1
backends:
  box: {{type: openai, base_url: "{url}/v1", api_key_env: BOX_KEY, max_in_flight: {slots}, timeout_s: 20}}
tasks:
  - name: sums
    problems: {{source: jsonl, path: sums.jsonl, id: id}}
    verifier: {{type: number}}
    held_out: 0.5
configurations:
  - grid:
      model: [box/tiny, box/huge]
      temperature: [0.5, 1.0]
      prompt: ["{{{{ question }}}} [{{{{ answer }}}}]"]
    max_tokens: 16
pilot: {{samples: {samples}}}
budget: {{samples: 6, share: problems}}
"""
PLAN = "allocation: {plans: [{task: sums, counts: {tiny/0.5/prompt1: 3, huge/1.0/prompt1: 3}}]}\n"


def scripted(asked: Asked) -> Reply | None:
    """A slow server: what it answers depends on what it is asked alone."""
    seed = (asked.body["model"], asked.body["temperature"], asked.body["seed"], asked.prompt)
    fraction = int.from_bytes(hashlib.sha256(repr(seed).encode()).digest()[:4]) / 2**32
    text = None if fraction < 0.15 else "I do not know."
    return answer(asked, text=text, wait_s=0.01 + 0.02 * fraction)


@pytest.fixture
def server(tmp_path: Path, osca: Osca, monkeypatch: pytest.MonkeyPatch):
    server = FaultServer(scripted).start()
    write_problems(tmp_path / "sums.jsonl", 24)
    text = SPEC.format(url=server.url, slots=SLOTS, samples=max(4, KILLS // 3))
    (tmp_path / "spec.yaml").write_text(text)
    (tmp_path / "plan.yaml").write_text(text + PLAN)
    monkeypatch.setenv("BOX_KEY", KEY)
    osca(
        "run", "spec.yaml", "--limit", "1", "--samples", "1", "--db", "first.db"
    )  # imports all for the forks
    yield server
    server.stop()


def start(folder: Path, *args: str) -> int:
    """Run osca in a fork of this process, in a session of its own; return its process."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.chdir(folder)
        log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(environment(BOX_KEY=KEY))
        main(list(args))
    except SystemExit as left:
        os._exit(int(left.code or 0))
    finally:
        os._exit(70)


def finish(folder: Path, *args: str) -> None:
    _, status = os.waitpid(start(folder, *args), 0)
    assert os.waitstatus_to_exitcode(status) == 0, (folder / "log.txt").read_text()


def kill_often(folder: Path, server: FaultServer, rng: random.Random, most: int, *args: str) -> int:
    """Start and kill a run many times, at any moment; return how often it was still running."""
    alive = 0
    for _ in range(KILLS):
        before = len(server.asked)
        pid = start(folder, *args)
        if rng.random() < 0.2:
            time.sleep(rng.uniform(0, 0.3))  # while it starts
        else:
            _wait(pid, server, before + rng.randrange(1, most))
            time.sleep(rng.uniform(0, 0.03))
        ended, _ = os.waitpid(pid, os.WNOHANG)
        if not ended:
            alive += 1
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return alive


def _wait(pid: int, server: FaultServer, asked: int) -> None:
    """Wait until the server was asked so often, or the run has ended."""
    deadline = time.monotonic() + 60
    how = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while len(server.asked) < asked and os.waitid(os.P_PID, pid, how) is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def pool_of(folder: Path, db: str) -> list[tuple]:
    sql = sqlite3.connect(folder / db)
    try:
        assert sql.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert sql.execute("PRAGMA foreign_key_check").fetchall() == []
        return sql.execute(
            "SELECT s.key, s.text, s.seed, s.executed, v.passed, v.answer FROM samples s"
            " LEFT JOIN verdicts v USING (request, idx) ORDER BY 1"
        ).fetchall()
    finally:
        sql.close()


def answered(server: FaultServer) -> list[tuple]:
    return [
        (one.body["model"], one.body["temperature"], one.body["seed"], one.prompt) for one in server.asked
    ]


@pytest.mark.parametrize("command", ["spec.yaml", "plan.yaml"])
def test_a_run_killed_many_times_has_the_samples_of_one_that_was_not(server, tmp_path, command):
    rng = random.Random(command)
    args = ("run", command)

    finish(tmp_path, *args, "--db", "undisturbed.db")
    undisturbed = pool_of(tmp_path, "undisturbed.db")
    server.asked.clear()

    alive = kill_often(tmp_path, server, rng, len(undisturbed) * 2 // KILLS, *args)
    before_the_end = len(pool_of(tmp_path, "osca.db"))
    finish(tmp_path, *args)
    killed, asked = pool_of(tmp_path, "osca.db"), answered(server)

    twice = len(asked) - len(set(asked))
    print(f"{alive} kills; {before_the_end} of {len(killed)} samples before the end; {twice} drawn twice")
    assert alive > KILLS / 2
    assert before_the_end > 0
    assert killed == undisturbed
    assert len({key for key, *_ in killed}) == len(killed)
    assert all(passed is not None for *_, passed, _ in killed)
    assert twice <= alive * SLOTS  # what was in flight at a kill
