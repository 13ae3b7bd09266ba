"""What `python_tests` passes and fails, with the programs in the sandbox that this machine has."""

import sys
from typing import Any

import pytest

from osca_cli.errors import UsageError
from osca_cli.model import Problem, Verdict
from osca_verifiers.python_tests import PythonTests
from osca_verifiers.sandbox.level import level
from osca_verifiers.sandbox.processes import SandboxError

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


HELPER = "import math\n\ndef half(x):\n    return x / 2\n\n"
FORMS = [
    (
        "a list of asserts, as MBPP has",
        ["assert f(2) == 4", "assert f(3) == 6"],
        "def f(x): return 2 * x",
        None,
    ),
    (
        "a name of Python's that the reference defines",
        ["assert sum(1, 2) == 3"],
        "def sum(a, b): return a + b",
        "sum",
    ),
    (
        "methods of a class",
        ["a = A(3)\nassert a.twice() == 6 and a.x == 3"],
        "class A:\n  def __init__(s, x): s.x = x\n  def twice(s): return 2 * s.x",
        None,
    ),
    ("what a generator yields", ["assert list(f(3)) == [0, 1, 2]"], "def f(n): yield from range(n)", None),
    (
        "an exception",
        ["try:\n    f()\n    assert False\nexcept ValueError: pass"],
        "def f(): raise ValueError",
        None,
    ),
    ("work in place", ["xs = [2, 1]\nf(xs)\nassert xs == [1, 2]"], "def f(xs): xs.sort()", None),
    (
        "a function that is passed",
        ["assert f(len, ['ab']) == [2]"],
        "def f(g, xs): return [g(x) for x in xs]",
        None,
    ),
    (
        "values of many kinds",
        [
            "assert f((1, 2.5, None)) == (1, 2.5, None)",
            "assert f({'a': {1}, (1,): b'x'}) == {'a': {1}, (1,): b'x'}",
            "assert f(10 ** 50) == 10 ** 50 and f(1j) == 1j",
            "import fractions, datetime\nassert f(fractions.Fraction(1, 3)) == fractions.Fraction(1, 3)",
            "import datetime\nassert f(datetime.date(2000, 1, 2)) == datetime.date(2000, 1, 2)",
            "import math\nassert math.isnan(f(math.nan)) and f(math.inf) == math.inf",
        ],
        "def f(x): return x",
        None,
    ),
    (
        "a named tuple",
        ["assert f() == (1, 2)"],
        "import collections\ndef f(): return collections.namedtuple('P', 'x y')(1, 2)",
        None,
    ),
    (
        "inputs and outputs",
        [{"input": "3\n4", "output": "7"}],
        "print(int(input()) + int(input())); exit()",
        None,
    ),
    (
        "columns of them, as APPS has",
        {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "4\n"]},
        "print(2 * int(input()))",
        None,
    ),
    (
        "calls, as LiveCodeBench has",
        '[{"input": "3\\n[1]", "output": "[3, [1]]", "testtype": "functional"}]',
        "class Solution:\n    def f(self, a, b): return (a, b)",
        None,
    ),
]


@pytest.mark.parametrize(
    ("tests", "code", "entry"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS]
)
def test_tests_come_in_many_forms(tests, code, entry):
    verdict = judge(code, tests, reference=code, entry=entry or "f")
    assert (verdict.passed, verdict.reason) == (True, "")


def test_an_answer_continues_what_stands_before_it():
    body = "    return x + half(x)\n"
    tests = ["assert f(2) == 3", "assert half(3) == 1.5", "assert math.floor(f(1)) == 1"]
    assert judge(body, tests, entry="f", code_before=HELPER + "def f(x):\n").passed is True
    assert judge("", tests, entry="f", code_before=HELPER + "def f(x):\n").passed is False
    cheat = "    return 9\ndef half(x): return 1.5\n"
    assert judge(cheat, tests[:2], entry="f", code_before=HELPER + "def f(x):\n").score == 0.5


def test_another_python_brings_its_packages():
    code = "import numpy\ndef f(n): return numpy.arange(n).sum(), numpy.ones(2)"
    tests = ["s, ones = f(4)\nassert s == 6 and ones == [1, 1]"]
    assert judge(code, tests, entry="f", python=sys.executable).passed is True
    assert "No module named 'numpy'" in judge(code, tests, entry="f").reason


def test_broken_tests_are_an_error_and_the_next_verdict_is_right():
    for _ in range(2):
        with pytest.raises(SandboxError, match="the tests do not run: ModuleNotFoundError"):
            judge("def f(x): return x", "import no_such_module\nassert f(1) == 1", entry="f")
    assert judge("def f(x): return x", "assert f(1) == 1", entry="f").passed is True


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ("assert f(", "the tests in field 'tests' are not Python"),
        ([], "holds no tests that are known"),
        ([{"input": "1"}], "holds no tests that are known"),
        (7, "holds no tests that are known"),
        (CHECK, "its tests call a function that they do not name"),
    ],
)
def test_tests_that_cannot_be_run_are_told_beforehand(tests, message):
    with pytest.raises(UsageError, match=message):
        judge("", tests)


def test_a_fail_says_which_test_and_why():
    assert judge("def f(x): return x", CHECK, entry="f").reason == (
        "0 of 3 tests: assert candidate(2) == 4 (AssertionError)"
    )
    assert "ValueError: no" in judge("def f(x): raise ValueError('no')", CHECK, entry="f").reason
