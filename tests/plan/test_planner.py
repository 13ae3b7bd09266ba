import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.errors import UsageError
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.planner import make_plan
from osca_cli.spec.types import Budget

TABLE = {
    1: 0.2880,
    2: 0.3906,
    4: 0.5079,
    8: 0.6056,
    16: 0.6933,
    32: 0.7559,
    64: 0.7992,
    128: 0.8415,
    256: 0.8761,
}
SWE = {1: 0.2196, 2: 0.2708, 4: 0.3205, 8: 0.3636, 16: 0.3979}


def samples(amount: float) -> Budget:
    return Budget("samples", amount)


def learned(seed: int = 0, *, problems: int = 20, pilot: int = 4, **more: object) -> Outcomes:
    """A pilot of three configurations, and as many held-out problems."""
    random = np.random.default_rng(seed)
    rates = random.beta(0.5, 1, (3, 2 * problems))
    ids = [f"p{index}" for index in range(2 * problems)]
    train = np.arange(2 * problems) < problems
    n = np.full(rates.shape, pilot)
    return Outcomes.of(
        ["a", "b", "c"], ids, n, random.binomial(n, rates), train=train, held_out=~train, **more
    )


@pytest.mark.parametrize(("budget", "pass_rate"), TABLE.items())
def test_the_release_is_reproduced_on_bigcodebench(data_folder, budget, pass_rate):
    outcomes = read_outcomes(data_folder / "osca-release" / "bcb_results.json")
    plan = make_plan(outcomes, samples(budget), task="bcb", estimator="plugin", solver="exact")
    assert plan.held_out.pass_rate == pytest.approx(pass_rate, abs=5e-5)
    assert plan.certificate.gap <= 1e-6
    assert not plan.in_sample


@pytest.mark.parametrize(("budget", "pass_rate"), SWE.items())
def test_the_release_is_reproduced_on_swebench_with_a_warning(data_folder, budget, pass_rate):
    outcomes = read_outcomes(data_folder / "osca-release" / "swebench_agentless.json")
    plan = make_plan(outcomes, samples(budget), task="swe", estimator="plugin", solver="exact")
    assert plan.held_out.pass_rate == pytest.approx(pass_rate, abs=5e-5)
    assert plan.certificate.gap <= 1e-6
    assert plan.in_sample
    assert "300 held-out problems are training problems too" in plan.notes[0]


@pytest.mark.parametrize(("budget", "pure", "uniform"), [(8, 0.5709, 0.5048), (16, 0.6389, 0.5910)])
def test_the_baselines_of_the_release_are_reproduced(data_folder, budget, pure, uniform):
    outcomes = read_outcomes(data_folder / "osca-release" / "bcb_results.json")
    plan = make_plan(outcomes, samples(budget), task="bcb", estimator="plugin")
    assert plan.certificate.gap < 0.002
    assert plan.best_pure.held_out.pass_rate == pytest.approx(pure, abs=5e-5)
    assert plan.uniform.held_out.pass_rate == pytest.approx(uniform, abs=5e-5)


def test_a_plan_draws_exactly_its_budget_in_the_order_of_its_schedule():
    plan = make_plan(learned(), samples(7), task="t")
    assert sum(plan.allocation.values()) == 7
    assert {name: plan.schedule.count(name) for name in plan.allocation} == dict(plan.allocation)
    assert plan.expected.measured.problems == 20
    assert 1 <= plan.expected.samples <= 7


def test_the_same_input_gives_the_same_plan_but_for_the_clock():
    ticks = iter(range(10))
    first, second = (
        make_plan(learned(), samples(6), task="t", clock=lambda: float(next(ticks) % 2)).to_json()
        for _ in range(2)
    )
    assert json.dumps(first) == json.dumps(second)
    assert first["certificate"]["seconds"] == 1.0


