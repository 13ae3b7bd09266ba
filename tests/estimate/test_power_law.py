import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.estimate.power_law import coverage_curve, fit_power_law

K = np.array([1, 2, 4, 8, 16, 32, 64, 128])


@settings(deadline=None, max_examples=40)
@given(st.floats(0.3, 4.0), st.floats(0.05, 0.9))
def test_a_curve_that_is_a_power_law_gives_its_own_parameters_back(scale, exponent):
    law = fit_power_law(K, np.exp(-scale * K.astype(float) ** -exponent))

    assert law is not None
    assert law.scale == pytest.approx(scale, rel=1e-4)
    assert law.exponent == pytest.approx(exponent, rel=1e-4)
    assert law.fits


def test_no_law_is_nearer_to_a_curve_than_the_one_that_is_fitted():
    coverage = np.array([0.2, 0.29, 0.41, 0.5, 0.6, 0.64, 0.69, 0.72])
    law = fit_power_law(K, coverage)

    def squares(scale, exponent):
        return np.sum((np.exp(-scale * K.astype(float) ** -exponent) - coverage) ** 2)

    best = squares(law.scale, law.exponent)
    near = [(law.scale * a, law.exponent * b) for a in (0.97, 1, 1.03) for b in (0.97, 1, 1.03)]
    assert all(squares(*other) >= best - 1e-12 for other in near)


def test_problems_that_are_never_solved_bend_the_curve_away_and_that_is_said():
    """Half of the problems pass at 0.4, half never: coverage saturates, and no power law does."""
    coverage = 0.5 * (1 - 0.6**K)
    law = fit_power_law(K, coverage)

    assert not law.fits
    assert law.misfit > 0.01
    assert law.surprise < 0, "a law fitted to the first quarter expects more than comes"


@pytest.mark.parametrize("coverage", [[0.0] * 8, [1.0] * 8, [0.0] * 6 + [0.1, 0.2]])
def test_where_nothing_varies_there_is_no_law(coverage):
    assert fit_power_law(K, np.array(coverage)) is None


def test_coverage_counts_the_problems_that_have_samples_up_to_the_least_they_have():
    k, coverage = coverage_curve(np.array([6, 8, 0]), np.array([6, 0, 0]))

    assert k.tolist() == [1, 2, 4, 6]
    assert coverage.tolist() == [0.5] * 4
    assert len(coverage_curve(np.zeros(2, int), np.zeros(2, int))[0]) == 0
