"""Mathematics the way models write it, and texts that try to stop the verifier."""

from pathlib import Path

import anyio
import pytest
import yaml

from osca_cli.errors import UsageError
from osca_cli.model import Check, Problem
from osca_cli.run.verification import Verification
from osca_verifiers.math_text import answer_in, as_latex, is_formula

pytest.importorskip("math_verify")

from osca_verifiers.math import Math

PAIRS = {
    name: yaml.safe_load((Path(__file__).parent / name).read_text())
    for name in ("math_pairs.yaml", "math_pairs_unseen.yaml", "math_pairs_later.yaml")
}
DISAGREEMENTS = {
    r"\boxed{13^{0.5}}": "a decimal exponent makes the whole a float, which is no exact root",
    "About 1.2 million people.": "words for powers of ten are not read",
    "The angle is π/4 radians.": "a formula in a sentence is looked for between dollars alone",
    "The set is {3, 2, 1}.": "the same",
}


def given(reference):
    return Math({}).reads(Problem(task="t", id="p", fields={}, reference=reference), {})


@pytest.mark.parametrize(
    ("reference", "texts"), [(r, t) for pairs in PAIRS.values() for r, t in pairs.items()], ids=str
)
def test_what_models_write_gets_the_right_verdict(reference, texts):
    wrong = [
        (verdict, text)
        for verdict in ("pass", "fail")
        for text in texts[verdict]
        if Math({}).verify(text, given(reference)).passed is not (verdict == "pass")
        and text not in DISAGREEMENTS
    ]
    assert wrong == []


def test_what_is_told_to_be_wrong_is_wrong_still():
    references = [r"\sqrt{13}", "1200000", r"\frac{\pi}{4}", r"\{1,2,3\}"]
    for text, reference in zip(DISAGREEMENTS, references, strict=True):
        assert not Math({}).verify(text, given(reference)).passed


def test_equal_answers_have_one_spelling():
    texts = [r"\boxed{\frac{1}{2}}", "$0.5$", "Answer: 1/2", r"\boxed{\frac{2}{4}}", r"\boxed{1 - \frac12}"]
    assert {Math({}).verify(text, given("1/2")).answer for text in texts} == {"0.5"}


@pytest.mark.parametrize("reference", [None, ["1"], "", "???"])
def test_a_reference_that_is_no_mathematics_is_a_usage_error(reference):
    with pytest.raises(UsageError, match="problem 'p'"):
        given(reference)


@pytest.mark.parametrize(
    "text",
    [
        "\ud800 lone",
        "nul \0 \x1b[2J",
        "9" * 300_000,
        "answer is: " * 30_000,
        "$" * 300_000,
        r"\(" * 100_000,
        r"\boxed{" * 40_000,
        r"\boxed{__import__('os').system('false')}",
    ],
    ids=lambda text: repr(text[:8]),
)
def test_hostile_texts_get_a_verdict(text):
    assert Math({}).verify(text, given("1/2")).passed is False


def test_a_power_tower_reaches_the_time_limit_and_the_next_text_is_judged():
    async def judge(*texts):
        async with Verification(1, 3) as verification:
            check = Check("math", 1, {}, {"reference": "1/2"})
            await verification.verify(Check("math", 1, {}, {"reference": "1/2"}, 60), "1/2")
            return [await verification.verify(check, text) for text in texts]

    tower, after = anyio.run(judge, r"\boxed{9^{9^{9^9}}}", "1/2")
    assert tower.passed is None
    assert "time limit" in tower.reason
    assert after.passed is True or "time limit" in after.reason


def test_the_answer_of_a_text():
    assert answer_in(r"\boxed{1} then \boxed{\frac{1}{2}}") == r"\frac{1}{2}"
    assert answer_in("The answer is $x$ since $y = 2$.") == "x"
    assert answer_in("We get $a$ and then $b$.") == "b"
    assert answer_in("about 12 of them") == "12"
    assert answer_in("nothing here") is None


def test_plain_writing_becomes_latex():
    assert as_latex("sqrt(2)/2") == r"\sqrt{2}/2"
    assert as_latex("12 cm^2") == "12"
    assert as_latex(r"0.1\overline{6}") == r"\frac{15}{90}"
    assert is_formula("x^2 + sin(x)")
    assert not is_formula("because of x")
