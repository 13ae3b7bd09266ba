"""Several verifiers as one, and verdicts by programs."""

import sys

import anyio
import pytest

from osca_cli.errors import UsageError
from osca_cli.model import Check, Problem
from osca_cli.run.verification import Verification
from osca_verifiers.combined import All, Any
from osca_verifiers.program import Command, Score

PASS, FAIL, ERROR = ({"type": "command", "command": ["sh", "-c", f"exit {status}"]} for status in (0, 1, 2))


def judge(verifier, text="x", **fields):
    return verifier.verify(
        text, verifier.reads(Problem("t", "p", fields, reference="r"), {"language": "cpp"})
    )


@pytest.mark.parametrize(
    ("members", "of_all", "of_any"),
    [
        ([PASS, PASS], True, True),
        ([PASS, FAIL], False, True),
        ([FAIL, FAIL], False, False),
        ([ERROR, PASS], None, True),
        ([ERROR, FAIL], False, None),
    ],
)
def test_a_verdict_that_decides_stands_whatever_the_others_say(members, of_all, of_any):
    assert judge(All({"of": members})).passed is of_all
    assert judge(Any({"of": members})).passed is of_any


def test_a_new_version_of_a_member_is_a_new_version_of_the_whole():
    verifier = All({"of": [{"type": "exact"}, {"type": "number"}]})
    read = verifier.reads(Problem("t", "p", {}, reference="3"), {})
    assert read == {"of": [{"version": v, "given": {"reference": "3"}} for v in (1, 2)]}


@pytest.mark.parametrize("of", [None, [], ["name"], [{"type": "no such"}]])
def test_members_that_are_no_verifiers_are_a_usage_error(of):
    with pytest.raises(UsageError):
        All({"of": of})


def test_a_program_gets_the_text_and_its_arguments():
    script = "import sys; t = sys.stdin.read(); print('seen', t); sys.exit(t != sys.argv[1])"
    verifier = Command(
        {"command": [sys.executable, "-c", script, "{{ want }}-{{ language }}-{{ problem.id }}"]}
    )
    verdict = judge(verifier, "a-cpp-p", want="a")
    assert (verdict.passed, verdict.answer, verdict.reason) == (True, "a-cpp-p", "seen a-cpp-p")
    assert judge(verifier, "b", want="a").passed is False


def test_a_program_that_breaks_is_an_error_and_no_fail():
    assert judge(Command({"command": ["sh", "-c", "echo broken; exit 3"]})).reason == (
        "the program ended with status 3: broken"
    )
    killed = judge(Command({"command": ["sh", "-c", "kill -9 $$"]}))
    assert (killed.passed, killed.reason) == (None, "the program ended with signal 9")
    missing = judge(Command({"command": ["/no/such/program"]}))
    assert (missing.passed, missing.reason) == (
        None,
        "cannot start /no/such/program: No such file or directory",
    )


def test_a_program_sees_no_other_variables(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "planted")
    monkeypatch.setenv("ALLOWED", "yes")
    script = 'test -z "$SECRET_KEY" && test "$ALLOWED" = yes'
    assert judge(Command({"command": ["sh", "-c", script], "env": ["ALLOWED"]})).passed


def test_a_field_that_a_command_needs_and_a_problem_lacks_is_a_usage_error():
    with pytest.raises(UsageError, match="problem 'p' of task 't': command: 'nothing' is undefined"):
        judge(Command({"command": ["true", "{{ nothing }}"]}))
    with pytest.raises(UsageError, match="not a Jinja2 template"):
        Command({"command": ["{{"]})


def test_a_score_is_kept_and_compared_with_its_bound():
    verifier = Score({"command": ["sh", "-c", "echo accuracy 0.75"], "at_least": 0.7})
    assert (judge(verifier).passed, judge(verifier).score) == (True, 0.75)
    assert judge(Score({"command": ["echo", "0.6"], "at_least": 0.7})).passed is False
    assert (
        judge(Score({"command": ["echo", "none"], "at_least": 0.7})).reason == "the program printed no number"
    )


def test_a_program_is_ended_at_the_checks_own_time_limit():
    async def run():
        async with Verification(1, 60) as verification:
            check = Check("command", 1, {"command": ["sleep", "60"]}, {"command": ["sleep", "60"]}, 0.5)
            return await verification.verify(check, "x")

    verdict = anyio.run(run)
    assert (verdict.passed, verdict.reason) == (None, "the verifier reached its time limit of 0.5 s")
