import pytest

from osca_cli.plan.result import Baseline, Gain
from osca_cli.plan.words import because

PURE = Baseline("a", {"a": 4}, None, None, None)
CLEAR, UNCLEAR = Gain(0.05, (0.02, 0.08)), Gain(0.01, (-0.02, 0.04))


@pytest.mark.parametrize(
    ("allocation", "over_pure", "over_even", "words"),
    [
        (
            {"a": 3, "b": 1},
            CLEAR,
            CLEAR,
            "expected to solve 2 to 8 points more than the best single one, 4 x a.",
        ),
        (
            {"a": 3, "b": 1},
            CLEAR,
            UNCLEAR,
            "An even spread may do as well: the pilot cannot tell (-2.0 to +4.0",
        ),
        ({"a": 4}, UNCLEAR, UNCLEAR, "no mix solves more. An even spread may do as well"),
        (
            {"a": 2, "b": 2},
            UNCLEAR,
            UNCLEAR,
            "An even spread: the pilot cannot tell these configurations apart",
        ),
    ],
)
def test_a_plan_says_where_an_even_spread_may_do_as_well(allocation, over_pure, over_even, words):
    said = because(allocation, 2, PURE, over_pure, over_even, passed=True)
    assert words in said
    assert ("An even spread" in said) == (over_even is UNCLEAR)
