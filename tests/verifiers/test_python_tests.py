"""What `python_tests` passes and fails, with the programs in the sandbox that this machine has."""

from typing import Any

import pytest

from osca_cli.errors import UsageError
from osca_cli.model import Problem, Verdict
from osca_verifiers.python_tests import PythonTests
from osca_verifiers.sandbox.level import level

CHECK = """
def check(candidate):
    assert candidate(2) == 4
    assert candidate([1]) == [1, 1], "lists"
    for word in ("a", "b"):
        assert candidate(word) == word + word
"""


@pytest.fixture(autouse=True, scope="module")
def _sandbox():
    try:
        level()
    except UsageError as error:
        pytest.skip(str(error))


def judge(
    code: str, tests: Any, *, reference: Any = None, entry: str | None = None, **settings: Any
) -> Verdict:
    fields = {"tests": tests, "before": settings.pop("code_before", "")}
    if entry:
        fields["entry_point"] = entry
    verifier = PythonTests({"tests": "tests", "before": "before", **settings})
    return verifier.verify(code, verifier.reads(Problem("t", "p", fields, reference=reference), {}))


@pytest.mark.parametrize(
    ("code", "passed", "score"),
    [
        ("def double(x): return 2 * x", True, 1.0),
        ("def double(x): return x + x", True, 1.0),
        ("def double(x): return [1, 1] if type(x) is list else 4", False, 2 / 3),
        ("def double(x): pass", False, 0.0),
        ("def triple(x): return 2 * x", False, 0.0),
        ("def double(x: return", False, 0.0),
        ("", False, 0.0),
    ],
)
def test_a_function_is_called_by_the_check_of_its_problem(code, passed, score):
    verdict = judge(code, CHECK, entry="double")
    assert (verdict.passed, verdict.answer, verdict.score) == (passed, code.strip(), pytest.approx(score))
    assert bool(verdict.reason) is not passed


def test_a_fail_says_which_test_and_why():
    assert judge("def f(x): return x", CHECK, entry="f").reason == (
        "0 of 3 tests: assert candidate(2) == 4 (AssertionError)"
    )
    assert "ValueError: no" in judge("def f(x): raise ValueError('no')", CHECK, entry="f").reason
