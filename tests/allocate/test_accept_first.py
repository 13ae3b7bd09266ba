from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.allocate.accept_first import WrongAccepts, accept_first, by_rows, wrong_per_reject
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import schedule
from osca_cli.allocate.solve import find
from osca_cli.estimate.rows import RateRows
from osca_cli.outcomes.types import Floats


def accepting(rates: Floats, accepted: Floats) -> RateRows:
    """Rows of what is accepted, of the wrong samples of each configuration at a rate of its own."""
    return RateRows.of(rates + (1 - rates) * accepted[:, None])


def by_hand(rates: Floats, order: tuple[int, ...], accepted: Floats) -> float:
    """Right less wrong accepts, summed sample by sample and problem by problem."""
    total = 0.0
    for problem in rates.T:
        reached = 1.0
        for s in order:
            right, wrong = problem[s], (1 - problem[s]) * accepted[s]
            total += reached * (right - wrong)
            reached *= 1 - right - wrong
    return total / rates.shape[1]


def naive_order(rows: RateRows, limits: Limits) -> list[int]:
    counts = find(rows, limits, "auto", seed=0)
    return schedule(rows, counts, limits.costs, list(range(len(counts))))


def worth(rows: RateRows, order: Sequence[int], accepted: Floats) -> float:
    return float(by_rows(rows, WrongAccepts(wrong_per_reject(accepted)))(order)[-1])


def chosen(rows: RateRows, limits: Limits, accepted: Floats, naive: Sequence[int]) -> list[int]:
    wrong = WrongAccepts(wrong_per_reject(accepted))
    return accept_first(rows, limits, wrong, [naive], [by_rows(rows, wrong)])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**9))
def test_net_utility_is_right_less_wrong_accepts(number):
    random = np.random.default_rng(number)
    rates, accepted = random.beta(0.3, 0.6, (3, 4)), random.random(3) * 0.5
    order = tuple(random.integers(0, 3, 6).tolist())
    found = by_rows(accepting(rates, accepted), WrongAccepts(wrong_per_reject(accepted)))(order)
    assert found == pytest.approx([by_hand(rates, order[:d], accepted) for d in range(7)], abs=1e-9)


@pytest.mark.parametrize("number", range(12))
def test_a_sequence_is_nearly_the_best_of_all_and_never_worse_than_the_naive_plan(number):
    random = np.random.default_rng(number)
    size, most = 2 + number % 2, 6
    rates = random.beta(0.3, 0.8, (size, 5))
    accepted = np.full(size, random.choice([0.01, 0.05, 0.2]))
    if number % 3 == 0:
        accepted = random.choice([0.0, 0.02, 0.1, 0.3], size)
    costs = np.ones(size) if number < 4 else random.choice([1.0, 2.0, 3.0], size)
    rows, limits = accepting(rates, accepted), Limits.of(costs, float(most))
    naive = naive_order(rows, limits)
    order = chosen(rows, limits, accepted, naive)
    assert costs[order].sum() <= most
    value = worth(rows, order, accepted)
    assert value >= worth(rows, naive, accepted) - 1e-9
    every = (one for length in range(1, most + 1) for one in product(range(size), repeat=length))
    best = max(worth(rows, one, accepted) for one in every if costs[list(one)].sum() <= most)
    assert best - 0.01 <= value <= best + 1e-9


def test_a_sequence_stops_where_one_more_sample_loses():
    # One problem in two is never solved. The third sample brings .0433 right answers and .0240 wrong ones,
    # the fourth .0165 and .0220.
    accepted = np.array([0.05])
    rows = accepting(np.array([[0.6, 0.0]]), accepted)
    assert chosen(rows, Limits.samples(1, 50), accepted, [0] * 50) == [0, 0, 0]


def test_what_is_rarely_accepted_wrongly_is_drawn_first_though_the_other_is_accepted_more_often():
    rates, accepted = np.array([[0.5, 0.2], [0.55, 0.1]]), np.array([0.0, 0.4])
    rows, limits = accepting(rates, accepted), Limits.samples(2, 4)
    naive = naive_order(rows, limits)
    assert naive[0] == 1
    assert chosen(rows, limits, accepted, naive) == [0, 0, 0, 0]


def test_a_trusted_verifier_changes_nothing():
    rates, nothing = np.random.default_rng(3).beta(0.3, 0.6, (4, 30)), np.zeros(4)
    rows, limits = accepting(rates, nothing), Limits.samples(4, 12)
    naive = naive_order(rows, limits)
    assert chosen(rows, limits, nothing, naive) == naive


def test_one_sample_is_drawn_where_even_that_loses():
    accepted = np.full(2, 0.3)
    rows = accepting(np.zeros((2, 3)), accepted)
    assert len(chosen(rows, Limits.samples(2, 4), accepted, [0, 1, 0, 1])) == 1
