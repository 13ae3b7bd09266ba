from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.allocate.accept_first import accept_first, net_utility
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import schedule
from osca_cli.allocate.solve import find
from osca_cli.estimate.rows import RateRows
from osca_cli.outcomes.types import Floats


def accepting(rates: Floats, rate: float) -> RateRows:
    """Rows of what a verifier accepts that also passes wrong samples at a rate."""
    return RateRows.of(rates + (1 - rates) * rate)


def by_hand(rates: Floats, order: tuple[int, ...], rate: float) -> float:
    """Right less wrong accepts, summed sample by sample and problem by problem."""
    total = 0.0
    for problem in rates.T:
        reached = 1.0
        for s in order:
            right, wrong = problem[s], (1 - problem[s]) * rate
            total += reached * (right - wrong)
            reached *= 1 - right - wrong
    return total / rates.shape[1]


def naive_order(rows: RateRows, limits: Limits) -> list[int]:
    counts = find(rows, limits, "auto", seed=0)
    return schedule(rows, counts, limits.costs, list(range(len(counts))))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**9))
def test_net_utility_is_right_less_wrong_accepts(number):
    random = np.random.default_rng(number)
    rates, rate = random.beta(0.3, 0.6, (3, 4)), random.random() * 0.5
    order = tuple(random.integers(0, 3, 6).tolist())
    found = net_utility(accepting(rates, rate), order, rate)
    assert found == pytest.approx([by_hand(rates, order[:d], rate) for d in range(7)], abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**9))
def test_a_sequence_is_worth_nearly_what_the_best_of_all_is_and_never_less_than_the_naive_plan(number):
    random = np.random.default_rng(number)
    size, most = 3, 6
    rates, rate = random.beta(0.3, 0.8, (size, 5)), random.choice([0.01, 0.05, 0.2])
    costs = random.choice([1.0, 2.0, 3.0], size) if number % 2 else np.ones(size)
    rows, limits = accepting(rates, rate), Limits.of(costs, float(most))
    naive = naive_order(rows, limits)
    order = accept_first(rows, limits, rate, naive)
    assert costs[order].sum() <= most
    value = net_utility(rows, order, rate)[-1]
    assert value >= net_utility(rows, naive, rate)[-1] - 1e-9
    every = (one for length in range(1, most + 1) for one in product(range(size), repeat=length))
    best = max(net_utility(rows, one, rate)[-1] for one in every if costs[list(one)].sum() <= most)
    assert best - 0.1 <= value <= best + 1e-9
    print("gap", best - value)
