import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.estimate.cost_of_pass import Loss, cost_of_pass, frontier_cost, pareto, price_of_losing

RATES = np.array([[0.5, 0.1, 0.0], [0.25, 0.0, 0.0], [0.0, 0.2, 0.0]])
COSTS = np.array([[1.0, 1.0, 1.0], [0.25, 0.25, 0.25], [4.0, 4.0, 4.0]])


def test_a_pass_costs_what_is_drawn_on_average_until_it_comes():
    assert cost_of_pass(RATES, COSTS).tolist() == [[2, 10, np.inf], [1, np.inf, np.inf], [np.inf, 20, np.inf]]
    assert frontier_cost(RATES, COSTS).tolist() == [1, 10, np.inf]


def test_losing_a_model_makes_passes_dearer_or_takes_them_away():
    lost = price_of_losing(RATES, COSTS, {"a": [0], "b": [1], "c": [2], "all": [0, 1, 2]})

    assert lost["a"] == Loss(0, pytest.approx(np.sqrt(1 * 20 / 10)))
    assert lost["b"] == Loss(0, pytest.approx(np.sqrt(2 * 1)))
    assert lost["c"] == Loss(0, 1.0)
    assert lost["all"] == Loss(2, 1.0)


def test_what_nobody_else_solves_is_counted_not_priced():
    lost = price_of_losing(np.array([[0.5, 0.5], [0.0, 0.5]]), np.ones((2, 2)), {"a": [0], "b": [1]})

    assert lost == {"a": Loss(1, 1.0), "b": Loss(0, 1.0)}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1, max_size=6))
def test_on_the_frontier_is_what_no_other_point_beats(points):
    costs, rates = (np.array(one, float) for one in zip(*points, strict=True))

    def beaten(i):
        return any(
            costs[j] <= costs[i] and rates[j] >= rates[i] and (costs[j], rates[j]) != (costs[i], rates[i])
            for j in range(len(points))
        )

    on = pareto(costs, rates)
    assert {points[i] for i in np.flatnonzero(on)} == {points[i] for i in range(len(points)) if not beaten(i)}


def test_what_has_no_known_cost_is_on_no_frontier():
    assert pareto(np.array([np.nan, 2.0]), np.array([0.9, 0.1])).tolist() == [False, True]
