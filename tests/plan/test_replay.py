"""Beyond the samples: what they say is kept, and a model says the rest."""

import numpy as np
import pytest

from osca_cli.estimate.hierarchical import Model
from osca_cli.estimate.unbiased import pass_at_k
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.extrapolation import Extrapolation
from osca_cli.plan.replay import failure_of, replay


def drawn(seed: int, problems: int, samples: int) -> tuple[np.ndarray, Outcomes]:
    rng = np.random.default_rng(seed)
    rates = 1 / (1 + np.exp(-rng.normal(-1, 2, problems) - np.array([[0.0], [1.0]])))
    n = np.full(rates.shape, samples)
    ids = [f"p{seed}-{j}" for j in range(problems)]
    return rates, Outcomes.of(["a", "b"], ids, n, rng.binomial(n, rates))


@pytest.fixture(scope="module")
def extrapolation() -> Extrapolation:
    return Extrapolation(Model.fit(drawn(0, 400, 4)[1]), np.array([0, 1]))


def test_within_the_samples_no_model_has_a_say(extrapolation):
    _, outcomes = drawn(1, 50, 4)
    failure = failure_of(outcomes, np.array([3.0, 0.0]), extrapolation.to(outcomes))
    assert failure == pytest.approx(1 - pass_at_k(outcomes.n[0], outcomes.c[0], 3))


def test_without_trust_only_what_the_samples_solved_is_solved(extrapolation):
    _, outcomes = drawn(1, 50, 4)
    failure = failure_of(outcomes, np.array([16.0, 0.0]), extrapolation.to(outcomes), trust=0.0)
    assert failure == pytest.approx(np.where(outcomes.c[0] > 0, 0.0, 1.0), abs=1e-300)


def test_beyond_the_samples_the_mean_claim_is_the_truth_where_the_model_is_right(extrapolation):
    rates, outcomes = drawn(2, 4000, 4)
    claim = failure_of(outcomes, np.array([16.0, 8.0]), extrapolation.to(outcomes), trust=1.0)
    truth = (1 - rates[0]) ** 16 * (1 - rates[1]) ** 8
    assert claim.mean() == pytest.approx(truth.mean(), abs=0.015)


def test_a_schedule_ends_with_the_failure_of_its_counts(extrapolation):
    _, outcomes = drawn(3, 30, 4)
    model = extrapolation.to(outcomes)
    run = replay(outcomes, [1, 0] * 3 + [1] * 5, np.ones(outcomes.n.shape), model)
    assert run.failure == pytest.approx(failure_of(outcomes, np.array([3.0, 8.0]), model))
    assert (run.samples >= 1).all()
    assert (run.samples <= 11).all()
