import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.errors import UsageError
from osca_verifiers.extract import compile_steps, extract


def extracted(text, setting):
    return extract(text, compile_steps(setting)).text


def test_nothing_to_do_leaves_the_text():
    assert extracted(" as it is \n", None) == " as it is \n"


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("```python\nprint(1)\n```", "print(1)"),
        ("first\n```\na\n```\nthen\n```\nb\nc\n```\nend", "b\nc"),
        ("```py\ncut off by a stop sequence\n", "cut off by a stop sequence\n"),
        ("````md\n```\ninner\n```\n````", "```\ninner\n```"),
        ("~~~\ntildes\n~~~", "tildes"),
        ("1. in a list\n   ```\n   x = 1\n     y\n   ```", "x = 1\n  y"),
        ("```\r\nwindows\r\n```\r\n", "windows"),
        ("```\n```", ""),
        ("no block, but `inline` code", None),
    ],
)
def test_code_block_is_the_last_one_without_its_fence(text, block):
    assert extracted(text, "code_block") == block


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Answer: Paris", "Paris"),
        ("**Final ANSWER:**\nParis\n", "**\nParis"),
        ("Write 'Answer: ...'. Answer: Rome. No! Answer: Paris", "Paris"),
        ("no marker", None),
    ],
)
def test_after_is_what_follows_the_last_marker_in_any_case(text, rest):
    assert extracted(text, {"after": "Answer:"}) == rest


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"\d+", "22"),
        (r"x=(\d+)", "1"),
        (r"y=(\d+)|x=(\d+)", "22"),
        (r"\d*", "22"),
        (r"z=(\d+)", None),
    ],
)
def test_regex_is_the_first_group_of_the_last_match_else_the_match(pattern, found):
    assert extracted("x=1 y=22 end", {"regex": pattern}) == found


def test_steps_chain_each_on_what_the_one_before_left():
    text = "Answer: 7\nso\nAnswer: it is 12, not 13.\nThank you"
    assert extracted(text, [{"after": "Answer:"}, {"regex": "^.*"}, "last_number"]) == "13"


def test_the_reason_names_the_step_that_found_nothing():
    steps = compile_steps(["code_block", {"after": "####"}])
    assert extract("```\n1\n```", steps).reason == "'####' not found"
    assert extract("#### 1", steps).reason == "no code block found"


@pytest.mark.parametrize(
    "setting", ["box", {"after": "a", "regex": "b"}, {"after": 3}, 7, [["last_number"]], {"until": "x"}]
)
def test_an_unknown_step_is_a_usage_error_that_lists_the_known_ones(setting):
    with pytest.raises(UsageError, match="write last_number, code_block"):
        compile_steps(setting)


def test_a_faulty_pattern_is_a_usage_error_that_says_where():
    with pytest.raises(UsageError, match=r"'\(' is not a regular expression: .* at position 0"):
        compile_steps({"regex": "("})


@given(st.text(st.characters(exclude_categories=())))
def test_no_step_raises_on_any_text(text):
    for setting in ("last_number", "code_block", {"after": "a"}, {"regex": r"(\w)+|\s*"}):
        found = extracted(text, setting)
        assert found is None or found in text or setting == "code_block"  # which ends lines in its own way
