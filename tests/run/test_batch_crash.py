"""Runs that are killed, interrupted or changed while batches are open: no sample is paid for twice."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import Osca, environment
from tests.faultserver.batches import Desk
from tests.faultserver.server import Asked, Reply
from tests.run.batched import ALL, assert_complete
from tests.run.hosted import KEY, PROBLEMS, edit, rows

pytestmark = pytest.mark.usefixtures("quick")

OSCA = """
import sys
import osca_cli.run.batch_context as context
context.POLLING = context.Polling(first_s=0.02, growth=1.5, longest_s=0.1, settle_s=0.3)
from osca_cli.cli import main
main(sys.argv[1:])
"""


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OSCA, "run", "spec.yaml", *more]
    pipe = subprocess.PIPE
    env = environment(BOX_KEY=KEY)
    return subprocess.Popen(command, cwd=folder, env=env, stdout=pipe, stderr=pipe, text=True)


class Killer:
    """A hook that kills a process at a request, before the server does what is asked or after it."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.process: subprocess.Popen[str] | None = None

    def __call__(self, what: str, asked: Asked) -> Reply | None:
        if self.process is None or what != self.what:
            return None
        process, self.process = self.process, None
        process.kill()
        process.wait(10)
        return None if what.endswith("done") else Reply(500, b"{}")


STEPS = {
    "uploading": ("openai", "upload", (1, 0, 0)),
    "before it is created": ("openai", "create", (1, 1, 0)),
    "created and not told": ("openai", "create done", (1, 1, 0)),
    "messages created and not told": ("anthropic", "create_messages done", (1, 1, 0)),
    "waiting": ("openai", "show", (1, 1, 1)),
}


@pytest.mark.parametrize(("kind", "step", "left"), STEPS.values(), ids=list(STEPS))
def test_killed_at_any_step_the_next_run_pays_for_nothing_twice(osca, batches, tmp_path, kind, step, left):
    killer = Killer(step)
    desk = batches(kind, Desk(hook=killer))
    process = killer.process = start(tmp_path)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    known = "SELECT count(*), count(sent_at), count(id) FROM batches WHERE ended_at IS NULL"
    assert rows(tmp_path, known) == [left]
    assert rows(tmp_path, "SELECT count(*) FROM batch_rows") == [(ALL,)]

    done = osca("run", "spec.yaml", "--json")

    assert done.json["drawn"] == ALL
    assert len(desk.batches) == 1
    assert_complete(tmp_path, desk)


def test_killed_while_reading_what_was_kept_is_kept_once(osca, batches, tmp_path):
    desk = batches()
    process = start(tmp_path)

    def slowly(what: str, asked: Asked) -> Reply | None:
        if what != "content":
            return None
        desk.hook = lambda what, asked: None
        threading.Thread(target=kill_at_first_sample, args=(process, tmp_path)).start()
        return Reply(body=desk._content(asked, "out", "batch_0").body, drip_s=0.001)

    desk.hook = slowly
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    [(kept,)] = rows(tmp_path, "SELECT count(*) FROM samples")
    assert rows(tmp_path, "SELECT count(*) FROM batch_rows") == [(ALL - kept,)]
    assert 0 < kept < ALL

    assert osca("run", "spec.yaml", "--json").json["drawn"] == ALL - kept
    assert len(desk.batches) == 1
    assert_complete(tmp_path, desk)


def kill_at_first_sample(process: subprocess.Popen[str], folder: Path) -> None:
    deadline = time.monotonic() + 50
    while rows(folder, "SELECT count(*) FROM samples") == [(0,)] and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()


def interrupted(osca: Osca, desk: Desk) -> str:
    """Interrupt a run that waits for its batch; return what it said."""

    def interrupt(what: str, asked: Asked) -> None:
        if what == "show done":
            desk.hook = lambda what, asked: None
            os.kill(os.getpid(), signal.SIGINT)

    desk.polls, desk.hook = 10**9, interrupt
    err = osca("run", "spec.yaml", code=130).err
    desk.polls = 0
    return err


def test_interrupted_the_batch_goes_on_and_the_next_run_collects_it(osca, batches, tmp_path, kind):
    desk = batches(kind, limits="limits: {usd: 20}")

    err = interrupted(osca, desk)

    assert "batch batch_0: goes on at the server" in err
    assert "the same command collects it" in err
    [(reserved,)] = rows(tmp_path, "SELECT total(usd) FROM runs")
    assert reserved > desk.usd()  # what an open batch may cost counts until it is known
    done = osca("run", "spec.yaml", "--json")
    assert done.json["drawn"] == ALL
    assert "batch batch_0: 40 samples of tiny to come, since 20" in done.err
    assert len(desk.batches) == 1
    assert_complete(tmp_path, desk)


def test_a_changed_spec_collects_what_was_handed_over_before_it(osca, batches, tmp_path):
    desk = batches()
    interrupted(osca, desk)
    spec = tmp_path / "spec.yaml"
    edit(spec, "batch: true", "")
    edit(spec, "name: one", "name: renamed")
    edit(spec, "pilot: {samples: 4}", "pilot: {samples: 5}")
    dry = osca("run", "spec.yaml", "--dry-run", "--json").json

    result = osca("run", "spec.yaml", "--json").json

    assert dry["to_draw"] == PROBLEMS
    assert (result["drawn"], result["errors"]) == (ALL + PROBLEMS, 0)
    assert len(desk.batches) == 1
    assert rows(tmp_path, "SELECT count(*), count(DISTINCT key) FROM samples") == [(50, 50)]


