import numpy as np
import pytest

from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.accepted import Wrong, right_and_wrong
from osca_cli.plan.certified import make_certified_plan
from osca_cli.plan.decision import Search
from osca_cli.plan.planner import make_plan
from osca_cli.spec.types import Budget

NAMES = ["a", "b", "c"]


def true_rates(random: np.random.Generator, problems: int) -> Floats:
    """Pass rates of three configurations, of which four problems in ten are never solved."""
    return random.beta(0.6, 1.2, (3, problems)) * (random.random(problems) > 0.4)


def verified(
    random: np.random.Generator, rates: Floats, samples: int, rate: float, **more: object
) -> Outcomes:
    """A pilot by a verifier that accepts wrong samples at a rate."""
    accepts = rates + (1 - rates) * rate
    n = np.full(rates.shape, samples)
    problems = [f"p{index}" for index in range(rates.shape[1])]
    return Outcomes.of(NAMES, problems, n, random.binomial(n, accepts), **more)


def truth(rates: Floats, order: list[int], rate: float) -> tuple[float, float]:
    """Right answers and wrong accepts of a sequence, where pass rates are known."""
    right, wrong, reached = 0.0, 0.0, np.ones(rates.shape[1])
    for s in order:
        right += float((reached * rates[s]).mean())
        wrong += float((reached * (1 - rates[s]) * rate).mean())
        reached = reached * (1 - rates[s]) * (1 - rate)
    return right, wrong


def net(plan, rates: Floats, rate: float) -> float:
    right, wrong = truth(rates, [NAMES.index(name) for name in plan.schedule], rate)
    return right - wrong


def planned(outcomes: Outcomes, budget: int, rate: float, estimator="auto"):
    return make_certified_plan(
        outcomes, Budget("samples", budget), rate, task="t", estimator=estimator, search=Search()
    )


@pytest.mark.parametrize(
    ("rate", "gains", "estimator"), [(0.005, 0.0, "beta"), (0.02, 0.08, "beta"), (0.05, 0.15, "auto")]
)
def test_a_plan_for_false_accepts_is_worth_more_on_new_problems(rate, gains, estimator):
    random = np.random.default_rng(5)
    outcomes, new = verified(random, true_rates(random, 80), 8, rate), true_rates(random, 4000)
    plan = planned(outcomes, 32, rate, estimator)
    naive = make_plan(outcomes, Budget("samples", 32), task="t", estimator=estimator)
    assert net(plan, new, rate) - net(naive, new, rate) >= gains
    assert plan.certificate is None
    assert plan.false_accepts.naive_samples == len(naive.schedule) == 32
    assert plan.schedule == naive.schedule[: len(plan.schedule)]


def test_right_and_wrong_accepts_are_told_without_bias_from_what_was_accepted():
    random, rate, order = np.random.default_rng(1), 0.04, [0, 1, 0, 2, 1]
    rates = true_rates(random, 4000)
    outcomes = verified(random, rates, 6, rate)
    values = right_and_wrong(outcomes, [[(1.0, order)]], Wrong.at(rate, 3).likely)
    error = values.std(axis=1) / np.sqrt(values.shape[1])
    assert np.all(np.abs(values.mean(axis=1) - truth(rates, order, rate)) < 3 * error)


def test_what_is_expected_holds_on_new_problems():
    random, rate = np.random.default_rng(2), 0.03
    outcomes, new = verified(random, true_rates(random, 150), 8, rate), true_rates(random, 4000)
    plan = planned(outcomes, 16, rate)
    right, wrong = truth(new, [NAMES.index(name) for name in plan.schedule], rate)
    said = plan.false_accepts.sequences
    assert said["plan"].right.interval[0] < right < said["plan"].right.interval[1]
    assert said["plan"].wrong.interval[0] < wrong < said["plan"].wrong.interval[1]
    assert said["plan"].right == plan.expected.measured
    assert plan.over_uniform.value == pytest.approx(
        said["plan"].right.pass_rate - said["uniform"].right.pass_rate
    )
    net_gain = said["plan"].net - said["best_pure"].net
    assert said["best_pure"].net_gain.value == pytest.approx(net_gain)


def test_held_out_problems_tell_right_answers():
    random = np.random.default_rng(3)
    train = np.arange(160) < 80
    outcomes = verified(random, true_rates(random, 160), 20, 0.05, train=train, held_out=~train)
    plan = planned(outcomes, 8, 0.05)
    order = [NAMES.index(name) for name in plan.schedule]
    right = right_and_wrong(outcomes.select(problems=~train), [[(1.0, order)]], Wrong.at(0.05, 3).likely)[0]
    assert plan.held_out.pass_rate == pytest.approx(right.mean())
    assert plan.best_pure.held_out.problems == 80


def test_a_budget_in_usd_is_kept_and_its_fraction_of_a_sample_is_told():
    random = np.random.default_rng(4)
    usd = np.repeat([[0.01], [0.004], [0.03]], 40, axis=1)
    outcomes = verified(random, true_rates(random, 40), 8, 0.02, costs={"usd": usd})
    plan = make_certified_plan(
        outcomes, Budget("usd", 0.055), 0.02, task="t", estimator="auto", search=Search()
    )
    price = dict(zip(NAMES, (0.01, 0.004, 0.03), strict=True))
    assert sum(price[name] * count for name, count in plan.allocation.items()) <= 0.055
    assert set(plan.false_accepts.sequences) == {"plan", "naive", "best_pure", "uniform"}


def test_a_rate_that_the_pilot_refutes_is_noted():
    random = np.random.default_rng(6)
    outcomes = verified(random, true_rates(random, 60), 30, 0.0)
    assert "fewer wrong ones than 20.00%" in planned(outcomes, 4, 0.2).notes[-1]
    fooled = verified(random, true_rates(random, 60), 30, 0.2)
    assert not any("fewer wrong ones" in note for note in planned(fooled, 4, 0.2).notes)


def test_one_problem_gives_a_plan_without_expectations():
    outcomes = Outcomes.of(NAMES, ["p"], np.full((3, 1), 4), np.array([[2], [1], [0]]))
    plan = planned(outcomes, 4, 0.02)
    assert plan.expected is None
    assert plan.false_accepts.sequences == {}


def test_without_training_problems_nothing_is_planned():
    outcomes = Outcomes.of(NAMES, ["p"], np.ones((3, 1)), np.ones((3, 1)), train=[False], held_out=[True])
    with pytest.raises(UsageError, match="no training problem"):
        planned(outcomes, 4, 0.02)


def test_a_plan_that_uses_the_whole_budget_says_so():
    random = np.random.default_rng(7)
    plan = planned(verified(random, true_rates(random, 40), 8, 0.01), 2, 0.01, "beta")
    assert sum(plan.allocation.values()) == plan.false_accepts.naive_samples == 2
    assert "up to the budget: to stop earlier would lose more right answers" in plan.because
