"""Programs as backends: what they are asked, and that whatever they do costs one sample and no run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from osca_backends import program
from osca_backends.command import Command
from osca_cli.errors import LostAnswerError, UnavailableError
from osca_cli.model import Chat, Json, Message, Request, Sample
from osca_cli.protocols import Site
from osca_cli.testing.backends import BackendConformance

PYTHON = [sys.executable, "-I", "-S", "-c"]
ECHO = "import json, sys; print(json.dumps({'text': sys.stdin.read()}))"
ANSWER = "import json; print(json.dumps({'text': '42'}))"


def command(folder: Path, code: str, **settings: Json) -> Command:
    return Command({"command": [*PYTHON, code], **settings}, Site(folder, folder, lambda _: None))


def draw(backend: Command, request: Request | None = None, **more: object) -> Sample:
    async def run() -> Sample:
        try:
            asked = request or Request("command", "m", Chat(()), {}, problem={"id": "p"})
            [sample] = await backend.draw("m", asked, [7], **more)
            return sample
        finally:
            await backend.aclose()

    return anyio.run(run)


def answered(folder: Path, answer: Json) -> Sample:
    return draw(command(folder, f"print({json.dumps(answer)!r})"))


def gone(pid: int) -> bool:
    """Wait until a process has ended."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


class TestConformance(BackendConformance):
    model = "agent"

    def backend(self, site: Site) -> Command:
        return command(site.folder, ANSWER, max_in_flight=4)


def test_a_program_is_asked_in_json(tmp_path):
    request = Request(
        "command",
        "m@sha256:0",
        Chat((Message("user", "1 + 1?"),)),
        {"temperature": 0.5},
        {"turns": 2},
        problem={"id": "p", "question": "é"},
        variables={"language": "en"},
    )

    asked = json.loads(draw(command(tmp_path, ECHO), request, indices=[3]).text)

    assert asked == {
        "version": 1,
        "problem": {"id": "p", "question": "é"},
        "model": "m",
        "messages": [{"role": "user", "content": "1 + 1?"}],
        "parameters": {"temperature": 0.5},
        "vars": {"language": "en"},
        "extra": {"turns": 2},
        "seed": 7,
        "index": 3,
    }


def test_an_answer_is_read_whole(tmp_path):
    sample = answered(
        tmp_path,
        {
            "text": "42",
            "finish_reason": "length",
            "input_tokens": 3,
            "output_tokens": 4,
            "usd": 0.5,
            "seconds": 2,
            "verdict": {"passed": True, "score": 0.5, "reason": "good"},
            "steps": ["a"],
        },
    )

    assert sample == Sample(
        "42",
        "length",
        3,
        4,
        2.0,
        0.5,
        details={"verdict": {"passed": True, "score": 0.5, "reason": "good"}, "steps": ["a"]},
    )


def test_what_an_answer_leaves_out_is_not_invented_and_its_time_is_measured(tmp_path):
    sample = answered(tmp_path, {"text": "42"})

    assert 0 < (sample.seconds or 0) < 30
    assert sample == Sample("42", "stop", seconds=sample.seconds)


def test_standard_error_is_kept_with_the_sample(tmp_path):
    sample = draw(command(tmp_path, f"import sys; print('a\\x1b[31m', file=sys.stderr); {ANSWER}"))

    assert sample.details == {"stderr": "a\ufffd[31m"}


def test_a_program_runs_in_the_folder_and_sees_the_variables_that_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GIVEN", "1")
    monkeypatch.setenv("HIDDEN", "2")
    code = "import json, os; print(json.dumps({'text': os.getcwd(), 'seen': dict(os.environ)}))"

    sample = draw(command(tmp_path, code, env=["GIVEN", "ABSENT"]))

    assert sample.text == str(tmp_path)
    seen = set((sample.details or {})["seen"])
    assert seen - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == {"PATH", "HOME", "GIVEN"}


WRONG = {
    "nothing": ("pass", "wrote nothing to standard output"),
    "noise": ("print('thinking…'); print('{\"text\": \"1\"}')", "not one JSON object"),
    "a list": ("print([1])", "is a list, not a JSON object"),
    "no text": ("print('{\"answer\": 1}')", "its answer must be as in"),
    "a number": ("print('{\"text\": 1}')", "its answer must be as in"),
    "bytes": ("import os; os.write(1, bytes(range(256)))", "not UTF-8"),
    "deep": ("print('[' * 100000)", "not one JSON object"),
    "NaN": ('print(\'{"text": "1", "usd": NaN}\')', "NaN is not JSON"),
    "a negative price": (
        'print(\'{"text": "1", "usd": -1}\')',
        "its usd must be a number, 0 or more, not -1",
    ),
    "half a token": (
        'print(\'{"text": "1", "output_tokens": 1.5}\')',
        "output_tokens must be a whole number",
    ),
    "a huge count": (f'print(\'{{"text": "1", "input_tokens": {10**30}}}\')', "input_tokens must be a whole"),
    "an odd verdict": ('print(\'{"text": "1", "verdict": true}\')', 'as in {"passed": true}'),
    "a status": ("import sys; print('{\"text\": \"1\"}'); sys.exit('no key')", "exit status 1: no key"),
    "a signal": ("import os; os.kill(os.getpid(), 11)", "signal SIGSEGV"),
}


