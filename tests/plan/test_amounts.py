"""Budgets as people type them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.errors import UsageError
from osca_cli.plan.amounts import UNITS, parse_budget, parse_budgets
from osca_cli.spec.types import Budget


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("8", Budget("samples", 8)),
        (" 8 samples ", Budget("samples", 8)),
        ("8.0", Budget("samples", 8)),
        ("0.03usd", Budget("usd", 0.03)),
        ("3e-5usd", Budget("usd", 3e-5)),
        ("20000output_tokens", Budget("output_tokens", 20000)),
        ("1.5s", Budget("seconds", 1.5)),
    ],
)
def test_an_amount_is_read_with_its_unit(text, budget):
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write a number"),
        ("usd", "write a number"),
        ("1e", "write a number"),
        ("1,5usd", "write a number"),
        ("8 eur", "no unit is named 'eur' (there are samples, usd, output_tokens, s, gpu_s)"),
        ("0usd", "a number above 0"),
        ("-3", "a number above 0"),
        ("1e999", "a number above 0"),
        ("2.5", "part of a sample cannot be drawn"),
    ],
)
def test_what_is_no_amount_is_refused_with_what_to_write(text, words):
    with pytest.raises(UsageError) as error:
        parse_budget(text)
    assert words in str(error.value)


def test_a_list_of_budgets_keeps_its_order():
    assert [budget.amount for budget in parse_budgets("8,1,0.5usd")] == [8, 1, 0.5]


@given(st.text(max_size=12))
def test_any_text_is_a_budget_or_a_usage_error(text):
    with suppress(UsageError):
        assert parse_budget(text).amount > 0


@given(st.floats(1e-9, 1e9), st.sampled_from(sorted(set(UNITS) - {"", "samples"})))
def test_an_amount_reads_back_exactly(amount, unit):
    assert parse_budget(f"{amount!r}{unit}").amount == amount
