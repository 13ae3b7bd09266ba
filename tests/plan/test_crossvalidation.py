"""What is claimed where nothing can be gained, and where samples end."""

import numpy as np
import pytest

from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.planner import make_plan
from osca_cli.spec.types import Budget


def equal_configurations(seed: int, samples: int) -> Outcomes:
    rng = np.random.default_rng(seed)
    n = np.full((6, 60), samples)
    c = rng.binomial(n, rng.beta(0.5, 0.9, 60))
    return Outcomes.of([f"s{i}" for i in range(6)], [f"p{j}" for j in range(60)], n, c)


@pytest.mark.parametrize(("samples", "budget"), [(4, 16), (16, 4)])
def test_equal_configurations_are_seldom_told_apart(samples: int, budget: int) -> None:
    """Also where the plain rate would understate the pure plan alone, which is drawn beyond its samples."""
    plans = [
        make_plan(equal_configurations(seed, samples), Budget("samples", budget), task="t")
        for seed in range(10)
    ]
    gains = [plan.over_best_pure for plan in plans]
    assert sum(gain is not None and gain.distinguishable for gain in gains) <= 1
