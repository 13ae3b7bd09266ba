import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from osca_cli.estimate.complementarity import complementarity, marginal
from osca_cli.outcomes.types import Outcomes


def test_problems_are_counted_that_one_solves_and_others_do_not():
    outcomes = Outcomes.of(
        ["a", "b", "c"],
        ["p", "q", "r", "s"],
        [[2, 2, 2, 2], [2, 2, 2, 2], [2, 0, 2, 2]],
        [[2, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 0]],
    )
    found = complementarity(outcomes)

    assert found.solved.tolist() == [2, 2, 1]
    assert found.alone.tolist() == [1, 0, 0]
    assert found.unsolved == 1
    # Of q nothing is known of c, so that it is no problem that a solves and c does not.
    assert found.only_first.tolist() == [[0, 1, 1], [1, 0, 1], [1, 0, 0]]


@settings(deadline=None, max_examples=50)
@given(arrays(float, (4, 3), elements=st.sampled_from([0.0, 0.2, 0.5, 1.0])))
def test_what_one_adds_is_the_product_of_its_rate_and_of_the_failures_of_all_others(rates):
    expected = [
        np.mean([rates[s, p] * np.prod(np.delete(1 - rates[:, p], s)) for p in range(3)]) for s in range(4)
    ]

    np.testing.assert_allclose(marginal(rates), expected, atol=1e-15)
