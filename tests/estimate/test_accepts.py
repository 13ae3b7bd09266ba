import numpy as np
import pytest

from osca_cli.estimate.accepts import gathering, shrunk_rates
from osca_cli.estimate.intervals import share_interval


def test_what_nothing_tells_apart_has_the_limit_of_all_together():
    nothing, samples = np.zeros((4, 50), int), np.full((4, 50), 5)
    found = shrunk_rates(nothing, samples)
    (_, most) = share_interval(0, 1000)[1]
    assert found.most == pytest.approx(np.full(4, most))
    assert np.all(found.likely < found.most)


def test_what_is_told_apart_keeps_its_own_rate():
    random = np.random.default_rng(0)
    samples = np.full((3, 200), 5)
    found = shrunk_rates(random.binomial(samples, [[0.0], [0.02], [0.4]]), samples)
    assert found.likely == pytest.approx([0.002, 0.02, 0.4], abs=0.03)
    assert found.most[0] < 0.02 < found.most[1] < 0.06 < found.most[2] < 0.5


def test_one_sample_of_a_configuration_lends_from_the_others_and_is_limited_widely_without_them():
    alone = shrunk_rates(np.array([[0]]), np.array([[1]]))
    assert alone.most[0] > 0.9
    events, samples = np.zeros((2, 20), int), np.vstack([np.full(20, 10), np.eye(1, 20, dtype=int)])
    assert shrunk_rates(events, samples).most[1] < 0.03


def test_the_limits_hold_for_their_mean_and_mostly_for_each():
    random = np.random.default_rng(0)
    rates = np.array([0.01, 0.02, 0.03, 0.05])
    below, mean_below = [], []
    for _ in range(100):
        by_problem = random.beta(rates[:, None] * 4, (1 - rates[:, None]) * 4, (4, 60))
        samples = np.full((4, 60), 6)
        most = shrunk_rates(random.binomial(samples, by_problem), samples).most
        below.append(rates <= most)
        mean_below.append(rates.mean() <= most.mean())
    assert np.mean(mean_below) > 0.95
    assert np.mean(below) > 0.85


def test_events_that_gather_on_problems_count_for_less_and_tell_how_alike_problems_are():
    random = np.random.default_rng(1)
    samples = np.full((2, 2000), 5)
    alone = random.binomial(samples, 0.1)
    together = random.binomial(samples, np.where(random.random(2000) < 0.1, 1.0, 0.0))
    assert gathering(alone, samples)[0] < 1.15
    effect, strength = gathering(together, samples)
    assert effect == pytest.approx(10, rel=0.2)  # ten samples of a problem are one
    assert strength < 0.1
    by_problem = random.beta(0.1 * 3, 0.9 * 3, 2000)
    assert gathering(random.binomial(samples, by_problem), samples)[1] == pytest.approx(3, rel=0.3)


def test_everything_accepted_is_a_rate_below_1():
    every = np.full((2, 10), 4)
    found = shrunk_rates(every, every)
    assert np.all(found.likely < 1)
    assert np.all(found.most < 1)
