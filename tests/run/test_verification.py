import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from osca_cli.errors import OscaError
from osca_cli.model import Check, Verdict
from osca_cli.run.verification import Verification

PLUGIN = Path(__file__).parent / "hostile_plugin"
HOSTILE = Check("hostile", 1, {}, {})
CATASTROPHE = Check("regex", 1, {"pattern": "(a+)+$"}, {})


@pytest.fixture(autouse=True)
def _plugin(monkeypatch):
    monkeypatch.syspath_prepend(str(PLUGIN))


def judge(*texts: str, check: Check = HOSTILE, workers: int = 2, time_limit_s: float = 30) -> list[Verdict]:
    """Judge texts together, and return their verdicts in order."""
    verdicts: dict[int, Verdict] = {}

    async def main() -> None:
        async with (
            Verification(workers, time_limit_s) as verification,
            anyio.create_task_group() as group,
        ):

            async def one(position: int, text: str) -> None:
                verdicts[position] = await verification.verify(check, text)

            for position, text in enumerate(texts):
                group.start_soon(one, position, text)

    anyio.run(main)
    return [verdicts[position] for position in range(len(texts))]


def gone(pid: int, within_s: float = 5) -> bool:
    """Tell whether a process ends in time; one that nobody waited for yet has ended too."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("check", "text", "passed"),
    [
        (Check("exact", 1, {"ignore_case": True}, {"reference": "Paris"}), "PARIS", True),
        (Check("number", 1, {"tolerance": 0.5}, {"reference": 3}), "about 3.2", True),
        (Check("regex", 1, {}, {"pattern": "^x"}), "y", False),
        (Check("choice", 1, {"choices": ["yes", "no"]}, {"reference": "no"}), "The answer is no.", True),
    ],
)
def test_every_built_in_verifier_runs_in_a_worker(check, text, passed):
    assert judge(text, check=check)[0].passed is passed


@pytest.mark.parametrize("text", ["\ud800 lone", "nul \0", "\x1b[2J", "a\nb\r\u2028c", "é" * 10**6])
def test_any_text_comes_through_unchanged(text):
    (verdict,) = judge(text, check=Check("exact", 1, {}, {"reference": text}))
    assert verdict.passed is True


def test_each_text_gets_its_own_verdict_once_from_no_more_processes_than_allowed():
    texts = [f"echo {number}" for number in range(300)]
    assert [verdict.answer for verdict in judge(*texts)] == [str(number) for number in range(300)]
    pids = {verdict.answer for verdict in judge(*["sleep 0.01"] * 20, workers=3)}
    assert 1 <= len(pids) <= 3


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("leave 3", "the verifier ended its process: exit status 3"),
        ("leave 0", "the verifier ended its process: exit status 0"),
        ("quit 1", "the verifier failed: SystemExit: 1"),
        ("interrupt", "the verifier failed: KeyboardInterrupt"),
        ("kill SIGKILL", "the verifier ended its process: SIGKILL"),
        ("segfault", "the verifier ended its process: SIGSEGV"),
        ("fail", "the verifier failed: RuntimeError: out of order"),
        ("nothing", "the verifier failed: AttributeError"),
        ("no_such_deed", "the verifier failed: AttributeError"),
    ],
)
def test_a_verifier_that_breaks_is_an_error_and_harms_no_other(deed, reason):
    verdicts = judge("echo 1", "sleep 0.2", deed, "echo 2", deed, "echo 3")
    assert [verdict.passed for verdict in verdicts] == [True, True, None, True, None, True]
    assert verdicts[2].reason.startswith(reason)
    assert [verdicts[position].answer for position in (0, 3, 5)] == ["1", "2", "3"]


def test_settings_that_a_verifier_refuses_are_an_error():
    (verdict,) = judge("echo 1", check=Check("hostile", 1, {"refuse": True}, {}))
    assert verdict == Verdict(None, reason="the verifier failed: ValueError: unusable settings")


def test_an_unknown_type_is_an_error_that_names_it():
    (verdict,) = judge("x", check=Check("hostil", 1, {}, {}))
    assert verdict.passed is None
    assert "no verifier of type 'hostil'; did you mean 'hostile'?" in verdict.reason


def test_a_verdict_over_the_time_limit_is_an_error_and_harms_no_other():
    verdicts = judge("sleep 100", "echo 1", "sleep 100", "echo 2", time_limit_s=0.5)
    assert [verdict.passed for verdict in verdicts] == [None, True, None, True]
    assert verdicts[0].reason == "the verifier reached its time limit of 0.5 s"


def test_a_regular_expression_that_explodes_is_stopped():
    (verdict,) = judge("a" * 60 + "b", check=CATASTROPHE, time_limit_s=0.3)
    assert verdict == Verdict(None, reason="the verifier reached its time limit of 0.3 s")


def test_what_a_verifier_prints_or_reads_does_not_reach_the_parent(capfd):
    assert judge("chatter", "echo 1", workers=1) == [Verdict(True, "quiet"), Verdict(True, "1")]
    assert capfd.readouterr() == ("", "")


def test_answers_and_reasons_are_cut_to_what_a_pool_should_keep():
    (verdict,) = judge("babble")
    assert (len(verdict.answer), len(verdict.reason)) == (10_000, 500)


def test_a_worker_that_dies_while_idle_costs_nothing():
    async def main() -> Verdict:
        async with Verification(1, 30) as verification:
            pid = int((await verification.verify(HOSTILE, "pid")).answer)
            os.kill(pid, signal.SIGKILL)
            await anyio.sleep(0.2)
            return await verification.verify(HOSTILE, "echo 1")

    assert anyio.run(main) == Verdict(True, "1")


def test_a_cancelled_caller_ends_its_worker_and_leaves_the_rest_working(tmp_path):
    async def main() -> Verdict:
        async with Verification(1, 30) as verification:
            with anyio.move_on_after(1):
                await verification.verify(HOSTILE, f"hang_as {tmp_path / 'pid'}")
            return await verification.verify(HOSTILE, "echo 1")

    assert anyio.run(main) == Verdict(True, "1")
    assert gone(int((tmp_path / "pid").read_text()), within_s=0.5)


def test_no_process_is_left_after_the_context():
    pids = {int(verdict.answer) for verdict in judge("sleep 0.1", "sleep 0.1", "sleep 0.1")}
    assert all(gone(pid, within_s=0.5) for pid in pids)


def test_what_a_verifier_started_ends_with_it(tmp_path):
    (verdict,) = judge(f"spawn {tmp_path / 'pid'}", time_limit_s=1)
    assert verdict.passed is None
    assert gone(int((tmp_path / "pid").read_text()), within_s=2)


def test_where_no_worker_can_start_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(ExceptionGroup) as caught:
        judge("echo 1")
    assert caught.group_contains(OscaError, match="cannot start a process for verifiers: .*absent")


def test_a_worker_that_fails_to_start_is_quoted(monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no more memory' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(ExceptionGroup) as caught:
        judge("echo 1")
    assert caught.group_contains(OscaError, match="did not start: no more memory")


# No guard around the call: a worker must not run its parent's script again.
SCRIPT = """
import sys
import anyio
from osca_cli.model import Check
from osca_cli.run.verification import Verification

