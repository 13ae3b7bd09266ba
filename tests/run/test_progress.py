"""What a run shows of itself while it draws."""

import os
import pty
import re
import subprocess
import sys

from rich.console import Console

from osca_cli.model import Sample, Verdict
from osca_cli.run.progress import view
from osca_cli.run.speed import Speed
from osca_cli.run.tally import Tally
from tests.conftest import environment


def tally_of(names, drawn=4, asked=10):
    tally = Tally()
    for at, name in enumerate(names):
        tally.ask(name, asked)
        tally.found(name, at)
        for index in range(drawn):
            tally.drew(name, Sample("x", "stop", output_tokens=7, usd=0.001))
            tally.verified(name, Verdict(index % 2 == 0))
    return tally


def shown(tally, speed, height=40, seconds=30.0):
    console = Console(width=120, height=height, force_terminal=False)
    with console.capture() as captured:
        console.print(view(tally, speed, seconds, height))
    return captured.get()


def speed_of(tally, seconds=2.0):
    speed = Speed()
    speed.see(0.0, {})
    speed.see(seconds, {name: count.drawn for name, count in tally.counts.items()})
    return speed


def test_each_configuration_says_what_is_done_and_how_long_the_rest_takes():
    tally = tally_of(["small", "large"])
    text = shown(tally, speed_of(tally))

    row = next(line for line in text.splitlines() if line.strip().startswith("large"))
    # done, drawn, there, passed, errors, tokens, USD, per second, left: 5 samples at 2 a second
    assert row.split() == ["large", "5/10", "4", "1", "2", "(50%)", "–", "28", "0.0040", "2.0", "2s"]
    assert "9 of 20 samples" in text
    assert "30s gone, 3s left" in text


def test_many_configurations_leave_room_for_those_at_work():
    names = [f"c{i:03}" for i in range(200)]
    tally = tally_of(names, drawn=0)
    tally.drew("c150", Sample("x", "stop"))
    text = shown(tally, speed_of(tally), height=20)

    assert len(text.splitlines()) <= 20
    assert "c150" in text
    assert "more configurations" in text


def test_hostile_errors_steer_no_terminal():
    tally = tally_of(["small"])
    tally.failed("small", ValueError("\x1b[2J\u202eowned"), 1)
    text = shown(tally, speed_of(tally))

    assert "last error: \ufffd[2J\ufffdowned" in text
    assert not set(text) & set("\x1b\u202e")


def test_rates_are_of_the_last_seconds():
    speed = Speed(window_s=10)
    for second in range(31):
        speed.see(float(second), {"a": min(second, 20) * 3})

    assert speed.rate("a") == 0
    assert speed.rate("nobody") == 0
    assert Speed().total() == 0


def test_a_terminal_sees_the_table_while_a_run_draws(spec_folder):
    (spec_folder / "spec.yaml").write_text(
        (spec_folder / "spec.yaml").read_text()
        + "backends:\n  scripted: {type: scripted, delay_s: 0.03, slots: 2}\n"
    )
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "osca_cli", "run", "spec.yaml", "--yes"]
    with subprocess.Popen(
        command,
        cwd=spec_folder,
        env=environment(TERM="xterm", LINES="30"),
        stdout=subprocess.PIPE,
        stderr=follower,
    ) as process:
        os.close(follower)
        seen = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the other side has closed
                break
            if not part:
                break
            seen += part
        process.communicate()
    os.close(leader)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())

    assert process.returncode == 0
    assert "configuration" in text
    assert re.search(r"small/0.5/prompt1\s+\d+/\d+", text)
    assert "gone" in text
