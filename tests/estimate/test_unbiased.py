from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.errors import MissingSamplesError, UsageError
from osca_cli.estimate.heldout import coverage_per_problem, missing
from osca_cli.estimate.unbiased import log_unbiased_failure, pass_at_k
from osca_cli.outcomes.types import Outcomes


@settings(deadline=None)
@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_pass(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    verdicts = [1] * c + [0] * (n - c)
    subsets = list(combinations(verdicts, k))
    expected = sum(any(subset) for subset in subsets) / len(subsets)
    assert pass_at_k(np.array([n]), np.array([c]), k)[0] == pytest.approx(expected, abs=1e-12)


def test_more_samples_than_there_are_is_refused_rather_than_invented():
    with pytest.raises(MissingSamplesError, match="pass@17"):
        log_unbiased_failure(np.array([16]), np.array([0]), 17)


def test_without_a_pass_failure_is_certain_without_rounding():
    assert log_unbiased_failure(np.array([10]), np.array([0]), 7)[0] == 0


OUTCOMES = Outcomes.of(["a", "b"], ["p", "q"], [[4, 4], [2, 1]], [[1, 0], [1, 1]], held_out=[1, 1])


def test_coverage_multiplies_the_unbiased_failures_of_configurations():
    coverage = coverage_per_problem(OUTCOMES, {"a": 2, "b": 1}, OUTCOMES.held_out)
    np.testing.assert_allclose(coverage, [1 - 0.5 * 0.5, 1.0])


def test_a_fraction_of_a_sample_is_drawn_on_that_share_of_the_problems():
    low, high = (coverage_per_problem(OUTCOMES, {"a": x}, OUTCOMES.held_out) for x in (2, 3))
    np.testing.assert_allclose(
        coverage_per_problem(OUTCOMES, {"a": 2.6}, OUTCOMES.held_out), 0.4 * low + 0.6 * high
    )


def test_missing_samples_are_named_by_cell_and_refused():
    assert missing(OUTCOMES, {"a": 3, "b": 2}, OUTCOMES.held_out) == {("b", "q"): 1}
    with pytest.raises(MissingSamplesError, match="1 of configuration 'b' on problem 'q'"):
        coverage_per_problem(OUTCOMES, {"a": 3, "b": 2}, OUTCOMES.held_out)


def test_an_unknown_configuration_is_refused():
    with pytest.raises(UsageError, match="'z'"):
        coverage_per_problem(OUTCOMES, {"z": 1}, OUTCOMES.held_out)


def test_a_deterministic_configuration_counts_once_however_often_it_is_drawn():
    outcomes = Outcomes.of(["a"], ["p", "q"], [[1, 1]], [[1, 0]], deterministic=[True])
    np.testing.assert_allclose(coverage_per_problem(outcomes, {"a": 5}, outcomes.train), [1, 0])
