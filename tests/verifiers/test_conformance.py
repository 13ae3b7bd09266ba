"""Our own verifiers pass the suite that others run; a verifier that breaks does not."""

from typing import ClassVar

import pytest

from osca_cli.model import Problem
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