def test_a_moved_server_does_not_draw_again_what_another_one_owes(osca, batches, tmp_path):
    desk = batches()
    interrupted(osca, desk)
    there = desk.server.url
    edit(tmp_path / "spec.yaml", there, "http://localhost:9")
    edit(tmp_path / "spec.yaml", "type: openai", "type: openai\n    provider: 127.0.0.1")

    failed = osca("run", "spec.yaml", code=1)

    assert f"{ALL} draws failed" in failed.err
    assert "is on its way in batch batch_0" in failed.err
    assert there in failed.err
    edit(tmp_path / "spec.yaml", "http://localhost:9", there)
    osca("run", "spec.yaml")
    assert_complete(tmp_path, desk)


def test_a_batch_that_the_server_does_not_show_stops_the_run(osca, batches, tmp_path):
    desk = batches()
    interrupted(osca, desk)
    hidden, desk.batches = desk.batches, {}

    failed = osca("run", "spec.yaml", code=1)

    assert "batch batch_0" in failed.err
    assert "collect it with the key that it was made with" in failed.err
    assert desk.batches == {}
    desk.batches = hidden
    osca("run", "spec.yaml")
    assert_complete(tmp_path, desk)


@pytest.mark.parametrize("gone", ["show", "content"])
def test_what_is_gone_for_a_month_is_given_up_at_its_worst(osca, batches, tmp_path, gone):
    desk = batches()
    interrupted(osca, desk)
    desk.hook = lambda what, asked: Reply(404, b"{}") if what == gone and "batch_0" in asked.path else None
    sql = sqlite3.connect(tmp_path / "osca.db")
    sql.execute("UPDATE batches SET prepared_at = '2020-01-01T00:00:00+00:00'")
    sql.commit()
    sql.close()

    osca("run", "spec.yaml")

    assert rows(tmp_path, "SELECT count(*) FROM samples") == [(ALL,)]
    [(number, lost)] = rows(tmp_path, "SELECT count(*), total(usd) FROM errors")
    [(spent,)] = rows(tmp_path, "SELECT total(usd) FROM runs")
    assert number == ALL
    assert spent == pytest.approx(lost + desk.usd() / 2)  # the desk counted both batches


def test_two_processes_make_one_batch(batches, tmp_path):
    desk = batches()
    both = [start(tmp_path, "--json") for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0], results
    assert sum(json.loads(out)["drawn"] for out, _ in results) == ALL
    assert sum(len(batch.rows) for batch in desk.batches.values()) == ALL
    assert_complete(tmp_path, desk)


def test_the_limit_is_not_passed_and_a_raised_one_completes(osca, batches, tmp_path, kind):
    desk = batches(kind, limits="limits: {usd: 0.2}")

    stopped = osca("run", "spec.yaml", code=4)

    assert "limits: usd: 0.2 leaves" in stopped.err
    assert 0.1 < desk.usd() <= 0.2
    assert len(desk.batches) > 1
    [(spent,)] = rows(tmp_path, "SELECT total(usd) FROM runs")
    assert spent == pytest.approx(desk.usd())
    edit(tmp_path / "spec.yaml", "usd: 0.2", "usd: 30")
    osca("run", "spec.yaml")
    assert_complete(tmp_path, desk)


def test_what_open_batches_may_cost_counts_after_a_restart(osca, batches, tmp_path):
    desk = batches(limits="limits: {usd: 4}")
    interrupted(osca, desk)
    [(reserved,)] = rows(tmp_path, "SELECT total(usd) FROM runs")
    edit(tmp_path / "spec.yaml", "usd: 4", f"usd: {reserved + 0.001}")
    edit(tmp_path / "spec.yaml", "batch: true", "")
    edit(tmp_path / "spec.yaml", "name: one", "name: other")
    edit(tmp_path / "spec.yaml", "temperature: 1", "temperature: 0.5")
    desk.hook = lambda what, asked: Reply(401, b"{}") if what == "show" else None

    osca("run", "spec.yaml", code=1)

    assert not [asked for asked in desk.server.asked if asked.path.endswith("/chat/completions")]
    assert len(desk.batches) == 1


def test_a_plan_is_executed_online_and_says_so(osca, batches, tmp_path):
    desk = batches()
    spec = tmp_path / "spec.yaml"
    edit(spec, "verifier: {type: number}\n", "verifier: {type: number}\n    held_out: 0.4\n")
    osca("run", "spec.yaml")
    plan = "allocation: {plans: [{task: sums, counts: {one: 2}}]}\n"
    (tmp_path / "plan.yaml").write_text(spec.read_text() + plan)
    made = len(desk.batches)

    done = osca("run", "plan.yaml")

    assert "box is asked online, at its full price" in done.err
    assert len(desk.batches) == made


def test_a_dry_run_counts_half_the_price_and_not_what_is_on_its_way(osca, batches, tmp_path):
    desk = batches()
    half = osca("run", "spec.yaml", "--dry-run", "--json").json["usd_at_most"]
    edit(tmp_path / "spec.yaml", "batch: true", "")
    whole = osca("run", "spec.yaml", "--dry-run", "--json").json["usd_at_most"]
    edit(tmp_path / "spec.yaml", "type: openai", "type: openai\n    batch: true")
    interrupted(osca, desk)

    waiting = osca("run", "spec.yaml", "--dry-run", "--json").json

    assert half == pytest.approx(whole / 2)
    assert (waiting["to_draw"], waiting["on_their_way"]) == (0, ALL)
    assert "40 samples are missing" in osca("run", "spec.yaml", "--offline", code=2).err
