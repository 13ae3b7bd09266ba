"""What more pilot would buy, on made matrices that say what it should."""

import numpy as np
import pytest

from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.advice import advise
from osca_cli.plan.doublings import NEXT_OF_LAST
from osca_cli.spec.types import Budget


def pilot(rng: np.random.Generator, rates: np.ndarray, samples: int, **more: object) -> Outcomes:
    names, ids = [f"s{i}" for i in range(len(rates))], [f"p{j}" for j in range(rates.shape[1])]
    n = np.full(rates.shape, samples)
    return Outcomes.of(names, ids, n, rng.binomial(n, rates), **more)


def specialists(rng: np.random.Generator, problems: int) -> np.ndarray:
    """Four kinds of problems, each of which four configurations solve, some better, and nobody else."""
    kind = rng.integers(0, 4, problems)
    good = rng.uniform(0.2, 0.95, 16)
    return np.where(kind == np.arange(16)[:, None] % 4, good[:, None], 0.03)


def test_where_more_problems_show_who_solves_what_it_says_so() -> None:
    rng = np.random.default_rng(2)
    advice = advise(pilot(rng, specialists(rng, 60), 4), Budget("samples", 4), task="t")

    gains = {option.more: option.gain for option in advice.options}
    assert advice.recommended.more == "problems"
    assert advice.recommended.problems == 120
    assert gains["problems"].interval[0] > 0
    assert "problems" in advice.because


def test_where_all_is_equal_more_pilot_buys_nothing_distinguishable() -> None:
    rng = np.random.default_rng(0)
    rates = np.tile(rng.beta(0.5, 0.9, 50), (3, 1))
    advice = advise(pilot(rng, rates, 4), Budget("samples", 4), task="t")

    assert advice.recommended.more == "nothing"
    assert "nothing distinguishable" in advice.because
    assert all(abs(option.gain.value) < 0.03 for option in advice.options[1:])


@pytest.mark.parametrize(("samples", "drawn"), [(1, 40), (8, 20)])
def test_with_little_data_samples_on_every_problem_come_first(samples: int, drawn: int) -> None:
    rng = np.random.default_rng(0)
    outcomes = pilot(rng, rng.beta(0.5, 0.9, (3, 40)), samples)
    mask = np.arange(40) < drawn
    n, c = np.where(mask, outcomes.n, 0), np.where(mask, outcomes.c, 0)
    advice = advise(
        Outcomes.of(outcomes.configurations, outcomes.problems, n, c), Budget("samples", 4), task="t"
    )

    wanted = max(4, samples)
    assert (advice.recommended.more, advice.recommended.samples) == ("samples", wanted)
    assert advice.recommended.problems == 40
    assert advice.recommended.draws == 3 * 40 * wanted - n.sum()
    assert "every problem" in advice.because


def test_a_handful_of_problems_is_too_few_to_tell() -> None:
    rng = np.random.default_rng(0)
    advice = advise(pilot(rng, rng.beta(0.5, 0.9, (3, 12)), 8), Budget("samples", 4), task="t")

    assert advice.recommended.more == "problems"
    assert all(option.gain is None for option in advice.options)


def test_doubling_costs_as_much_again_in_the_unit_of_the_budget() -> None:
    rng = np.random.default_rng(0)
    usd = np.tile([[0.01], [0.03]], (1, 12))
    outcomes = pilot(rng, rng.beta(0.5, 0.9, (2, 12)), 8, costs={"usd": usd})
    advice = advise(outcomes, Budget("usd", 0.1), task="t")

    assert [option.draws for option in advice.options] == [0, 192, 192]
    assert advice.options[1].price == pytest.approx(96 * 0.04)


def test_the_next_doubling_gains_less_than_the_last() -> None:
    """As where coverage falls short by 1 / sqrt(m)."""
    short = lambda m: m**-0.5  # noqa: E731
    assert NEXT_OF_LAST["samples"] == pytest.approx((short(1) - short(2)) / (short(0.5) - short(1)))
    assert NEXT_OF_LAST["problems"] == pytest.approx((short(1) - short(2)) / (short(0.4) - short(0.8)))
