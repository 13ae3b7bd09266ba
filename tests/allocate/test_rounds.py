"""Rounds: the cheapest cuts, by brute force over all of them; giving up, by brute force over depths."""

import itertools

import numpy as np
import pytest

from osca_cli.allocate.rounds import cheapest_rounds, rounds_within, sizes_of
from osca_cli.allocate.schedule import worth_their_price


def curve(seed: int, depth: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    unsolved = np.concatenate([[1.0], np.cumprod(rng.uniform(0.6, 1.0, depth))])
    return unsolved, rng.uniform(0.5, 3.0, depth)


def spend(unsolved, costs, sizes) -> float:
    total, start = 0.0, 0
    for size in sizes:
        total += unsolved[start] * costs[start : start + size].sum()
        start += size
    return total


def all_sizes(depth: int, rounds: int):
    for number in range(1, rounds + 1):
        for cuts in itertools.combinations(range(1, depth), number - 1):
            edges = (0, *cuts, depth)
            yield tuple(b - a for a, b in itertools.pairwise(edges))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_no_other_rounds_are_cheaper(seed, rounds):
    unsolved, costs = curve(seed, 9)

    found, begins = cheapest_rounds(unsolved, costs, rounds)
    sizes = sizes_of(begins, 9)

    assert sum(sizes) == 9
    assert len(sizes) <= rounds
    assert found[-1, 9] == pytest.approx(spend(unsolved, costs, sizes))
    assert found[-1, 9] == pytest.approx(min(spend(unsolved, costs, s) for s in all_sizes(9, rounds)))


def test_as_many_rounds_as_samples_draw_one_at_a_time():
    unsolved, costs = curve(0, 5)

    assert sizes_of(cheapest_rounds(unsolved, costs, 5)[1], 5) == (1, 1, 1, 1, 1)


@pytest.mark.parametrize("seed", range(6))
def test_rounds_of_a_shared_budget_reach_as_deep_as_it_lasts(seed):
    unsolved, costs = curve(seed, 12)
    budget = costs[:4].sum()

    sizes = rounds_within(unsolved, costs, 3, budget, 4)

    reached = sum(sizes)
    assert reached >= 4
    assert spend(unsolved, costs, sizes) <= budget + 1e-9
    deeper = (
        [spend(unsolved, costs[: reached + 1], s) for s in all_sizes(reached + 1, 3)] if reached < 12 else []
    )
    assert all(one > budget for one in deeper)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("price", [2.0, 8.0, 30.0])
def test_up_to_the_depth_of_giving_up_solves_are_worth_their_price_and_beyond_it_none_is(seed, price):
    unsolved, costs = curve(seed, 15)
    after = worth_their_price(unsolved, costs, price)
    spent = np.concatenate([[0.0], np.cumsum(costs * unsolved[:-1])])

    for depth in range(after):  # what was still drawn was worth it, to its end
        assert spent[after] - spent[depth] <= price * (unsolved[depth] - unsolved[after]) + 1e-9
    for depth in range(after + 1, 16):  # however far one went on, it would not have been
        assert spent[depth] - spent[after] >= price * (unsolved[after] - unsolved[depth]) - 1e-9
