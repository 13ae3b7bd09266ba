import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution

from osca_cli.errors import UsageError
from osca_cli.estimate.beta import beta, fit_prior
from osca_cli.outcomes.types import Outcomes


def simulated(
    mean: float, concentration: float, pilot: int, problems: int = 4000
) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    rates = random.beta(mean * concentration, (1 - mean) * concentration, problems)
    return np.full(problems, pilot), random.binomial(pilot, rates)


@pytest.mark.parametrize("truth", [(0.3, 0.5), (0.6, 4.0), (0.05, 2.0)])
def test_the_prior_is_recovered_from_many_problems(truth):
    mean, concentration = fit_prior(*simulated(*truth, pilot=16))
    assert mean == pytest.approx(truth[0], abs=0.02)
    assert np.log(concentration) == pytest.approx(np.log(truth[1]), abs=0.3)


def test_one_sample_a_cell_leaves_the_concentration_at_its_prior():
    mean, concentration = fit_prior(*simulated(0.3, 20.0, pilot=1))
    assert mean == pytest.approx(0.3, abs=0.02)
    assert concentration == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("passes", [0, 1])
def test_all_fails_or_all_passes_leave_a_proper_prior(passes):
    mean, concentration = fit_prior(np.full(5, 3), np.full(5, 3 * passes))
    assert 0 < mean < 1
    assert 0 < concentration < np.inf


def test_a_curve_is_the_logarithm_of_the_posterior_mean_failure():
    outcomes = Outcomes.of(["a"], ["p", "q", "r"], [[4, 4, 0]], [[1, 4, 0]])
    mean, concentration = fit_prior(outcomes.n[0], outcomes.c[0])
    table = beta(outcomes, 6).log_failure
    for column, (n, c) in enumerate([(4, 1), (4, 4), (0, 0)]):
        posterior = beta_distribution(mean * concentration + c, (1 - mean) * concentration + n - c)
        expected = quad(lambda q, posterior=posterior: q**6 * posterior.pdf(1 - q), 0, 1)[0]
        assert np.exp(table[0, 6, column]) == pytest.approx(expected, rel=1e-4)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9))
def test_curves_start_at_0_fall_and_are_convex(seed):
    random = np.random.default_rng(seed)
    n = random.integers(0, 6, (2, 5))
    rows = beta(Outcomes.of(["a", "b"], list("pqrst"), n, random.integers(0, n + 1)), 9)
    steps = np.diff(rows.log_failure, axis=1)
    assert np.all(rows.log_failure[:, 0] == 0)
    assert np.all(steps < 0)
    assert np.all(np.diff(steps, axis=1) >= -1e-12)


def test_what_does_not_fit_in_memory_is_refused():
    outcomes = Outcomes.of(["a"], ["p"], [[1]], [[1]])
    with pytest.raises(UsageError, match="--estimator plugin"):
        beta(outcomes, 10**9)
