import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.allocate.baselines import best_pure, by_pass_rate, uniform
from osca_cli.allocate.greedy import greedy_order
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import cost_of_pass, expected_spend, pooled, round_robin, schedule, survival
from osca_cli.estimate.rows import RateRows, coverage


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_a_schedule_is_exactly_the_allocation(number):
    random = np.random.default_rng(number)
    counts = random.integers(0, 5, 4)
    rows = RateRows.of(random.integers(0, 5, (4, 5)) / 4)
    order = schedule(rows, counts, random.random(4) + 0.1, [2, 0, 1, 3])
    assert np.bincount(order, minlength=4).tolist() == counts.tolist()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_a_smaller_budget_is_a_prefix_of_the_schedule(number):
    random = np.random.default_rng(number)
    rows = RateRows.of(random.random((4, 5)))
    order = greedy_order(rows, Limits.samples(4, 9))
    assert greedy_order(rows, Limits.samples(4, 5)) == order[:5]


def test_cheap_samples_come_first_where_they_gain_as_much():
    rows = RateRows.of(np.array([[0.5, 0.5], [0.5, 0.5]]))
    assert schedule(rows, np.array([1, 1]), np.array([2.0, 1.0]), [0, 1]) == [1, 0]


def test_what_gains_nothing_is_drawn_last_in_turns():
    rows = RateRows.of(np.array([[1.0], [0.0], [0.0]]))
    assert schedule(rows, np.array([1, 2, 1]), np.ones(3), [0, 1, 2]) == [0, 1, 2, 1]


def test_survival_ends_at_the_allocations_failure():
    rows = RateRows.of(np.array([[0.5, 0.2], [0.1, 0.9]]))
    unsolved = survival(rows, [0, 1, 1])
    assert unsolved[0] == 1
    assert unsolved[-1] == 1 - coverage(rows, np.array([1, 2]))
    assert np.all(np.diff(unsolved) < 0)


def test_round_robin_skips_what_a_cap_or_the_budget_forbids():
    limits = Limits.of(np.array([1.0, 2.0, 5.0]), 8.0, upper=np.array([2, 9, 9]))
    # 0, 1, 2 cost 8: the budget is spent in one turn.
    assert round_robin([0, 1, 2], limits, np.zeros(3, np.int64)).tolist() == [1, 1, 1]
    # 1 and 0 first: then 5 is too much for what is left, and goes out of turn.
    limits = Limits.of(np.array([1.0, 2.0, 5.0]), 7.0, upper=np.array([2, 9, 9]))
    assert round_robin([1, 0, 2], limits, np.zeros(3, np.int64)).tolist() == [2, 2, 0]


def test_uniform_starts_with_the_best_pass_rate_and_ties_keep_their_order():
    assert by_pass_rate(np.array([0.2, 0.5, 0.2, 0.4])) == [1, 3, 0, 2]
    assert uniform(by_pass_rate(np.array([0.2, 0.5, 0.2])), Limits.samples(3, 4)).tolist() == [1, 2, 1]


def test_best_pure_spends_the_whole_budget_and_keeps_its_cap():
    rows = RateRows.of(np.array([[0.6, 0.6], [0.5, 0.5]]))
    assert best_pure(rows, Limits.samples(2, 3)) == (0, 3.0)
    assert best_pure(rows, Limits.samples(2, 3, upper=np.array([1, 9]))) == (1, 3.0)


def test_best_pure_by_cost_draws_a_fraction_of_a_sample_on_that_share_of_problems():
    rows = RateRows.of(np.array([[0.6, 0.6], [0.2, 0.2]]))
    index, count = best_pure(rows, Limits.of(np.array([0.5, 0.1]), 1.3))
    assert (index, count) == (1, 13.0)
    index, count = best_pure(rows, Limits.of(np.array([0.5, 0.5]), 1.3))
    assert (index, round(count, 9)) == (0, 2.6)


def test_rounding_of_decimal_costs_loses_no_sample():
    rows = RateRows.of(np.array([[0.6]]))
    assert best_pure(rows, Limits.of(np.array([0.01]), 0.03)) == (0, 3.0)
    assert Limits.of(np.array([0.01]), 0.03).most().tolist() == [3]


def test_stopping_at_the_first_pass_spends_on_unsolved_problems_only():
    unsolved = survival(RateRows.of(np.array([[0.5, 0.5]])), [0, 0, 0])
    assert expected_spend(unsolved, np.array([2.0, 2.0, 2.0])) == pytest.approx(2 * (1 + 0.5 + 0.25))


def test_the_cost_of_a_pass_is_cost_over_pass_rate():
    unsolved = survival(RateRows.of(np.array([[0.25, 0.25]])), [0] * 200)
    assert cost_of_pass(unsolved, np.full(200, 3.0)) == pytest.approx(3 / 0.25)
    assert cost_of_pass(survival(RateRows.of(np.zeros((1, 2))), [0]), np.ones(1)) == float("inf")


def test_a_pooled_budget_reaches_deeper_than_the_same_budget_for_each_problem():
    unsolved = survival(RateRows.of(np.array([[0.9, 0.1]])), [0] * 30)
    depth, pass_rate = pooled(unsolved, np.ones(30), 4.0)
    assert np.sum(unsolved[: int(depth)]) <= 4 <= np.sum(unsolved[: int(depth) + 1])
    assert depth > 4
    assert pass_rate > 1 - unsolved[4]


def test_a_pooled_budget_that_outlasts_the_schedule_reaches_its_end():
    unsolved = survival(RateRows.of(np.array([[0.5]])), [0, 0])
    assert pooled(unsolved, np.ones(2), 100.0) == (2.0, 0.75)
