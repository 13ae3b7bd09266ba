"""Which isolation a run gets: the strongest there is, none if that is accepted, else a refusal."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from osca_verifiers.sandbox import level, proof

SPEC = """\
version: 1
tasks:
  - name: squares
    problems: {source: jsonl, path: squares.jsonl, id: id}
    verifier:
      type: any
      of: [{type: python_tests, extract: code_block, tests: tests, time_limit_s: 1}]
configurations: [{name: one, model: scripted/sure, prompt: "[{{ answer }}]"}]
pilot: {samples: 1}
"""
ANSWERS = ["def f(x): return x * x", "import os\nos._exit(0)", "def f(x):\n    while True: pass"]


@pytest.fixture
def spec(tmp_path, monkeypatch):
    rows = [
        {
            "id": str(i),
            "answer": f"\n```python\n{code}\n```\n",
            "entry_point": "f",
            "tests": "assert f(3) == 9",
        }
        for i, code in enumerate(ANSWERS)
    ]
    (tmp_path / "squares.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "spec.yaml").write_text(SPEC)
    yield "spec.yaml"
    level.strongest.cache_clear()
    proof.proof.cache_clear()


@pytest.fixture
def hide(tmp_path, monkeypatch):
    """Hide bubblewrap by a path that has no more than setpriv, and sandlock by what stands in its place."""

    def hide(*kinds):
        if "bubblewrap" in kinds:
            tools = tmp_path / "tools"
            tools.mkdir()
            if setpriv := shutil.which("setpriv"):
                (tools / "setpriv").symlink_to(setpriv)
            monkeypatch.setenv("PATH", str(tools))
        if "landlock" in kinds:
            (tmp_path / "instead").mkdir()
            (tmp_path / "instead" / "sandlock.py").write_text("raise ImportError('hidden')")
            monkeypatch.syspath_prepend(str(tmp_path / "instead"))
            monkeypatch.delitem(sys.modules, "sandlock", raising=False)
        level.strongest.cache_clear()
        proof.proof.cache_clear()

    return hide


def rows(osca):
    return [json.loads(line) for line in osca("export", "spec.yaml").out.splitlines()]


@pytest.mark.parametrize("hidden", [[], ["bubblewrap"]], ids=["bubblewrap", "landlock"])
def test_a_run_judges_model_written_code_at_each_level(hidden, osca, spec, hide):
    hide(*hidden)
    expected = "landlock" if hidden else "bubblewrap"
    if fault := level.fault_of(expected):
        pytest.skip(f"{expected}: {fault}")
    osca("run", spec)
    found = {row["problem"]: (row["passed"], row["reason"]) for row in rows(osca)}
    assert level.strongest() == expected
    assert found["0"] == (True, "")
    assert found["1"] == (False, "python_tests: 0 of 1 tests: it ended by itself")
    assert found["2"] == (False, "python_tests: 0 of 1 tests: it reached the time limit")
    said = osca("doctor", spec, "--json").json["facts"]
    assert said["sandbox"] == f"{expected} works"
    assert said[f"sandbox {expected}"].endswith("attacks were stopped; it works")


def test_without_a_sandbox_nothing_is_drawn_and_the_message_says_what_to_do(osca, spec, hide):
    hide("bubblewrap", "landlock")
    osca("validate", spec)
    told = osca("run", spec, code=2).err
    for part in (
        "no sandbox works",
        "apt-get install bubblewrap",
        "pip install 'osca[sandbox]'",
        "--sandbox none",
    ):
        assert part in told
    assert rows(osca) == []
    assert "no sandbox works" in osca("check-verifier", spec, "--write", "x", code=2).err
    facts = osca("doctor", spec, "--json", code=1).json["facts"]
    assert facts["sandbox"] == "none: code that a model wrote is refused"
    assert facts["verifier of squares"].endswith(", and needed")
    assert facts["sandbox bubblewrap"].startswith("it is not installed")


def test_who_accepts_the_risk_is_warned_and_every_verdict_says_so(osca, spec, hide, tmp_path, monkeypatch):
    hide("bubblewrap", "landlock")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    assert (
        "warning: --sandbox none: code that a model wrote is run as you"
        in osca("run", spec, "--sandbox", "none").err
    )
    found = {row["problem"]: (row["passed"], row["reason"]) for row in rows(osca)}
    assert found["0"] == (True, "python_tests: run without a sandbox")
    assert found["1"][0] is False
    assert all("run without a sandbox" in reason for _, reason in found.values())
    assert "OSCA_SANDBOX" not in os.environ
    assert [path.name[:12] for path in (tmp_path / "tmp").iterdir()] == ["osca-inside-"]


def test_ending_a_worker_ends_what_runs_in_its_sandbox(tmp_path):
    if fault := level.fault_of("bubblewrap"):
        pytest.skip(f"bubblewrap: {fault}")
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from osca_verifiers.sandbox.program import started\n"
        "from osca_verifiers.sandbox.limits import Limits\n"
        "with started({'p.py': 'import time, sys\\nwhile True: time.sleep(1)'}, Limits()) as program:\n"
        "    print('up', flush=True)\n"
        "    program.run({'op': 'main', 'main': 'p.py', 'stdin': ''}, 60)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, *sys.path], stdout=subprocess.PIPE)
    assert worker.stdout.read(2) == b"up"
    from osca_verifiers.sandbox.processes import descendants, ended

    inside = descendants(worker.pid)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    for _ in range(500):
        if all(map(ended, inside)):
            return
        subprocess.run(["sleep", "0.01"], check=True)
    pytest.fail(f"still there: {[pid for pid in inside if not ended(pid)]}")