def test_expectations_do_not_depend_on_the_order_of_problems():
    outcomes = learned()
    order = np.random.default_rng(1).permutation(40)
    shuffled = Outcomes.of(
        outcomes.configurations,
        [outcomes.problems[index] for index in order],
        outcomes.n[:, order],
        outcomes.c[:, order],
        train=outcomes.train[order],
        held_out=outcomes.held_out[order],
    )
    first, second = (make_plan(one, samples(4), task="t") for one in (outcomes, shuffled))
    assert first.expected.measured.pass_rate == pytest.approx(second.expected.measured.pass_rate)
    assert first.allocation == second.allocation


def test_held_out_problems_do_not_change_what_is_chosen_or_expected():
    outcomes = learned()
    c = np.where(outcomes.held_out, outcomes.n, outcomes.c)
    other = Outcomes.of(
        outcomes.configurations,
        outcomes.problems,
        outcomes.n,
        c,
        train=outcomes.train,
        held_out=outcomes.held_out,
    )
    first, second = (make_plan(one, samples(4), task="t", clock=lambda: 0.0) for one in (outcomes, other))
    assert first.allocation == second.allocation
    assert first.expected == second.expected
    assert second.held_out.pass_rate == 1


def test_held_out_is_null_where_samples_are_missing():
    plan = make_plan(learned(pilot=2), samples(9), task="t", estimator="plugin")
    assert plan.held_out is None
    assert any("(1 - c/n)^x stands in" in note for note in plan.notes)


def test_one_problem_is_planned_but_nothing_is_expected():
    outcomes = Outcomes.of(["a", "b"], ["p"], [[4], [4]], [[1], [2]])
    plan = make_plan(outcomes, samples(4), task="t", estimator="plugin")
    assert plan.allocation == {"b": 4}
    assert plan.expected is None
    assert plan.over_best_pure is None
    assert plan.to_json()["expected"] is None


def test_three_problems_are_evaluated_by_leaving_one_out():
    plan = make_plan(
        Outcomes.of(["a", "b"], list("pqr"), [[4] * 3] * 2, [[1, 0, 3], [2, 4, 0]]), samples(2), task="t"
    )
    assert plan.expected.measured.problems == 3


def test_problems_without_a_sample_of_what_the_plan_draws_are_left_out_and_counted():
    n = np.full((2, 10), 4)
    n[0, :3] = 0
    outcomes = Outcomes.of(["a", "b"], [f"p{i}" for i in range(10)], n, np.minimum(n, 2))
    plan = make_plan(outcomes, samples(2), task="t", estimator="plugin")
    assert plan.expected.left_out == 3
    assert plan.expected.measured.problems == 7


def test_where_nothing_passed_the_budget_is_spread_evenly():
    plan = make_plan(Outcomes.of(["a", "b"], ["p", "q"], [[4] * 2] * 2, [[0] * 2] * 2), samples(4), task="t")
    assert plan.allocation == {"a": 2, "b": 2}
    assert plan.because.startswith("Nothing passed")


def test_caps_and_deterministic_configurations_are_kept():
    outcomes = Outcomes.of(
        ["a", "b"], ["p", "q"], [[1, 1], [4, 4]], [[1, 0], [1, 1]], deterministic=[1, 0], max_samples=[9, 2]
    )
    plan = make_plan(outcomes, samples(8), task="t")
    assert plan.allocation == {"a": 1, "b": 2}
    assert "caps leave room for 3 of the 8 samples" in plan.notes


def test_a_gain_that_data_cannot_tell_from_none_is_said_in_words():
    plan = make_plan(learned(problems=6), samples(2), task="t")
    assert plan.over_best_pure.interval[0] <= 0 <= plan.over_best_pure.interval[1]
    assert "not distinguishable" in plan.because or "no mix solves more" in plan.because


