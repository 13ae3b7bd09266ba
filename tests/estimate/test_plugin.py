import numpy as np

from osca_cli.estimate.plugin import plugin, plugin_rates
from osca_cli.estimate.rows import coverage
from osca_cli.outcomes.types import Outcomes


def test_a_cell_without_samples_is_unknown_not_a_rate_of_zero():
    outcomes = Outcomes.of(["a", "b"], ["p", "q", "r"], [[4, 0, 4], [0, 0, 0]], [[1, 0, 3], [0, 0, 0]])
    np.testing.assert_allclose(plugin_rates(outcomes), [[0.25, 0.5, 0.75], [0, 0, 0]])


def test_coverage_under_the_plug_in_is_the_papers_objective():
    outcomes = Outcomes.of(["a", "b"], ["p", "q"], [[4, 4], [2, 2]], [[1, 4], [1, 0]])
    expected = 1 - np.mean([0.75**2 * 0.5, 0.0])
    assert abs(coverage(plugin(outcomes), np.array([2, 1])) - expected) < 1e-12
