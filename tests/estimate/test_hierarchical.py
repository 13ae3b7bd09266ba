"""The hierarchical model: equal to its short specification, and well behaved where data are odd."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.allocate.greedy import greedy
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.swap import swap
from osca_cli.estimate.hierarchical import Model, hierarchical
from osca_cli.estimate.rows import CurveRows, coverage
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Outcomes
from tests.estimate import reference_model

FILES = (
    "bcb_hard",
    "codecontests_monkeys",
    "cruxeval_input",
    "gsm8k_pythia_checkpoints",
    "humaneval_prompts",
    "livecodebench_2024",
    "mcqa_gpt35_temps",
    "mcqa_temperature",
    "swebench_lite_agentless",
    "terminal_bench_core",
)


def outcomes_of(n: np.ndarray, c: np.ndarray, **more: object) -> Outcomes:
    return Outcomes.of([f"s{i}" for i in range(len(n))], [f"p{j}" for j in range(n.shape[1])], n, c, **more)


def pilot(file: Path, samples: int, problems: int = 80, configurations: int = 12) -> Outcomes:
    """A pilot of a real set: at most so many samples a cell, of some configurations and problems."""
    rng = np.random.default_rng(7)
    whole = read_outcomes(file)
    full = np.flatnonzero((whole.n > 0).all(axis=1))
    rows = np.sort(rng.permutation(full)[:configurations])
    columns = np.sort(rng.permutation(len(whole.problems))[:problems])
    n, c = whole.n[np.ix_(rows, columns)], whole.c[np.ix_(rows, columns)]
    drawn = np.minimum(n, samples)
    return outcomes_of(drawn, rng.hypergeometric(c, n - c, drawn))


@pytest.mark.parametrize("samples", [1, 4, 16])
@pytest.mark.parametrize("name", FILES)
def test_gives_the_curves_and_plans_of_its_specification(data_folder: Path, name: str, samples: int) -> None:
    outcomes = pilot(data_folder / f"{name}.json", samples)
    rows = hierarchical(outcomes, 16)
    table, weights = reference_model.tables(outcomes.n, outcomes.c, 16)
    assert isinstance(rows, CurveRows)
    np.testing.assert_allclose(rows.log_failure, table.transpose(1, 2, 0), atol=1e-9)
    np.testing.assert_allclose(rows.weights, weights, atol=1e-12)
    caps = np.full(len(outcomes.n), 6)
    for budget in (2, 8, 16):
        limits = Limits.samples(len(caps), budget, upper=caps)
        counts = swap(rows, limits, greedy(rows, limits))
        specified = reference_model.plan(table, weights, budget, caps)
        tied = abs(coverage(rows, counts) - coverage(rows, specified)) < 1e-9
        assert counts.tolist() == specified.tolist() or tied


@st.composite
def matrices(draw: st.DrawFn) -> Outcomes:
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 6)))
    n = np.array(
        draw(st.lists(st.integers(0, 40), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    )
    share = np.array(draw(st.lists(st.floats(0, 1), min_size=len(n), max_size=len(n))))
    once = draw(st.lists(st.booleans(), min_size=shape[0], max_size=shape[0]))
    c = np.rint(share * n).astype(int).reshape(shape)
    n = n.reshape(shape)
    c = np.where(np.array(once)[:, None], n * (c > n / 2), c)
    return outcomes_of(n, c, deterministic=once)


@settings(deadline=None, max_examples=60)
@given(matrices(), st.sampled_from([1, 7, 300]))
def test_curves_start_at_0_fall_and_are_convex_and_weights_sum_to_1(outcomes: Outcomes, horizon: int) -> None:
    rows = hierarchical(outcomes, horizon)
    assert rows.horizon == horizon
    assert rows.weights.min() > 0
    assert np.isclose(rows.weights.sum(), 1)
    for s in range(len(outcomes.n)):
        curve = np.stack([rows.curve(s, k) for k in range(horizon + 1)])
        assert np.isfinite(curve).all()
        assert (curve[0] == 0).all()
        steps = np.diff(curve, axis=0)
        assert steps.max() <= 1e-9
        assert np.diff(steps, axis=0).min(initial=0.0) >= -1e-8


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_problems_and_configurations_has_no_part_in_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, width = 6, 25
    n = rng.integers(0, 9, (size, width))
    c = rng.binomial(n, rng.beta(0.5, 0.8, width))
    s, p = rng.permutation(size), rng.permutation(width)
    rows = hierarchical(outcomes_of(n, c), 5)
    moved = hierarchical(outcomes_of(n[np.ix_(s, p)], c[np.ix_(s, p)]), 5)
    assert isinstance(rows, CurveRows)
    assert isinstance(moved, CurveRows)
    order = np.concatenate([p, np.arange(width, len(rows.weights))])
    np.testing.assert_allclose(moved.log_failure, rows.log_failure[s][:, :, order], atol=1e-6)


@pytest.mark.parametrize("share", [0, 1], ids=["all fail", "all pass"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (5, 1), (5, 30)])
@pytest.mark.parametrize("samples", [1, 1000])
def test_extremes_are_finite(shape: tuple[int, int], samples: int, share: int) -> None:
    n = np.full(shape, samples)
    rows = hierarchical(outcomes_of(n, n * share), 64)
    assert isinstance(rows, CurveRows)
    assert np.isfinite(rows.log_failure).all()
    failed = np.exp(rows.log_failure[0, 1, 0])
    assert failed < 0.4 if share else failed > 0.6


def test_a_cell_without_samples_is_unknown_and_learns_from_its_problem() -> None:
    n, c = np.full((3, 40), 8), np.zeros((3, 40), int)
    c[:, 20:] = 7
    n[0, [0, 39]] = c[0, [0, 39]] = 0
    rows = hierarchical(outcomes_of(n, c), 1)
    hard, easy = np.exp(rows.curve(0, 1)[[0, 39]])
    assert hard > 0.8
    assert easy < 0.35


def test_a_deterministic_configuration_is_known_once_seen_and_gains_by_one_sample_only() -> None:
    n, c = np.full((2, 10), 3), np.zeros((2, 10), int)
    c[0, :5], c[1] = 3, 1
    n[0, 9] = 0
    rows = hierarchical(outcomes_of(n, c, deterministic=[True, False]), 4)
    failure = np.exp([rows.curve(0, k) for k in range(5)])
    np.testing.assert_allclose(failure[1, :9], np.repeat([0, 1], [5, 4]), atol=1e-12)
    assert 0 < failure[1, 9] < 1
    np.testing.assert_array_equal(failure[1:], np.repeat(failure[1:2], 4, axis=0))


def test_knots_overstate_failure_by_little() -> None:
    rng = np.random.default_rng(1)
    n = np.full((3, 30), 4)
    outcomes = outcomes_of(n, rng.binomial(4, rng.beta(0.3, 1, n.shape)))
    far, near = hierarchical(outcomes, 2000), Model.fit(outcomes).given(outcomes)
    for count in (1, 32, 50, 200, 255, 1999):
        apart = far.curve(1, count)[:30] - near.log_failure(1, np.array([count]))[0]
        assert apart.min() >= -1e-12
        assert apart.max() < 0.005


def test_the_model_speaks_of_problems_that_it_was_not_fitted_to() -> None:
    n, c = np.full((2, 40), 8), np.zeros((2, 40), int)
    c[:, 20:] = 7
    model = Model.fit(outcomes_of(n, c))
    new = outcomes_of(np.array([[0, 0], [8, 8]]), np.array([[0, 0], [0, 8]]))
    hard, easy = np.exp(model.given(new).log_failure(0, np.array([0, 1])))[1]
    assert hard > 0.8
    assert easy < 0.35
