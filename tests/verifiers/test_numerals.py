from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_verifiers.numerals import LONGEST, last_numeral, quantity


def read(text):
    numeral = last_numeral(text)
    found = None if numeral is None else quantity(numeral)
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", "42"),
        ("The answer is 42.", "42"),
        ("**42**", "42"),
        ("so...42!", "42"),
        ("答案是42。", "42"),
        ("first 7, then 8 apples", "8"),
        ("1,234", "1234"),
        ("1,234,567.50 in all", "1234567.5"),
        (r"1{,}000", "1000"),
        (r"10\,000", "10000"),
        ("1\u202f000", "1000"),
        ("1_000", "1000"),
        ("1,2,3", "3"),
        ("1234,567", "567"),
        ("-5", "-5"),
        ("\u22125", "-5"),
        ("x=-3", "-3"),
        ("+7", "7"),
        ("10-20", "20"),
        ("(3)-5", "5"),
        ("-0", "0"),
        ("007", "7"),
        (".5", "0.5"),
        ("3.50", "3.5"),
        ("1e3", "1000"),
        ("2.5E-3 m", "0.0025"),
        ("6 × 10^4", "60000"),
        (r"2 \times 10^{-3}", "0.002"),
        ("3 x 10⁵", "300000"),
        ("10^6", "1000000"),
        ("12%", "12%"),
        (r"12.0\%", "12%"),
        ("12 percent", "12%"),
        ("$1,234.50", "1234.5"),
        ("-$5", "-5"),
        ("€ 9", "9"),
        ("$-5$", "-5"),
        ("3/4", "0.75"),
        ("2 / 3", "2/3"),
        ("6/9", "2/3"),
        ("-2/3", "-2/3"),
        ("1 1/2", "1.5"),
        (r"\frac{3}{4}", "0.75"),
        (r"-\dfrac{1}{3}", "-1/3"),
        (r"2\frac{1}{2}", "2.5"),
        ("42km", "42"),
        ("5 km^2", "5"),
        ("5 m s^-1", "5"),
        ("12 m²", "12"),
        (r"90^\circ", "90"),
        ("2^5 = 32", "32"),
    ],
)
def test_numbers_are_read_the_way_models_write_them(text, number):
    assert read(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "NaN",
        "inf",
        "-",
        "H2O",
        "v2.0",
        "1.2.3",
        "5/6/2024",
        "2^5",
        "2**5",
        "2⁵",
        "x_1",
        "x^{10}",
        "1/0",
    ],
)
def test_what_only_looks_like_a_number_is_none(text):
    assert read(text) is None


@pytest.mark.parametrize(
    "numeral",
    ["1e999999999", "1e-999999999", "10^99999", "9" * 10**6, "1" + ",000" * 10**5, "1/" + "3" * 10**6, "1/0"],
    ids=lambda numeral: numeral[:12],
)
def test_what_is_huge_or_divides_by_zero_is_found_but_not_read(numeral):
    assert last_numeral(numeral) == numeral
    assert quantity(numeral) is None


@pytest.mark.parametrize("tail", ["e1000", "e-1000", "/" + "7" * 500, "/" + str(2**1600)])
def test_the_largest_numerals_that_are_read_can_be_written(tail):
    found = quantity("9" * (LONGEST - len(tail)) + tail)
    assert set(str(found)) <= set("0123456789./")


@given(st.fractions())
def test_a_ratio_and_its_spelling_for_votes_are_the_same_number(value):
    found = quantity(f"{value.numerator}/{value.denominator}")
    assert found is not None
    assert found.value == value
    again = quantity(str(found))
    assert again == found


@given(st.integers(-(10**12), 10**12))
def test_thousands_separators_change_nothing(value):
    found = quantity(f"{value:,}")
    assert found is not None
    assert found.value == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_as_the_decimal_that_it_shows(value):
    found = quantity(repr(value))
    assert found is not None
    assert found.value == Fraction(repr(value))


@given(st.text(st.characters(exclude_categories=())) | st.text("0123456789.,/^-+e$% \\{}×"))
def test_reading_never_raises(text):
    numeral = last_numeral(text)
    assert numeral is None or numeral in text
    assert numeral is None or quantity(numeral) is None or str(quantity(numeral))
