"""Errors of means: jackknife by cluster, ratios, weighted sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.estimate.intervals import mean_interval, paired_interval
from osca_cli.estimate.spread import Spread, difference_of, ratio_interval, spread_of, student, together

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=8)


def test_without_clusters_it_is_the_variance_of_a_mean_that_everybody_knows():
    values = np.array([0.1, 0.7, 0.4, 1.0])
    spread = spread_of(values)

    assert spread.variance == pytest.approx(np.var(values, ddof=1) / 4)
    assert spread.degrees == pytest.approx(3)


@given(SIZES)
def test_degrees_of_freedom_are_those_of_the_covariance_written_out(sizes):
    n, total = np.array(sizes, float), sum(sizes)
    # Sums of residuals by cluster, if every cluster has one value: S = M z with independent z.
    matrix = np.diag(n) - np.outer(n, n) / total
    terms = matrix / (total - n)[:, None]
    covariance = terms @ terms.T
    expected = np.trace(covariance) ** 2 / np.sum(covariance**2)

    found = spread_of(np.arange(total) % 3, np.repeat(np.arange(len(sizes)), sizes)).degrees

    assert found == pytest.approx(expected)
    assert found <= len(sizes) - 1 + 1e-9


def test_clusters_of_equal_problems_count_once_each():
    values = np.array([0.2, 0.9, 0.5, 0.4])
    singly = spread_of(values)
    by_three = spread_of(np.repeat(values, 3), np.repeat(np.arange(4), 3))

    assert by_three.variance == pytest.approx(singly.variance)
    assert by_three.degrees == pytest.approx(singly.degrees)


@pytest.mark.parametrize("measure", [lambda v, c: mean_interval(v, clusters=c)[1],
                                     lambda v, c: paired_interval(v, 0 * v, clusters=c)[1]])  # fmt: skip
def test_one_cluster_says_nothing(measure):
    low, high = measure(np.array([0.2, 0.9, 0.5]), np.zeros(3, int))

    assert (low, high) in {(0, 1), (-1, 1)}


def test_clustered_intervals_hold_the_truth_where_single_ones_do_not():
    random = np.random.default_rng(1)
    clusters = np.repeat(np.arange(12), [2, 2, 3, 3, 4, 4, 5, 6, 8, 10, 12, 20])
    held = {"by cluster": 0, "singly": 0}
    for _ in range(500):
        level = 0.5 + random.normal(0, 0.15, 12)
        values = level[clusters] + random.normal(0, 0.1, len(clusters))
        for how, given_ in (("by cluster", clusters), ("singly", None)):
            low, high = spread_of(values, given_).interval()
            held[how] += low <= 0.5 <= high

    assert held["by cluster"] >= 0.94 * 500
    assert held["singly"] < 0.8 * 500


def test_a_sum_of_two_samples_has_welchs_degrees():
    a, b = np.array([0.1, 0.5, 0.9, 0.3]), np.array([0.2, 0.4, 0.9])
    spread = together([spread_of(a), spread_of(b)], [1, -1])
    va, vb = np.var(a, ddof=1) / 4, np.var(b, ddof=1) / 3

    assert spread.variance == pytest.approx(va + vb)
    assert spread.degrees == pytest.approx((va + vb) ** 2 / (va**2 / 3 + vb**2 / 2))
    assert together([spread_of(a)], [1]) == spread_of(a)


def test_the_ends_of_a_ratio_are_where_the_difference_is_just_not_distinguishable():
    random = np.random.default_rng(0)
    cost, passes = random.uniform(0.5, 2, 60), random.uniform(0.2, 1, 60)
    low, high = ratio_interval(spread_of(cost), spread_of(passes), spread_of(cost + passes))

    assert low < cost.mean() / passes.mean() < high
    for ratio in (low, high):
        assert spread_of(cost - ratio * passes).p_value() == pytest.approx(0.05)


def test_a_ratio_to_what_may_be_nothing_is_not_bounded():
    passes = np.array([0, 0, 0, 0.1])
    cost = np.ones(4)

    assert ratio_interval(spread_of(cost), spread_of(passes), spread_of(cost + passes))[1] == np.inf


def test_a_p_value_is_below_a_level_where_its_interval_leaves_out_0():
    spread = Spread(0.3, 0.02, 11)
    level = spread.p_value()

    assert spread.interval(1 - level)[0] == pytest.approx(0, abs=1e-12)
    assert student(0.95, 11) == pytest.approx(2.200985)
    assert difference_of(np.ones(3), np.ones(3)).p_value() == 1
