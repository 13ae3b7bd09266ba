"""Solvers against brute force, and the bound against everything."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln

from osca_cli.allocate.bound import tangent_prices, upper_bound
from osca_cli.allocate.exact import branch_and_bound
from osca_cli.allocate.greedy import greedy
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.relaxation import relax
from osca_cli.allocate.solve import SOLVERS, solve
from osca_cli.allocate.swap import swap
from osca_cli.estimate.rows import CurveRows, RateRows, Rows, coverage, failure

NEVER = lambda: False  # noqa: E731


def random_rows(random: np.random.Generator, size: int, *, curves: bool) -> Rows:
    rows = int(random.integers(1, 8))
    weights = random.dirichlet(np.ones(rows))
    passes = random.integers(0, 5, (size, rows))
    if not curves:
        return RateRows.of(passes / 4, weights)
    k = np.arange(7)[:, None]
    a, b = 0.3 + passes[:, None, :], 0.7 + 4 - passes[:, None, :]
    table = gammaln(b + k) - gammaln(b) - gammaln(a + b + k) + gammaln(a + b)
    return CurveRows(weights, table)


def random_limits(random: np.random.Generator, size: int, *, costs: bool) -> Limits:
    budget = int(random.integers(1, 7))
    upper = random.choice([1, 2, 6, 6], size)
    if not costs:
        return Limits.samples(size, budget, upper=upper)
    price = random.choice([0.0, 0.5, 1.0, 1.3, 3.0], size)
    price[0] = 1.0
    return Limits.of(price, float(budget), upper=np.where(price == 0, np.minimum(upper, 2), upper))


def brute_force(rows: Rows, limits: Limits) -> float:
    ranges = [range(int(low), int(high) + 1) for low, high in zip(limits.lower, limits.most(), strict=True)]
    every = (np.array(counts) for counts in product(*ranges))
    return max(coverage(rows, counts) for counts in every if limits.allows(counts))


def instance(number: int, *, costs: bool | None = None) -> tuple[Rows, Limits]:
    random = np.random.default_rng(number)
    size = int(random.integers(1, 6))
    with_costs = number % 2 == 1 if costs is None else costs
    return random_rows(random, size, curves=number % 3 == 2), random_limits(random, size, costs=with_costs)


@pytest.mark.parametrize("first", range(0, 500, 50))
def test_exact_agrees_with_brute_force_and_no_bound_is_violated(first):
    for number in range(first, first + 50):
        rows, limits = instance(number)
        start = greedy(rows, limits)
        counts, bound = branch_and_bound(rows, limits, start, NEVER)
        best = brute_force(rows, limits)
        assert limits.allows(counts), number
        assert coverage(rows, counts) == pytest.approx(best, abs=1e-6), number
        assert bound >= best - 1e-12, number
        assert bound <= coverage(rows, counts) + 1e-6, number
        assert relax(rows, limits, start).bound >= best - 1e-12, number


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_greedy_keeps_its_guarantee_for_samples(number):
    rows, limits = instance(number, costs=False)
    assert coverage(rows, greedy(rows, limits)) >= (1 - np.exp(-1)) * brute_force(rows, limits) - 1e-9


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_greedy_keeps_its_guarantee_for_costs(number):
    rows, limits = instance(number, costs=True)
    assert coverage(rows, greedy(rows, limits)) >= (1 - np.exp(-1)) / 2 * brute_force(rows, limits) - 1e-9


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9), st.sampled_from(SOLVERS))
def test_every_solver_keeps_caps_and_budget_and_stays_below_its_bound(number, solver):
    rows, limits = instance(number)
    solution = solve(rows, limits, solver, seed=0, out_of_time=NEVER)
    assert limits.allows(solution.counts)
    assert solution.value == pytest.approx(coverage(rows, solution.counts))
    assert solution.value <= solution.bound <= 1
    assert solution.bound >= brute_force(rows, limits) - 1e-12


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_any_prices_certify_a_bound(number):
    rows, limits = instance(number)
    prices = np.random.default_rng(number).random(rows.weights.shape) * rows.weights
    assert upper_bound(rows, limits, prices) >= brute_force(rows, limits) - 1e-12


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_the_tangent_touches_the_objective(number):
    rows, limits = instance(number)
    counts = greedy(rows, limits)
    only = Limits(limits.costs, limits.budget, counts, counts)
    assert upper_bound(rows, only, tangent_prices(rows, counts)) == pytest.approx(
        coverage(rows, counts), abs=1e-9
    )


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_swapping_never_loses(number):
    rows, limits = instance(number)
    counts = greedy(rows, limits)
    swapped = swap(rows, limits, counts)
    assert limits.allows(swapped)
    assert coverage(rows, swapped) >= coverage(rows, counts) - 1e-12


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_coverage_rises_with_the_budget(number):
    rows, limits = instance(number)
    more = Limits(limits.costs, limits.budget + 1, limits.lower, limits.upper)
    fewer, many = (solve(rows, one, "exact", seed=0, out_of_time=NEVER) for one in (limits, more))
    assert many.value >= fewer.value - 1e-6


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_the_optimum_does_not_depend_on_the_order_of_configurations_or_rows(number):
    random = np.random.default_rng(number)
    rates = random.integers(0, 5, (4, 6)) / 4
    limits = random_limits(random, 4, costs=number % 2 == 1)
    s, r = random.permutation(4), random.permutation(6)
    shuffled = Limits(limits.costs[s], limits.budget, limits.lower[s], limits.upper[s])
    first = solve(RateRows.of(rates), limits, "exact", seed=0, out_of_time=NEVER)
    second = solve(RateRows.of(rates[s][:, r]), shuffled, "exact", seed=0, out_of_time=NEVER)
    assert first.value == pytest.approx(second.value, abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_a_duplicate_of_a_deterministic_configuration_adds_nothing(number):
    random = np.random.default_rng(number)
    rates = random.integers(0, 5, (3, 6)) / 4
    rates[0] = random.integers(0, 2, 6)
    twice = np.concatenate([rates[:1], rates])
    without = Limits.samples(3, 4, upper=np.array([1, 9, 9]))
    within = Limits.samples(4, 4, upper=np.array([1, 1, 9, 9]))
    first = solve(RateRows.of(rates), without, "exact", seed=0, out_of_time=NEVER)
    second = solve(RateRows.of(twice), within, "exact", seed=0, out_of_time=NEVER)
    assert first.value == pytest.approx(second.value, abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9), st.sampled_from(["auto", "greedy", "greedy-swap", "exact"]))
def test_a_free_configuration_that_helps_is_drawn_up_to_its_cap(number, solver):
    random = np.random.default_rng(number)
    rates = random.integers(1, 4, (3, 6)) / 4
    limits = Limits.of(np.array([0.0, 1.0, 0.7]), 3.0, upper=np.array([3, 9, 9]))
    assert solve(RateRows.of(rates), limits, solver, seed=0, out_of_time=NEVER).counts[0] == 3


def test_required_configurations_are_drawn_and_forbidden_ones_are_not():
    rows = RateRows.of(np.array([[0.9, 0.9], [0.1, 0.1], [0.5, 0.5]]))
    limits = Limits(np.ones(3), 4, np.array([0, 1, 0]), np.array([0, 9, 9]))
    for solver in SOLVERS:
        assert solve(rows, limits, solver, seed=0, out_of_time=NEVER).counts.tolist() == [0, 1, 3]


def test_exact_out_of_time_still_certifies_what_it_has():
    rows = RateRows.of(np.array([[1.0, 0, 0.5], [0, 1, 0.5], [0.6, 0.6, 0.6]]))
    limits = Limits.samples(3, 3)
    solution = solve(rows, limits, "exact", seed=0, out_of_time=lambda: True)
    assert solution.value <= brute_force(rows, limits) <= solution.bound


def test_hill_climbing_repeats_itself_with_the_same_seed():
    rows, limits = instance(12, costs=False)
    first, second = (solve(rows, limits, "hill-climb", seed=3, out_of_time=NEVER).counts for _ in range(2))
    assert first.tolist() == second.tolist()


def test_failure_is_the_product_over_configurations():
    rows = RateRows.of(np.array([[0.5, 1.0], [0.2, 0.0]]))
    np.testing.assert_allclose(failure(rows, np.array([2, 1])), [0.25 * 0.8, 0.0], atol=1e-12)


def test_a_dear_sample_that_no_longer_fits_after_cheap_ones_is_tried_first():
    """By ratio a cheap one is first, and what it leaves does not buy both dear ones."""
    rates = np.array([[0.3, 0.0, 0.0, 0.0], [0.0, 0.9, 0.9, 0.0], [0.2, 0.0, 0.0, 0.9]])
    limits = Limits.of(np.array([1.0, 6.0, 4.0]), 10.0)
    assert greedy(RateRows.of(rates), limits).tolist() == [0, 1, 1]


def test_a_large_problem_is_searched_in_few_boxes_and_keeps_an_honest_gap():
    rng = np.random.default_rng(0)
    rows = RateRows.of(rng.beta(0.3, 1.0, (96, 150)))
    limits = Limits.of(rng.uniform(1, 100, 96), 60.0)
    solution = solve(rows, limits, "auto", seed=0, out_of_time=lambda: False)
    assert limits.allows(solution.counts)
    assert solution.value <= solution.bound <= solution.value + 0.1
