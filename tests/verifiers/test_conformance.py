"""Our own verifiers pass the suite that others run; a verifier that breaks does not."""

from typing import ClassVar

import pytest

from osca_cli.errors import UsageError
from osca_cli.model import Problem
from osca_cli.registry import verifier_class
from osca_cli.testing.verifiers import VerifierConformance

CASES = {
    "exact": ({}, "Oslo", "Oslo", "Rome"),
    "number": ({}, 12, "It is 12.", "It is 13."),
    "choice": ({}, "B", "B", "C"),
    "regex": ({"pattern": r"\b12\b"}, None, "12", "13"),
    "json_schema": ({"schema": {"required": ["a"]}}, None, '{"a": 1}', "{}"),
    "math": ({}, r"\frac{1}{2}", r"\boxed{1 - \frac12}", r"\boxed{\sqrt{2}}"),
    "all": ({"of": [{"type": "number"}, {"type": "regex", "pattern": "km"}]}, 5, "5 km", "5 m"),
    "any": ({"of": [{"type": "exact"}, {"type": "number"}]}, 5, "It is 5.", "6"),
    "command": ({"command": ["grep", "-q", "{{ problem.reference }}"]}, "12", "12", "13"),
}


class OfCase(VerifierConformance):
    """One of ours."""

    def __init_subclass__(cls, kind: str = "", **more: object) -> None:
        super().__init_subclass__(**more)
        settings, reference, cls.right, cls.wrong = CASES[kind]
        cls.settings = {"type": kind, **settings}
        cls.problem = Problem("t", "p", fields={}, reference=reference)


class TestExact(OfCase, kind="exact"):
    pass


class TestNumber(OfCase, kind="number"):
    pass


class TestChoice(OfCase, kind="choice"):
    pass


class TestRegex(OfCase, kind="regex"):
    pass


class TestJsonSchema(OfCase, kind="json_schema"):
    pass


class TestMath(OfCase, kind="math"):
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("math_verify")


class TestAll(OfCase, kind="all"):
    pass


class TestAny(OfCase, kind="any"):
    pass


class TestCommand(OfCase, kind="command"):
    pass


class OfCode(VerifierConformance):
    """One of ours that runs code."""

    @pytest.fixture(autouse=True)
    def _sandbox(self):
        try:
            verifier_class(str(self.settings["type"])).ready(self)  # type: ignore[attr-defined]
        except UsageError as error:
            pytest.skip(str(error))


class TestPythonTests(OfCode):
    settings: ClassVar = {"type": "python_tests", "tests": "tests"}
    problem = Problem("t", "p", fields={"tests": ["assert f(2) == 4"]})
    right, wrong = "def f(x): return 2 * x", "def f(x): return x"


class TestCodeTests(OfCode):
    settings: ClassVar = {"type": "code_tests", "tests": "tests", "language": "python"}
    problem = Problem("t", "p", fields={"tests": [{"input": "2", "output": "4"}]})
    right, wrong = "print(2 * int(input()))", "print(2)"


class TestASuiteForAVerifierThatBreaks:
    class Suite(VerifierConformance):
        settings: ClassVar = {"type": "command", "command": ["sh", "-c", "grep -q 12 || exit 3"]}
        problem = Problem("t", "p", fields={})
        right, wrong = "12", "13"

    def test_an_error_in_place_of_a_fail_is_found(self):
        with pytest.raises(AssertionError):
            self.Suite().test_it_passes_what_is_right_and_fails_what_is_wrong()
        with pytest.raises(AssertionError, match="ended with status 3"):
            self.Suite().test_hostile_texts_get_a_verdict_in_time()
