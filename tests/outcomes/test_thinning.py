"""Ablations: had fewer samples or problems been drawn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.outcomes.thinning import fewer_problems, fewer_samples
from osca_cli.outcomes.types import Outcomes


def outcomes(seed: int) -> Outcomes:
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 9, (3, 10))
    train = np.arange(10) < 6
    return Outcomes.of(
        configurations=("a", "b", "c"),
        problems=tuple(f"p{i}" for i in range(10)),
        n=n,
        c=rng.integers(0, n + 1),
        train=train,
        held_out=~train,
    )


@given(st.integers(0, 100), st.integers(0, 8))
def test_training_cells_keep_at_most_so_many_and_held_out_cells_all(seed, most):
    whole = outcomes(seed)
    thin = fewer_samples(whole, most, np.random.default_rng(seed))

    assert (thin.n[:, whole.train] == np.minimum(whole.n, most)[:, whole.train]).all()
    assert (thin.n[:, whole.held_out] == whole.n[:, whole.held_out]).all()
    assert (thin.c[:, whole.held_out] == whole.c[:, whole.held_out]).all()
    assert (thin.c <= whole.c).all()
    assert (thin.n - thin.c <= whole.n - whole.c).all()


def test_a_thinned_pass_rate_is_unbiased():
    whole = Outcomes.of(["a"], ["p"], [[10]], [[3]])
    rng = np.random.default_rng(0)

    passes = [fewer_samples(whole, 4, rng).c.item() for _ in range(4000)]

    assert abs(np.mean(passes) / 4 - 0.3) < 0.01


@given(st.integers(0, 100), st.floats(0.01, 1))
def test_a_share_of_the_training_problems_stays(seed, share):
    whole = outcomes(seed)
    thin = fewer_problems(whole, share, np.random.default_rng(seed))

    assert thin.train.sum() == max(1, round(share * 6))
    assert not (thin.train & ~whole.train).any()
    assert (thin.held_out == whole.held_out).all()
