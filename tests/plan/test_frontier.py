"""What budgets around one buy, on problems that did not choose the plans."""

import numpy as np
import pytest

from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.frontier import budgets_around, frontier, in_usd
from osca_cli.plan.losses import losses
from osca_cli.plan.planner import make_plan
from osca_cli.spec.types import Budget

EIGHT = Budget("samples", 8)


def outcomes(usd=None, problems=40):
    """Two halves of the problems, each solved by one configuration, and one that does a little of both."""
    rng = np.random.default_rng(7)
    half = np.arange(problems) % 2 == 0
    rates = np.stack([np.where(half, 0.5, 0.02), np.where(half, 0.02, 0.5), np.full(problems, 0.1)])
    n = np.full((3, problems), 16)
    costs = None if usd is None else {"usd": np.tile(np.array(usd)[:, None], (1, problems))}
    return Outcomes.of(
        ["a", "b", "c"], [f"p{i}" for i in range(problems)], n, rng.binomial(n, rates), costs=costs
    )


def test_budgets_begin_at_a_sample_and_end_at_some_times_the_one_given():
    amounts = [one.amount for one in budgets_around(EIGHT, outcomes())]

    assert amounts == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
    assert [one.amount for one in budgets_around(Budget("samples", 5), outcomes())][:6] == [1, 2, 3, 4, 5, 6]


def test_budgets_in_money_begin_where_a_sample_can_be_bought():
    dear = outcomes([0.01, 0.02, 0.03])
    amounts = [one.amount for one in budgets_around(Budget("usd", 0.08), dear)]

    assert amounts[0] >= 0.01 > amounts[0] / 2**0.5
    assert 0.08 in amounts
    assert amounts[-1] == pytest.approx(0.32)


def test_a_point_says_what_a_plan_for_its_budget_says():
    known = outcomes()
    plan = make_plan(known, EIGHT, task="t")
    (point,) = frontier(known, [EIGHT])

    assert point.plan.pass_rate == pytest.approx(plan.expected.measured.pass_rate)
    assert point.plan.interval == pytest.approx(plan.expected.measured.interval)
    assert point.rivals["best_pure"].measured.pass_rate == pytest.approx(plan.best_pure.expected.pass_rate)
    assert point.rivals["uniform"].gain.value == pytest.approx(plan.over_uniform.value)


def test_what_is_drawn_today_is_a_rival_by_its_name():
    points = frontier(outcomes(), budgets_around(EIGHT, outcomes()), named=["c"])

    rates = [point.rivals["c"].measured.pass_rate for point in points]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(0.1, abs=0.05)
    assert all(point.rivals["c"].gain.value > 0.2 for point in points[2:7])


def test_a_mean_cost_of_all_draws_is_the_budget_that_they_are():
    dear = outcomes([0.01, 0.02, 0.03])

    assert in_usd(dear, EIGHT, {"a": 2, "c": 1}) == Budget("usd", pytest.approx(0.05))
    assert in_usd(outcomes(), EIGHT, {"a": 2}) is None


def test_without_what_only_it_solves_a_plan_loses_that():
    lost = losses(outcomes(), EIGHT, {"a": ["a"], "b": ["b"], "c": ["c"], "all": ["a", "b", "c"]})

    assert 0.1 < lost["a"] < 0.4
    assert 0.1 < lost["b"] < 0.4
    assert lost["c"] == 0
    assert lost["all"] > 0.8
