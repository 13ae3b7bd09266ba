from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.allocate.accept_first import accept_first, net_utility
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import schedule, survival
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


def worth(rows: RateRows, order: Sequence[int], rate: float) -> float:
    return float(net_utility(survival(rows, order), rate)[-1])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**9))
def test_net_utility_is_right_less_wrong_accepts(number):
    random = np.random.default_rng(number)
    rates, rate = random.beta(0.3, 0.6, (3, 4)), random.random() * 0.5
    order = tuple(random.integers(0, 3, 6).tolist())
    found = net_utility(survival(accepting(rates, rate), order), rate)
    assert found == pytest.approx([by_hand(rates, order[:d], rate) for d in range(7)], abs=1e-9)


@pytest.mark.parametrize("number", range(10))
def test_a_sequence_is_nearly_the_best_of_all_and_never_worse_than_the_naive_plan(number):
    random = np.random.default_rng(number)
    size, most = 2 + number % 2, 6
    rates, rate = random.beta(0.3, 0.8, (size, 5)), random.choice([0.01, 0.05, 0.2])
    costs = np.ones(size) if number < 4 else random.choice([1.0, 2.0, 3.0], size)
    rows, limits = accepting(rates, rate), Limits.of(costs, float(most))
    naive = naive_order(rows, limits)
    order = accept_first(rows, limits, rate, naive, partial(survival, rows))
    assert costs[order].sum() <= most
    value = worth(rows, order, rate)
    assert value >= worth(rows, naive, rate) - 1e-9
    every = (one for length in range(1, most + 1) for one in product(range(size), repeat=length))
    best = max(worth(rows, one, rate) for one in every if costs[list(one)].sum() <= most)
    assert best - 0.01 <= value <= best + 1e-9


def test_a_sequence_stops_where_one_more_sample_loses():
    # One problem in two is never solved. The third sample brings .0433 right answers and .0240 wrong ones,
    # the fourth .0165 and .0220.
    rows = accepting(np.array([[0.6, 0.0]]), 0.05)
    order = accept_first(rows, Limits.samples(1, 50), 0.05, [0] * 50, partial(survival, rows))
    assert order == [0, 0, 0]


def test_a_trusted_verifier_changes_nothing():
    rates = np.random.default_rng(3).beta(0.3, 0.6, (4, 30))
    rows, limits = accepting(rates, 0.0), Limits.samples(4, 12)
    naive = naive_order(rows, limits)
    assert accept_first(rows, limits, 0.0, naive, partial(survival, rows)) == naive


def test_one_sample_is_drawn_where_even_that_loses():
    rows = accepting(np.zeros((2, 3)), 0.3)
    assert len(accept_first(rows, Limits.samples(2, 4), 0.3, [0, 1, 0, 1], partial(survival, rows))) == 1
