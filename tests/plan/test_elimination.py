"""Which configurations go on after the first samples of a pilot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import RateRows
from osca_cli.outcomes.types import UNLIMITED, Outcomes
from osca_cli.plan.elimination import promising, scores

PROBLEMS = 30


def piloted(rates: list[float], seed: int = 0, **more: object) -> Outcomes:
    """Four samples of configurations with these pass rates, the same on every problem."""
    n = np.full((len(rates), PROBLEMS), 4)
    c = np.random.default_rng(seed).binomial(n, np.array(rates)[:, None])
    names = [f"c{index}" for index in range(len(rates))]
    return Outcomes.of(names, [f"p{index}" for index in range(PROBLEMS)], n, c, **more)


def samples(outcomes: Outcomes, budget: int = 4, upper: list[int] | None = None) -> Limits:
    size = len(outcomes.configurations)
    return Limits.samples(size, budget, upper=np.array(upper) if upper else None)


def test_scores_are_the_part_in_the_plan_and_what_one_more_sample_would_add():
    # The plan of two samples is one of each of the first two: a quarter of each half's failures is left to a
    # second sample of either; the third would solve a tenth of all failures, a fifth of what is best.
    rows = RateRows.of(np.array([[0.5, 0.0], [0.0, 0.5], [0.05, 0.05]]))

    score = scores(rows, Limits.samples(3, 2))

    assert score == pytest.approx([0.5 + 1, 0.5 + 1, 0 + 0.2])


def test_a_dear_sample_adds_less_for_its_cost():
    rows = RateRows.of(np.array([[0.5], [0.5], [0.5]]))

    score = scores(rows, Limits.of(np.array([1.0, 2.0, 4.0]), 1.0))

    assert score == pytest.approx([2, 0.5, 0.25])


def test_nothing_matters_where_nothing_can_pass():
    rows = RateRows.of(np.zeros((3, 2)))

    assert scores(rows, Limits.samples(3, 2))[1:].tolist() == [0, 0]


def test_the_third_that_solves_most_goes_on():
    outcomes = piloted([0.05, 0.6, 0.1, 0.05, 0.7, 0.02])

    assert promising(outcomes, samples(outcomes)) == [1, 4]


def test_a_configuration_that_solves_what_others_cannot_goes_on():
    # Three solve the first 24 problems, one the last 6 alone: its pass rate is the least but one.
    c = np.zeros((6, PROBLEMS), int)
    c[:4, :24] = [[2], [2], [3], [3]]
    c[4, 24:] = 3
    outcomes = Outcomes.of("abcdef", [f"p{index}" for index in range(PROBLEMS)], np.full(c.shape, 4), c)

    assert 4 in promising(outcomes, samples(outcomes, 8))


def test_a_deterministic_configuration_is_known_and_leaves_its_place_to_others():
    outcomes = piloted([1.0, 0.6, 0.1, 0.05, 0.7], deterministic=[True, False, False, False, False])

    assert promising(outcomes, samples(outcomes)) == [1, 4]


def test_what_may_not_be_drawn_does_not_go_on():
    outcomes = piloted([0.8, 0.6, 0.1, 0.05])

    assert promising(outcomes, samples(outcomes, upper=[0, *[UNLIMITED] * 3])) == [1, 2]


def test_of_equal_configurations_the_cheap_ones_go_on():
    outcomes = piloted([0.3] * 6)
    limits = Limits.of(np.array([9.0, 9.0, 1.0, 9.0, 1.0, 9.0]), 9.0)

    assert promising(outcomes, limits) == [2, 4]


@given(st.permutations(range(6)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_configurations_does_not_matter(order):
    outcomes = piloted([0.05, 0.5, 0.1, 0.35, 0.7, 0.2], seed=1)
    shuffled = outcomes.select(configurations=order)

    chosen = {shuffled.configurations[row] for row in promising(shuffled, samples(shuffled))}

    assert chosen == {outcomes.configurations[row] for row in promising(outcomes, samples(outcomes))}


@given(st.integers(0, 10**6), st.integers(1, 7))
@settings(max_examples=10, deadline=None)
def test_whatever_the_counts_so_many_go_on(seed, size):
    outcomes = piloted([0.1] * size, seed)

    chosen = promising(outcomes, samples(outcomes, 2))

    assert len(chosen) == min(size, 2)
    assert chosen == sorted(set(chosen))
