"""Samples of schedules that stopped at the first pass: the model may count them, counting may not."""

from dataclasses import replace

import numpy as np

from osca_cli.estimate.hierarchical import Model, pass_rates
from osca_cli.outcomes.types import Outcomes, Stopped

SCHEDULE = [0, 0, 1, 0, 1, 2, 0, 1]


def outcomes_of(n: np.ndarray, c: np.ndarray, stopped: Stopped | None = None) -> Outcomes:
    names, ids = [f"s{i}" for i in range(len(n))], [f"p{j}" for j in range(n.shape[1])]
    return replace(Outcomes.of(names, ids, n, c), stopped=stopped)


def rates_of(rng: np.random.Generator, problems: int) -> np.ndarray:
    """Three configurations on problems of very different ease."""
    ease = rng.normal(-0.5, 2, problems)
    return 1 / (1 + np.exp(-(ease + np.array([[0.5], [0], [-0.5]]) + rng.normal(0, 0.7, (3, problems)))))


def executed(rates: np.ndarray, rng: np.random.Generator) -> Stopped:
    n, c = np.zeros(rates.shape, int), np.zeros(rates.shape, int)
    unsolved = np.ones(rates.shape[1], bool)
    for s in SCHEDULE:
        passed = unsolved & (rng.random(unsolved.size) < rates[s])
        n[s] += unsolved
        c[s] += passed
        unsolved &= ~passed
    return Stopped(n, c, n)


def test_rates_are_within_their_intervals_at_the_nominal_rate_and_naive_ratios_are_wrong():
    held, naive, pooled, apart = [], [], [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rates, truth = rates_of(rng, 100), rates_of(rng, 20_000).mean(axis=1)
        n = np.where(np.arange(100) < 40, 4, 0) * np.ones((3, 1), int)
        c = rng.binomial(n, rates)
        stopped = executed(np.where(n > 0, 0.0, rates), rng)
        stopped = Stopped(np.where(n > 0, 0, stopped.n), np.where(n > 0, 0, stopped.c), n)
        found = pass_rates(outcomes_of(n, c, stopped), rng.permutation(np.arange(100) % 10))
        held += [low <= true <= high for (_, (low, high)), true in zip(found, truth, strict=True)]
        here = rates.mean(axis=1)  # the same problems: less noise than in the truth
        apart.append([rate - true for (rate, _), true in zip(found, here, strict=True)])
        drawn = stopped.n > 0
        naive.append([(stopped.c[s, drawn[s]] / stopped.n[s, drawn[s]]).mean() for s in range(3)] - here)
        pooled.append(stopped.c.sum(axis=1) / stopped.n.sum(axis=1) - here)

    assert np.mean(held) > 0.85  # of 18; 95% are meant to be
    assert np.abs(np.mean(apart, axis=0)).max() < 0.03
    assert np.mean(naive, axis=0)[0] > 0.04  # first in the schedule: easy problems stop at c/n = 1
    assert np.mean(naive, axis=0)[1:].max() < -0.04  # later: easy problems never get there
    assert np.mean(pooled, axis=0).max() < -0.1  # hard problems have more samples


def test_stopped_samples_that_are_none_change_nothing():
    rng = np.random.default_rng(0)
    n = np.full((3, 30), 4)
    c = rng.binomial(n, rates_of(rng, 30))
    nothing = Stopped(np.zeros_like(n), np.zeros_like(n), np.zeros_like(n))
    k = np.arange(5)
    first, second = (
        Model.fit(one).given(one).log_failure(1, k) for one in (outcomes_of(n, c), outcomes_of(n, c, nothing))
    )
    np.testing.assert_array_equal(first, second)
