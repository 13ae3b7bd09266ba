import pytest

from osca_cli.model import Problem
from osca_verifiers.choice import Choice


def chosen(text, choices=None):
    verifier = Choice({"choices": choices} if choices else {})
    reference = choices[0] if choices else "A"
    given = verifier.reads(Problem(task="t", id="p", fields={}, reference=reference), {})
    return verifier.verify(text, given).answer


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "b",
        " (B) ",
        "**B**",
        "B.",
        "B) Paris",
        "b. Paris",
        "(B) Paris",
        "- B: Paris",
        "**B) Paris**\n\nIt is the capital.",
        "Answer: B",
        "ANSWER: b",
        "Answer:\n\nB",
        "**Answer:** B",
        "Answer: [B]",
        "My answer is “B”.",
        "the answer is (b).",
        "The correct answer is **B) Paris**.",
        "The answer to the question is option (B).",
        "The answer is B because a car moves.",
        "The answer is B, I think",
        "Therefore, the final answer is:\n\n$\\boxed{\\text{B}}$",
        "\\boxed{B}",
        "\\(\\boxed{\\text{(B) Paris}}\\)",
        "I would pick B \u2014 a safe choice.",
        "The best choice is B.",
        "Option A is wrong. Option B is correct.",
        "It must be (B), clearly.",
        "A) Rome\nB) Paris\n\nB",
        "At first: the answer is A. But no.\nAnswer: B",
        "Answer seems to be A.\n\nAnswer: B",
        "Write 'Answer: [LETTER]'.\nAnswer: B",
        "Choose A, B, C or D.\n\nB",
        "B\n\nA is too small, C too large.",
    ],
)
def test_a_letter_is_found_in_the_ways_models_write_it(text):
    assert chosen(text) == "B"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A", "A"),
        ("The answer is A", "A"),
        ("The answer is a.", "A"),
        ("The answer is A, since it rains.", "A"),
        ("The answer is A because it rains.", "A"),
        ("A is correct", "A"),
        ("The answer is I.", "I"),
        ("I", "I"),
    ],
)
def test_a_and_i_can_be_chosen(text, label):
    assert chosen(text) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A dog is an animal. I think so.",
        "I think the answer is a mammal.",
        "Answer: A mammal",
        "I'm not sure",
        "Vitamin C is good",
        "The answer is not B",
        "The answer is A or B",
        "Answer: A, B",
        "answer: A and B",
        "A) Rome\nB) Paris\nC) Oslo",
        "It may be (A), or else (C).",
        "Answer: [LETTER]",
        "The answer is Z.",
    ],
)
def test_prose_and_hedging_choose_nothing(text):
    assert chosen(text) is None


@pytest.mark.parametrize("text", ["Yes", "**no**", "The answer is yes.", "Answer: No, since it rains."])
def test_labels_may_be_words(text):
    assert chosen(text, ["yes", "no"]) in {"yes", "no"}


@pytest.mark.parametrize("text", ["I know nothing", "none"])
def test_a_word_inside_another_is_no_label(text):
    assert chosen(text, ["yes", "no"]) is None


@pytest.mark.parametrize("reference", ["B", "b", "(B)", "B.", " [b] "])
def test_the_reference_may_be_written_like_an_answer(reference):
    problem = Problem(task="t", id="p", fields={}, reference=reference)
    assert Choice({}).reads(problem, {}) == {"reference": "B"}