async def main():
    async with Verification(2, 1) as verification:
        async with anyio.create_task_group() as group:
            for text in sys.argv[1:]:
                group.start_soon(verification.verify, Check("hostile", 1, {}, {}), text)
        await anyio.sleep(float(100))

print("started", flush=True)
try:
    anyio.run(main)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def parent(tmp_path):
    """Start the script above with some texts, in a process group of its own."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    started = []

    def start(*texts: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(script), *texts],
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pid_in(file: Path) -> int:
    end = time.monotonic() + 20
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < end, f"{file} was not written"
        time.sleep(0.02)
    return int(file.read_text())


@pytest.mark.parametrize("deed", ["pid", "hang_as"])
def test_workers_end_when_their_parent_is_killed(parent, tmp_path, deed):
    process = parent(f"{deed} {tmp_path / 'pid'}")
    pid = pid_in(tmp_path / "pid")
    process.kill()
    assert gone(pid)


def test_an_interrupt_leaves_no_worker_and_no_traceback_of_one(parent, tmp_path):
    process = parent(f"pid {tmp_path / 'idle'}", f"hang_as {tmp_path / 'busy'}")
    pids = [pid_in(tmp_path / "idle"), pid_in(tmp_path / "busy")]
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "started\n", "")
    assert all(gone(pid, within_s=0.5) for pid in pids)
