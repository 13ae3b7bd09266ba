"""What the four verifiers have in common, and what each needs of a reference."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.errors import UsageError
from osca_cli.model import Problem, Verdict
from osca_verifiers.choice import Choice
from osca_verifiers.exact import Exact
from osca_verifiers.number import Number
from osca_verifiers.regex import Regex


def problem(reference):
    return Problem(task="sums", id="p1", fields={}, reference=reference)


def judge(verifier, text, reference) -> Verdict:
    return verifier.verify(text, verifier.reads(problem(reference), {}))


@pytest.mark.parametrize("verifier", [Exact({}), Number({}), Regex({}), Choice({})])
def test_a_missing_reference_is_a_usage_error_that_names_the_key(verifier):
    with pytest.raises(UsageError, match="has no reference"):
        verifier.reads(problem(None), {})


@pytest.mark.parametrize(
    ("verifier", "reference"),
    [
        (Exact({}), ["a", "b"]),
        (Exact({}), {"a": 1}),
        (Number({}), "no number"),
        (Number({}), "from 3 to 4"),
        (Number({}), True),
        (Number({}), float("nan")),
        (Number({}), float("inf")),
        (Number({}), 10**2000),
        (Regex({}), "("),
        (Choice({}), "Z"),
        (Choice({}), 2),
        (Choice({"choices": ["yes", "no"]}), "A"),
    ],
)
def test_an_unfit_reference_is_a_usage_error(verifier, reference):
    with pytest.raises(UsageError, match="problem 'p1' of task 'sums': "):
        verifier.reads(problem(reference), {})


@pytest.mark.parametrize(
    ("type_", "settings"),
    [
        (Number, {"tolerance": -1}),
        (Number, {"relative_tolerance": float("inf")}),
        (Regex, {"pattern": "("}),
        (Exact, {"extract": {"regex": "*"}}),
    ],
)
def test_unusable_settings_are_a_usage_error(type_, settings):
    with pytest.raises(UsageError):
        type_(settings)


@pytest.mark.parametrize(
    ("settings", "text", "reference", "passed", "answer"),
    [
        ({}, " Paris\n", "Paris", True, "Paris"),
        ({}, "paris", "Paris", False, "paris"),
        ({"ignore_case": True}, "STRASSE", "straße", True, "STRASSE"),
        ({}, "42", 42, True, "42"),
        ({}, "true", True, True, "true"),
        ({}, "", "", True, ""),
        ({"extract": {"after": "Answer:"}}, "I say\nAnswer: Paris", "Paris", True, "Paris"),
        ({"extract": {"after": "Answer:"}}, "Paris", "Paris", False, None),
    ],
)
def test_exact(settings, text, reference, passed, answer):
    verdict = judge(Exact(settings), text, reference)
    assert (verdict.passed, verdict.answer) == (passed, answer)


@pytest.mark.parametrize(
    ("settings", "text", "reference", "passed", "answer"),
    [
        ({}, "It is 1,000 km.", 1000, True, "1000"),
        ({}, "3/4", 0.75, True, "0.75"),
        ({}, "0.75", "3/4", True, "0.75"),
        ({}, "0.3", 0.1 + 0.2, True, "0.3"),
        ({}, "0.30000001", 0.1 + 0.2, False, "0.30000001"),
        ({}, "0.3333", "1/3", False, "0.3333"),
        ({"tolerance": 0.001}, "0.3333", "1/3", True, "0.3333"),
        ({"tolerance": 0.01}, "3.14", "3.15", True, "3.14"),
        ({"tolerance": 0.01}, "3.13", "3.15", False, "3.13"),
        ({"relative_tolerance": 0.1}, "-110", -100, True, "-110"),
        ({"relative_tolerance": 0.1}, "-111", -100, False, "-111"),
        ({}, "50%", 0.5, True, "50%"),
        ({}, "50%", 50, True, "50%"),
        ({}, "50%", "50%", True, "50%"),
        ({}, "0.5", "50%", True, "0.5"),
        ({}, "0.5%", "50%", False, "0.5%"),
        ({}, "0.5", 50, False, "0.5"),
        ({}, "12", "$12.00", True, "12"),
        ({}, "9007199254740993", 9007199254740993, True, "9007199254740993"),
        ({}, "9007199254740992", 9007199254740993, False, "9007199254740992"),
        ({"extract": {"after": "####"}}, "12 + 3\n#### 15", 15, True, "15"),
        ({"extract": "last_number"}, "12 + 3 = 15", 15, True, "15"),
    ],
)
def test_number(settings, text, reference, passed, answer):
    verdict = judge(Number(settings), text, reference)
    assert (verdict.passed, verdict.answer) == (passed, answer)


@pytest.mark.parametrize("text", ["", "no idea", "NaN", "infinity", "2^5"])
def test_a_text_without_a_number_fails_and_says_so(text):
    assert judge(Number({}), text, 32) == Verdict(passed=False, reason="no number found")


def test_a_number_beyond_bounds_fails_and_says_so():
    verdict = judge(Number({}), "1e999999999", 1)
    assert verdict == Verdict(passed=False, reason="the number is too large to read, or divides by zero")


@pytest.mark.parametrize(
    ("settings", "text", "reference", "passed", "answer"),
    [
        ({"pattern": r"\bparis\b", "ignore_case": True}, "In PARIS.", None, True, "PARIS"),
        ({"pattern": r"x = (\d+)"}, "so x = 12.", None, True, "12"),
        ({"pattern": "^yes$"}, "oh yes", None, False, None),
        ({}, "colour", "colou?r", True, "colour"),
        ({"extract": "code_block", "pattern": "return"}, "return\n```\npass\n```", None, False, None),
    ],
)
def test_regex(settings, text, reference, passed, answer):
    verdict = judge(Regex(settings), text, reference)
    assert (verdict.passed, verdict.answer) == (passed, answer)


def test_a_regex_with_a_pattern_reads_nothing_of_the_problem():
    assert Regex({"pattern": "x"}).reads(problem(None), {}) == {}


HOSTILE = [
    "\ud800 lone",
    "nul \0 \x1b[2J\x1b]0;title\x07",
    "9" * 300_000,
    "answer " * 40_000,
    "1,111," * 50_000,
    "**A" * 80_000,
    "```\n" * 60_000,
    " " * 300_000,
    "\\boxed{" * 40_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:8]))
def test_hostile_texts_get_a_verdict_within_a_second_or_so(text):
    for verifier, reference in ((Exact({}), "x"), (Number({}), 1), (Regex({}), "x+y"), (Choice({}), "A")):
        assert judge(verifier, text, reference).passed in {True, False}


extracts = st.sampled_from([None, "last_number", "code_block", {"after": "a"}, {"regex": "(.)"}])


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=())) | st.text("AaBb answeris:.()*{}\\1/2\n"), extracts)
def test_every_text_gets_a_pass_or_a_fail(text, extract):
    for type_, reference in ((Exact, "x"), (Number, "3/4"), (Regex, "a.b"), (Choice, "B")):
        verifier = type_({"extract": extract} if extract else {})
        assert judge(verifier, text, reference).passed in {True, False}
