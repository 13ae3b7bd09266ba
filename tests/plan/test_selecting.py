"""Plans for a verifier that accepts in production beside the one that is right."""

from dataclasses import replace

import numpy as np
import pytest

from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.outcomes.types import Accepts, Floats, Outcomes
from osca_cli.plan.accepted import Wrong, right_and_wrong
from osca_cli.plan.certified import make_certified_plan
from osca_cli.plan.decision import Search
from osca_cli.plan.planner import make_plan
from osca_cli.spec.types import Budget

NAMES = ["a", "b", "c"]
OFTEN = np.array([0.0, 0.02, 0.3])
"""How often wrong samples of each configuration are accepted."""


def true_rates(random: np.random.Generator, problems: int) -> Floats:
    """Pass rates of three configurations, of which four problems in ten are never solved."""
    return random.beta(0.6, 1.2, (3, problems)) * (random.random(problems) > 0.4)


def judged(
    random: np.random.Generator, rates: Floats, samples: int, accepted: Floats, kept: float = 1.0, **more
) -> Outcomes:
    """A pilot that both have judged: rates of accepting wrong samples by cell, and of keeping right ones."""
    n = np.full(rates.shape, samples)
    c = random.binomial(n, rates)
    problems = [f"p{index}" for index in range(rates.shape[1])]
    accepts = Accepts(random.binomial(c, kept), random.binomial(n - c, accepted))
    return replace(Outcomes.of(NAMES, problems, n, c, **more), accepts=accepts)


def truth(rates: Floats, accepted: Floats, order: list[int], kept: float = 1.0) -> tuple[float, float]:
    """Right answers and wrong accepts of a sequence, where all rates are known."""
    right, wrong, reached = 0.0, 0.0, np.ones(rates.shape[1])
    for s in order:
        each = rates[s] * kept, (1 - rates[s]) * accepted[s]
        right += float((reached * each[0]).mean())
        wrong += float((reached * each[1]).mean())
        reached = reached * (1 - each[0] - each[1])
    return right, wrong


def planned(outcomes: Outcomes, budget: int, estimator="beta"):
    return make_certified_plan(
        outcomes, Budget("samples", budget), None, task="t", estimator=estimator, search=Search(), by="v"
    )


def by_problem(random: np.random.Generator, problems: int) -> Floats:
    """False accepts that gather: one problem in ten has a test that passes nearly anything."""
    return np.repeat(np.where(random.random(problems) < 0.1, 0.8, 0.0)[None], 3, axis=0)


@pytest.mark.parametrize("gathered", [False, True])
def test_right_and_wrong_answers_are_told_without_bias_however_false_accepts_gather(gathered):
    random, order, kept = np.random.default_rng(1), [0, 1, 0, 2, 1], 0.8
    rates = true_rates(random, 4000)
    accepted = by_problem(random, 4000) if gathered else np.repeat(OFTEN[:, None], 4000, axis=1)
    outcomes = judged(random, rates, 4, accepted, kept)
    values = right_and_wrong(outcomes, [[(1.0, order)]], Wrong.of(outcomes).likely)
    error = values.std(axis=1) / np.sqrt(values.shape[1])
    assert np.all(np.abs(values.mean(axis=1) - truth(rates, accepted, order, kept)) < 3 * error)


@pytest.mark.parametrize(("estimator", "seed"), [("beta", 3), ("auto", 4)])
def test_a_plan_avoids_what_is_accepted_wrongly_and_what_it_claims_holds_on_new_problems(estimator, seed):
    random = np.random.default_rng(seed)
    every = np.repeat(OFTEN[:, None], 4000, axis=1)
    outcomes = judged(random, true_rates(random, 80), 8, every[:, :80])
    new = true_rates(random, 4000)
    plan = planned(outcomes, 12, estimator)
    right, wrong = truth(new, every, [NAMES.index(name) for name in plan.schedule])
    trusting = make_plan(outcomes.accepted(), Budget("samples", 12), task="t", estimator="beta")
    theirs = truth(new, every, [NAMES.index(name) for name in trusting.schedule])

    assert right - wrong > theirs[0] - theirs[1] + 0.1
    said = plan.false_accepts.sequences
    assert plan.expected.measured.interval[0] < right < plan.expected.measured.interval[1]
    assert said["plan"].wrong.interval[0] < wrong < said["plan"].wrong.interval[1]
    assert plan.expected.measured.coverage >= plan.expected.measured.pass_rate - 1e-9
    assert said["naive"].net_gain.value > 0
    assert plan.certificate is None
    assert plan.false_accepts.accepting.rates["c"].likely == pytest.approx(0.3, abs=0.08)


def test_a_perfect_one_is_planned_for_like_the_verifier_if_the_pilot_is_large():
    random = np.random.default_rng(6)
    outcomes = judged(random, true_rates(random, 150), 16, np.zeros((3, 150)))
    plan = planned(outcomes, 6)
    trusting = make_plan(outcomes, Budget("samples", 6), task="t", estimator="beta")
    assert plan.schedule == trusting.schedule
    assert plan.expected.measured.pass_rate == pytest.approx(trusting.expected.measured.pass_rate)
    assert plan.best_pure.name == trusting.best_pure.name


def test_a_weak_one_that_accepts_everything_leaves_one_sample_of_what_passes_most():
    random = np.random.default_rng(7)
    rates = true_rates(random, 100) * np.array([[0.4], [1.0], [0.4]])
    plan = planned(judged(random, rates, 6, np.ones((3, 100))), 8)
    assert plan.schedule[0] == "b"
    assert plan.expected.measured.pass_rate == pytest.approx(rates[1].mean(), abs=0.1)
    assert plan.expected.samples == pytest.approx(1)


def test_held_out_problems_tell_right_answers_and_what_samples_hold():
    random = np.random.default_rng(8)
    train = np.arange(120) < 60
    every = np.repeat(OFTEN[:, None], 120, axis=1)
    outcomes = judged(random, true_rates(random, 120), 12, every, train=train, held_out=~train)
    plan = planned(outcomes, 6)
    order = [NAMES.index(name) for name in plan.schedule]
    view = outcomes.select(problems=~train)
    right = right_and_wrong(view, [[(1.0, order)]], Wrong.of(view).likely)[0]
    assert plan.held_out.pass_rate == pytest.approx(right.mean())
    covered = coverage_per_problem(outcomes, plan.allocation, ~train)
    assert plan.held_out.coverage == pytest.approx(covered.mean())
    assert plan.to_json()["held_out"]["selected"] == pytest.approx(right.mean())