def test_a_configuration_without_samples_is_not_planned_and_named():
    outcomes = Outcomes.of(["a", "b"], ["p", "q"], [[4, 4], [0, 0]], [[1, 0], [0, 0]])
    plan = make_plan(outcomes, samples(2), task="t")
    assert plan.allocation == {"a": 2}
    assert any(note.endswith("problems: b") for note in plan.notes)


PRICED = Outcomes.of(
    ["dear", "cheap", "free"],
    [f"p{i}" for i in range(8)],
    np.full((3, 8), 6),
    np.random.default_rng(5).integers(0, 7, (3, 8)),
    costs={"usd": np.repeat([[0.05], [0.01], [0.0]], 8, axis=1)},
    max_samples=[9, 9, 2],
)


def test_a_budget_in_usd_bounds_the_cost_and_draws_what_is_free_up_to_its_cap():
    plan = make_plan(PRICED, Budget("usd", 0.08), task="t")
    cost = {"dear": 0.05, "cheap": 0.01, "free": 0.0}
    assert sum(cost[name] * count for name, count in plan.allocation.items()) <= 0.08 + 1e-9
    assert plan.allocation["free"] == 2
    assert plan.schedule[:2] == ("free", "free")
    assert plan.expected.usd <= 0.08


@pytest.mark.parametrize(
    ("outcomes", "budget", "words"),
    [
        (PRICED, Budget("usd", 0.000001), None),
        (PRICED.select([0, 1]), Budget("usd", 0.005), "the cheapest costs 0.01 usd"),
        (PRICED, Budget("seconds", 3), "needs costs in seconds"),
        (learned(), samples(0), "below one sample"),
        (learned(), samples(2.5), "a whole number, not 2.5"),
        (learned().with_split(np.zeros(40, bool), np.ones(40, bool)), samples(4), "no training problem"),
        (
            Outcomes.of(["a"], ["p"], [[1]], [[1]], costs={"usd": [[0.0]]}),
            Budget("usd", 1),
            "give it max_samples",
        ),
        (
            Outcomes.of(["a", "b"], ["p"], [[1], [1]], [[1], [1]], costs={"usd": [[np.nan], [1.0]]}),
            Budget("usd", 1),
            "configuration 'a' has no known cost in usd",
        ),
    ],
)
def test_a_budget_that_buys_nothing_is_refused(outcomes, budget, words):
    if words is None:
        assert make_plan(outcomes, budget, task="t").allocation == {"free": 2}
        return
    with pytest.raises(UsageError, match=words):
        make_plan(outcomes, budget, task="t")


def test_the_best_pure_configuration_needs_more_samples_to_solve_as_much(data_folder):
    outcomes = read_outcomes(data_folder / "osca-release" / "bcb_results.json")
    plan = make_plan(outcomes, samples(32), task="bcb", estimator="plugin")
    assert plan.best_pure.needs.value == pytest.approx(82 / 32)
    assert not plan.best_pure.needs.at_least
    assert plan.pays_back_after == 210_000 / (82 - 32)


def test_required_and_forbidden_configurations():
    plan = make_plan(learned(), samples(5), task="t", require=["a"], forbid=["b"])
    assert plan.allocation["a"] >= 1
    assert "b" not in plan.allocation
    with pytest.raises(UsageError, match="'z' is not among"):
        make_plan(learned(), samples(5), task="t", require=["z"])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_what_is_expected_of_ragged_outcomes_is_always_a_probability(seed, budget):
    random = np.random.default_rng(seed)
    n = random.integers(0, 5, (3, int(random.integers(1, 9))))
    n[0, 0] = 1
    outcomes = Outcomes.of(list("abc"), [f"p{i}" for i in range(n.shape[1])], n, random.integers(0, n + 1))
    plan = make_plan(outcomes, samples(budget), task="t")
    assert sum(plan.allocation.values()) == budget
    if plan.expected:
        low, high = plan.expected.measured.interval
        assert 0 <= low <= plan.expected.measured.pass_rate <= high <= 1
    json.dumps(plan.to_json(), allow_nan=False)
