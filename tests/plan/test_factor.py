import numpy as np
import pytest

from osca_cli.allocate.limits import Limits
from osca_cli.plan.factor import compute_factor


@pytest.mark.parametrize(("rate", "reached", "value"), [(0.5, 0.75, 0.25), (0.1, 1 - 0.9**12, 1.5)])
def test_a_baseline_needs_the_budgets_that_reach_as_much(rate, reached, value):
    limits = Limits.samples(1, 8)
    needs = compute_factor(limits, lambda times: 1 - (1 - rate) ** (8 * times), reached - 1e-9)
    assert (needs.value, needs.at_least) == (value, False)


def test_a_baseline_that_never_reaches_it_needs_at_least_what_was_looked_at():
    needs = compute_factor(Limits.samples(1, 8), lambda _: 0.5, 0.6)
    assert (needs.value, needs.at_least) == (8, True)


def test_of_a_budget_in_cost_the_factor_is_told_in_parts_of_it():
    limits = Limits.of(np.array([0.003]), 0.01)
    assert compute_factor(limits, lambda times: times / 8, 0.25).value == 2
