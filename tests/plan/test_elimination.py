"""Which configurations go on after the first samples of a pilot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.allocate.limits import Limits
from osca_cli.estimate.rows import RateRows
from osca_cli.outcomes.types import UNLIMITED, Outcomes
from osca_cli.plan.elimination import matters, promising

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


def test_what_matters_is_what_the_plan_spends_and_what_one_more_sample_would_add():
    # Of two samples the best plan draws one of each of the first two. Then half of all problems are unsolved,
    # a second sample of either solves half of one half of these, and the third a twentieth of them.
    rows = RateRows.of(np.array([[0.5, 0.0], [0.0, 0.5], [0.05, 0.05]]))

    spent, gain = matters(rows, Limits.samples(3, 2))

    assert spent.tolist() == [1, 1, 0]
    assert gain == pytest.approx([0.125, 0.125, 0.025])


def test_a_dear_sample_adds_less_for_its_cost():
    rows = RateRows.of(np.array([[0.5], [0.5], [0.5]]))

    spent, gain = matters(rows, Limits.of(np.array([1.0, 2.0, 4.0]), 1.0))

    assert spent.tolist() == [1, 0, 0]
    assert gain == pytest.approx([0.25, 0.125, 0.0625])


def test_a_budget_of_one_sample_looks_further():
    # One sample would be of the best alone, and the next best solves the same.
    c = np.zeros((6, PROBLEMS), int)
    c[:4, :20] = [[4], [3], [3], [3]]
    c[4, 20:] = 3
    outcomes = Outcomes.of("abcdef", [f"p{index}" for index in range(PROBLEMS)], np.full(c.shape, 4), c)

    assert promising(outcomes, samples(outcomes, 1)) == [0, 4]


def test_the_third_that_solves_most_goes_on():
    outcomes = piloted([0.05, 0.6, 0.1, 0.05, 0.7, 0.02])

    assert promising(outcomes, samples(outcomes)) == [1, 4]


def test_a_deterministic_configuration_is_known_and_leaves_its_place_to_others():
    outcomes = piloted([1.0, 0.6, 0.1, 0.05, 0.7], deterministic=[True, False, False, False, False])

    assert promising(outcomes, samples(outcomes)) == [1, 4]


def test_what_may_not_be_drawn_does_not_go_on():
    outcomes = piloted([0.8, 0.6, 0.1, 0.05])

    assert promising(outcomes, samples(outcomes, upper=[0, *[UNLIMITED] * 3])) == [1, 2]


def test_where_all_are_deterministic_none_goes_on():
    outcomes = piloted([1.0, 0.0, 1.0], deterministic=[True] * 3)

    assert promising(outcomes, samples(outcomes)) == []


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
