"""Programs as configurations: what a run keeps of them, what they cost, and what is verified."""

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from osca_cli.backends import open_backends
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.load import load_spec
from tests.conftest import Osca, write_problems
from tests.run.hosted import edit, rows

PYTHON = json.dumps([sys.executable, "-I", "-S", "agent.py"])
SPEC = f"""\
version: 1
backends:
  agent: {{type: command, command: {PYTHON}, timeout_s: 20, max_in_flight: 2}}
tasks:
  - name: sums
    problems: {{source: jsonl, path: sums.jsonl, id: id}}
    verifier: {{type: number}}
    held_out: 0.5
configurations:
  - {{name: solver, model: agent/solver, vars: {{by: 1}}}}
pilot: {{samples: 2}}
budget: {{samples: 2}}
"""
START = "import json, sys\nasked = json.load(sys.stdin)\nanswer = asked['problem']['answer']\n"
RIGHT = f"{START}print(json.dumps({{'text': str(answer), 'output_tokens': 4}}))\n"


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """A folder with a spec whose one configuration is a program that is always right, and six problems."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "agent.py").write_text(RIGHT)
    write_problems(tmp_path / "sums.jsonl", 6)
    return tmp_path


def asked(osca: Osca) -> int:
    return osca("validate", "spec.yaml", "--json").json["pilot_samples"]


def test_a_program_is_a_configuration_like_any_other(osca, agent):
    edit(agent / "spec.yaml", "vars: {by: 1}", 'vars: {by: 1}, prompt: "What is {{ answer }}?"')

    drawn = osca("run", "spec.yaml", "--json").json

    assert drawn["passed"] == drawn["drawn"] == asked(osca)
    assert osca("run", "spec.yaml", "--offline", "--json").json["drawn"] == 0
    osca("plan", "spec.yaml")
    assert osca("run", "plan.yaml", "--json").json["tasks"][0]["solved"] == 2
    osca("run", "plan.yaml", "--measure")
    osca("check", "plan.yaml", code=None)


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("timeout_s: 20", "timeout_s: 30", False),
        ("max_in_flight: 2", "max_in_flight: 3, env: [KEY]", False),
        ("name: solver", "name: other", False),
        ("timeout_s: 20", 'version: "2"', True),
        ("agent.py", "./agent.py", True),
        ("model: agent/solver", "model: agent/other", True),
        ("by: 1", "by: 2", True),
        ("vars: {by: 1}", "vars: {by: 1}, extra: {turns: 3}", True),
        ("vars: {by: 1}", "vars: {by: 1}, temperature: 0.5", True),
        ("vars: {by: 1}", "vars: {by: 1}, prompt: '{{ question }}'", True),
    ],
)
def test_command_line_version_and_what_is_sent_are_its_identity(agent, old, new, again):
    before = identities(agent)
    edit(agent / "spec.yaml", old, new)

    assert identities(agent).isdisjoint(before) if again else identities(agent) == before


def identities(folder: Path) -> set[str]:
    spec = load_spec(folder / "spec.yaml", environment={})
    maker = CellMaker(spec, open_backends(spec))
    [task] = spec.tasks
    ids = maker.ids(task, (*task.train, *task.held_out), spec.configurations)
    return {request for request, _ in ids}


def test_a_changed_field_of_a_problem_is_another_request(agent):
    before = identities(agent)
    edit(agent / "sums.jsonl", '"id": "p2", "question": "What is', '"id": "p2", "question": "How much is')

    assert len(before - identities(agent)) == 1


def test_a_failing_program_costs_its_own_samples_and_the_next_run_mends_them(osca, agent):
    fails = f"{START}if answer == 3: sys.exit('three is\\x1b[31m too much')\n"
    (agent / "agent.py").write_text(fails + RIGHT.removeprefix(START))

    failed = osca("run", "spec.yaml", "--split", "all", code=1)

    assert "2 draws failed" in failed.err
    assert "exit status 1: three is\ufffd[31m too much" in failed.err
    assert rows(agent, "SELECT count(*) FROM samples") == [(10,)]
    (agent / "agent.py").write_text(RIGHT)
    assert osca("run", "spec.yaml", "--split", "all", "--json").json["drawn"] == 2


def test_a_program_that_never_answers_stops_the_run_soon(osca, agent):
    write_problems(agent / "sums.jsonl", 40)
    (agent / "agent.py").write_text("import nothing_like_it\n")

    failed = osca("run", "spec.yaml", "--split", "all", code=1)

    assert "5 problems in a row could not be had" in failed.err
    assert "No module named 'nothing_like_it'" in failed.err
    assert rows(agent, "SELECT count(*) FROM errors")[0][0] < 20
    assert "Traceback" in rows(agent, "SELECT message FROM errors LIMIT 1")[0][0]


def test_the_time_limit_is_a_sample_that_fails_whatever_the_verifier_says(osca, agent):
    edit(agent / "spec.yaml", "timeout_s: 20", "timeout_s: 0.2")
    edit(agent / "spec.yaml", "{type: number}", "{type: regex, pattern: '.*'}")
    (agent / "agent.py").write_text("import time\ntime.sleep(30)\n")

    result = osca("run", "spec.yaml", "--limit", "1", "--json").json

    assert (result["drawn"], result["failed"], result["errors"]) == (2, 2, 0)
    assert set(rows(agent, "SELECT reason FROM verdicts")) == {("no answer within the time limit",)}
    assert osca("run", "spec.yaml", "--limit", "1", "--json").json["drawn"] == 0


def test_steps_and_standard_error_are_kept_and_can_be_queried(osca, agent):
    (agent / "agent.py").write_text(
        START
        + "print('busy', file=sys.stderr)\nprint(json.dumps({'text': '1', 'steps': ['draft', 'repair']}))\n"
    )
    osca("run", "spec.yaml", "--limit", "1", "--samples", "1")

    [(details,)] = rows(agent, "SELECT details FROM samples")
    assert json.loads(details) == {"stderr": "busy", "steps": ["draft", "repair"]}
    assert rows(agent, "SELECT details ->> '$.steps[1]' FROM samples") == [("repair",)]


REPORTING = START + (
    "passed = asked['index'] == 0\n"
    "print(json.dumps({'text': 'x', 'verdict': {'passed': passed, 'score': 0.5, 'reason': 'tests'}}))\n"
)


def test_a_programs_own_verdict_counts_where_the_verifier_is_reported(osca, agent):
    (agent / "agent.py").write_text(REPORTING)
    edit(agent / "spec.yaml", "{type: number}", "{type: reported}")

    result = osca("run", "spec.yaml", "--json").json

    assert result["passed"] == result["failed"] == asked(osca) // 2
    verdicts = rows(agent, "SELECT DISTINCT idx, passed, score, answer, reason FROM verdicts ORDER BY idx")
    assert verdicts == [(0, 1, 0.5, "x", "tests"), (1, 0, 0.5, "x", "tests")]


def test_another_verifier_goes_before_a_programs_own_verdict_until_it_is_asked_for(osca, agent):
    (agent / "agent.py").write_text(REPORTING)
    assert osca("run", "spec.yaml", "--json").json["passed"] == 0
    edit(agent / "spec.yaml", "{type: number}", "{type: reported}")

    again = osca("run", "spec.yaml", "--json").json

    assert again["drawn"] == 0
    assert again["passed"] == asked(osca) // 2


def test_a_sample_without_a_verdict_of_its_own_is_an_error_of_the_verifier(osca, agent):
    edit(agent / "spec.yaml", "{type: number}", "{type: reported}")

    assert "came without a verdict" in osca("run", "spec.yaml", code=1).err


def test_money_is_reserved_by_the_price_and_settled_by_the_program(osca, agent):
    edit(agent / "spec.yaml", "max_in_flight: 2", 'max_in_flight: 2, prices: {"*": {sample: 0.5}}')
    edit(agent / "spec.yaml", "budget:", "limits: {usd: 1.0}\nbudget:")
    cheap = RIGHT.replace("'output_tokens': 4", "'usd': 0.125")
    (agent / "agent.py").write_text(cheap)

    limited = osca("run", "spec.yaml", "--split", "all", code=4)

    # With 0.5 set aside for each, five are paid and a sixth could pass the limit.
    assert "limits: usd: 1 leaves" in limited.err
    assert rows(agent, "SELECT count(*), sum(usd) FROM samples") == [(5, 0.625)]
    assert rows(agent, "SELECT usd FROM runs") == [(0.625,)]


def test_a_failed_program_costs_what_was_set_aside_for_it(osca, agent):
    edit(agent / "spec.yaml", "max_in_flight: 2", 'max_in_flight: 2, prices: {"*": {sample: 0.5}}')
    (agent / "agent.py").write_text("import sys; sys.exit(1)")

    osca("run", "spec.yaml", "--limit", "1", code=1)

    assert rows(agent, "SELECT usd FROM errors") == [(0.5,), (0.5,)]


def test_a_budget_in_usd_needs_a_price_or_nothing_is_drawn(osca, agent):
    edit(agent / "spec.yaml", "budget: {samples: 2}", "budget: {usd: 1}")

    failed = osca("run", "spec.yaml", code=2)

    assert "spec.yaml:10:5: configuration 'solver'" in failed.err
    assert "prices: {'*': {sample: 0.5}}" in failed.err
    with sqlite3.connect(agent / "osca.db") as sql:
        assert sql.execute("SELECT count(*) FROM samples").fetchone() == (0,)
    sql.close()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (f"command: {PYTHON}, ", "", "3:10: backends.agent: the key 'command' is missing"),
        (f"command: {PYTHON}", "command: python agent.py", "must be a list"),
        ("timeout_s: 20", "timeout: 20", "unknown key; did you mean 'timeout_s'?"),
        ("timeout_s: 20", "version: 2", "must be a text, not 2"),
        ("model: agent/solver", "model: command/solver", "'command' alone says nothing to run"),
        ("name: solver,", "name: solver, prompt: nobody,", "no prompt is named 'nobody'"),
        ("name: solver,", "name: solver, prompt: {completion: 'x'},", "takes no completion prompts"),
    ],
)
def test_a_faulty_entry_is_told_before_anything_runs(osca, agent, old, new, fault):
    edit(agent / "spec.yaml", old, new)

    assert fault in osca("validate", "spec.yaml", code=2).err


def test_doctor_says_whether_program_and_variables_are_there(osca, agent, monkeypatch):
    edit(agent / "spec.yaml", "timeout_s: 20", "env: [MY_KEY]")

    seen = osca("doctor", "spec.yaml", "--json").json["facts"]
    assert seen["program of agent"] == sys.executable
    assert seen["variable MY_KEY"] == "is not set"

    edit(agent / "spec.yaml", PYTHON, "[./no-agent]")
    assert "./no-agent is not found, and needed" in osca("doctor", "spec.yaml", code=1).out


def test_a_recording_keeps_a_programs_verdict_and_not_what_it_says(osca, agent):
    (agent / "agent.py").write_text(REPORTING + "print('at /home/somebody', file=sys.stderr)\n")
    edit(agent / "spec.yaml", "{type: number}", "{type: reported}")
    osca("run", "spec.yaml")
    osca("export", "spec.yaml", "-o", "recording.db")
    (agent / "agent.py").unlink()

    again = osca("run", "spec.yaml", "--offline", "--db", "recording.db", "--json").json

    assert again["there"] == asked(osca)
    with sqlite3.connect(agent / "recording.db") as sql:
        details = {json.dumps(list(json.loads(one))) for (one,) in sql.execute("SELECT details FROM samples")}
    sql.close()
    assert details == {'["verdict"]'}
    assert b"somebody" not in (agent / "recording.db").read_bytes()
