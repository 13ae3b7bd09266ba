import numpy as np
import pytest

from osca_cli.estimate.intervals import mean_interval, paired_interval


def test_a_mean_never_looks_certain():
    mean, (low, high) = mean_interval(np.ones(4))
    assert mean == 1
    effective, z2 = 4 * (5 / 36) / (1 / 6), 1.959964**2
    assert low == pytest.approx(1 / (1 + z2 / effective))
    assert high == 1


def test_a_paired_difference_has_students_interval_with_two_problems_added():
    difference, (low, high) = paired_interval(np.array([0.5, 0.7, 0.9]), np.array([0.4, 0.4, 0.4]))
    assert difference == pytest.approx(0.3)
    unseen = 2 * 0.1**2 / 3
    assert high - difference == pytest.approx(4.302653 * ((0.2**2 + unseen) / 3) ** 0.5)
    assert low == pytest.approx(2 * difference - high)


def test_what_is_equal_but_for_rounding_is_equal():
    a = np.array([0.1, 0.2, 0.3])
    assert paired_interval(a + 1e-16, a) == (0, (0, 0))


def test_of_one_problem_nothing_is_claimed():
    assert paired_interval(np.array([1.0]), np.array([0.0])) == (1, (-1, 1))


def test_intervals_of_means_cover_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(500):
        low, high = mean_interval(random.beta(0.5, 1.0, 60))[1]
        covered += low <= 1 / 3 <= high
    assert 0.93 <= covered / 500 <= 0.99