@pytest.mark.parametrize(("code", "said"), WRONG.values(), ids=list(WRONG))
def test_what_is_no_answer_is_an_error_that_says_so(tmp_path, code, said):
    with pytest.raises(LostAnswerError) as raised:
        draw(command(tmp_path, code))

    first, _, more = str(raised.value).partition("\n")
    assert said in first
    assert "Traceback" not in more


def test_an_error_holds_the_last_of_standard_error(tmp_path):
    with pytest.raises(
        LostAnswerError, match=r"exit status 1: ZeroDivisionError: division by zero\n(.*\n)*.*line 1"
    ):
        draw(command(tmp_path, "1 / 0"))


def test_a_flood_is_cut_and_ends_the_program(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "OUTPUT_LIMIT", 1 << 20)
    code = "import os\nwhile True: os.write(1, b'x' * 65536); os.write(2, b'y' * 65536)"

    with pytest.raises(LostAnswerError, match="more than"):
        draw(command(tmp_path, code, timeout_s=60))


def test_standard_input_need_not_be_read(tmp_path):
    request = Request("command", "m", Chat(()), {}, problem={"id": "p", "text": "x" * 2_000_000})

    assert draw(command(tmp_path, ANSWER), request).text == "42"
    assert len(draw(command(tmp_path, ECHO), request).text) > 2_000_000


def test_the_time_limit_is_a_sample_and_ends_all_that_was_started(tmp_path):
    code = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
open("pid", "w").write(str(child.pid))
print("working", file=sys.stderr, flush=True)
time.sleep(60)
"""
    start = time.monotonic()

    sample = draw(command(tmp_path, code, timeout_s=1))

    assert (sample.text, sample.finish_reason) == ("", "timeout")
    assert sample.details == {"stderr": "working"}
    assert 1 <= (sample.seconds or 0) <= time.monotonic() - start < 20
    assert gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("new_session", [False, True])
def test_a_child_that_lives_on_is_not_waited_for(tmp_path, new_session):
    code = f"""
import json, subprocess, sys
sleep = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
child = subprocess.Popen(sleep, start_new_session={new_session})
open("pid", "w").write(str(child.pid))
print(json.dumps({{"text": "42"}}))
"""
    start = time.monotonic()

    assert draw(command(tmp_path, code, timeout_s=50)).text == "42"

    assert time.monotonic() - start < 20
    child = int((tmp_path / "pid").read_text())
    if new_session:  # it has left the group: then it is its own master
        os.kill(child, signal.SIGKILL)
    assert gone(child)


def test_a_program_that_closes_its_output_and_goes_on_is_waited_for(tmp_path):
    closing = (
        "import os, sys, time; sys.stdout.flush(); os.close(1); os.close(2); time.sleep(0.3); os._exit(0)"
    )
    code = f"{ANSWER}; {closing}"

    sample = draw(command(tmp_path, code))

    assert sample.text == "42"
    assert (sample.seconds or 0) > 0.3


def test_a_cancelled_draw_ends_the_program(tmp_path):
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    backend = command(tmp_path, code)
    request = Request("command", "m", Chat(()), {}, problem={"id": "p"})

    async def run() -> None:
        with anyio.move_on_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(backend.draw, "m", request, [1])
                while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
                    await anyio.sleep(0.01)
                group.cancel_scope.cancel()
        await backend.aclose()

    anyio.run(run)

    assert gone(int((tmp_path / "pid").read_text()))


def test_a_killed_osca_leaves_no_program_behind(tmp_path):
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    parent = f"""
import sys; sys.path[:] = {sys.path!r}
from pathlib import Path
from tests.backends.test_command import command, draw
draw(command(Path({str(tmp_path)!r}), {code!r}))
"""
    process = subprocess.Popen([sys.executable, "-c", parent])
    for _ in range(1000):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
        time.sleep(0.02)

    process.kill()
    process.wait()

    assert gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_is_not_there_is_told(tmp_path):
    backend = Command({"command": ["./no-such-agent"]}, Site(tmp_path, tmp_path, lambda _: None))

    with pytest.raises(UnavailableError, match=r"\./no-such-agent cannot be started in .*No such file"):
        draw(backend)


def identity(folder: Path, **settings: Json) -> str:
    written: Mapping[str, Json] = {"command": ["a", "b"], **settings}
    return Command(written, Site(folder, folder, lambda _: None)).identify("m")


def test_command_line_and_version_are_its_identity_and_nothing_else(tmp_path):
    same = identity(tmp_path)

    assert identity(tmp_path, timeout_s=1, max_in_flight=9, env=["KEY"]) == same
    assert len({same, identity(tmp_path, version="2"), identity(tmp_path, command=["a b"])}) == 3
