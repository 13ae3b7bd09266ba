"""Plans for how they are executed: shared budgets, rounds, giving up; what is claimed of each."""

from dataclasses import replace

import numpy as np
import pytest

from osca_cli.allocate.schedule import pooled
from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import learn
from osca_cli.plan.decision import Search
from osca_cli.plan.manner import Manner
from osca_cli.plan.planner import make_plan
from osca_cli.plan.pooled import Part, batch_of
from osca_cli.plan.replay import failures, replay
from osca_cli.spec.types import Budget

FOUR = Budget("samples", 4)
SHARED = replace(FOUR, share="problems")


def rates(rng: np.random.Generator, problems: int) -> np.ndarray:
    """Pass rates of four configurations: some problems are easy for all, some for none."""
    base = rng.normal(-0.7, 1.8, problems)
    skill = np.array([0.3, 0.0, -0.4, -0.8])[:, None]
    return 1 / (1 + np.exp(-(base + skill + rng.normal(0, 0.8, (4, problems)))))


def sampled(p: np.ndarray, n: int, rng: np.random.Generator) -> Outcomes:
    names = [f"c{s}" for s in range(len(p))]
    ids = [f"p{j}" for j in range(p.shape[1])]
    return Outcomes.of(names, ids, np.full(p.shape, n), rng.binomial(n, p))


def plan(outcomes: Outcomes, budget: Budget = FOUR, **more: object):
    return make_plan(outcomes, budget, task="t", estimator="plugin", solver="greedy-swap", **more)


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    rng = np.random.default_rng(1)
    return sampled(rates(rng, 60), 30, rng)


def unsolved_share(outcomes: Outcomes, order) -> np.ndarray:
    """The share of problems unsolved after 0, 1, 2… samples of an order, without extrapolating."""
    return np.array([1.0, *(after.mean() for after in failures(outcomes, order, None, 0.0))])


def choice_of(outcomes: Outcomes, manner: Manner):
    limits = limits_of(outcomes, FOUR)
    known = learn(outcomes, "plugin", manner.reach(limits))
    return Search("greedy-swap", manner=manner).chosen(outcomes, limits, known.rows)


def test_a_batch_reaches_as_deep_as_its_budget_lasts(outcomes):
    choice = choice_of(outcomes, Manner(shares=True))
    ones, usd = np.ones(outcomes.n.shape), np.full(outcomes.n.shape, 0.5)

    batch = batch_of([Part(outcomes, choice, ones, usd, None)], 4.0)

    unsolved = unsolved_share(outcomes, choice.order)
    depth, pass_rate = pooled(unsolved, np.ones(len(choice.order)), 4.0)
    assert batch.depth == pytest.approx(depth)
    assert batch.values.mean() == pytest.approx(pass_rate)
    assert batch.samples == pytest.approx(4.0)
    assert batch.usd == pytest.approx(2.0)
    assert batch.depth > 4


def test_a_batch_in_parts_is_the_batch_of_all(outcomes):
    choice = choice_of(outcomes, Manner(shares=True))
    left = np.arange(60) < 25

    def part(problems: np.ndarray) -> Part:
        some = outcomes.select(problems=problems)
        ones = np.ones(some.n.shape)
        return Part(some, choice, ones, ones, None)

    whole, both = batch_of([part(left | ~left)], 4.0), batch_of([part(left), part(~left)], 4.0)

    assert both.depth == pytest.approx(whole.depth)
    assert sorted(both.values) == pytest.approx(sorted(whole.values))


def test_what_is_claimed_of_sharing_is_what_fresh_problems_show():
    claims, truths = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        made = plan(sampled(rates(rng, 120), 16, rng), SHARED)
        fresh = rates(rng, 4000)
        order = [int(name[1:]) for name in (*made.schedule, *made.beyond)]
        fails = np.cumprod(1 - fresh[order], axis=0)
        unsolved = np.concatenate([[1.0], fails.mean(axis=1)])
        assert made.expected is not None
        assert made.expected.shared is not None
        claims.append(made.expected.shared.measured)
        truths.append(pooled(unsolved, np.ones(len(order)), 4.0)[1])

    errors = np.array([claim.pass_rate for claim in claims]) - truths
    assert abs(errors.mean()) < 0.03
    held = [
        claim.interval[0] <= truth <= claim.interval[1] for claim, truth in zip(claims, truths, strict=True)
    ]
    assert sum(held) >= 7


def test_a_plan_that_shares_says_both_rates_and_how_it_goes_on(outcomes):
    alone, shared = plan(outcomes), plan(outcomes, SHARED)

    assert alone.expected is not None
    assert alone.expected.shared is None
    assert alone.beyond == ()
    assert (shared.allocation, shared.schedule) == (alone.allocation, alone.schedule)
    assert shared.expected is not None
    assert shared.expected.measured == alone.expected.measured
    assert shared.expected.shared is not None
    assert shared.expected.shared.measured.pass_rate > alone.expected.measured.pass_rate
    assert len(shared.beyond) > 4


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_expected_spend_is_that_of_the_rounds(outcomes, rounds):
    one_by_one, cut = plan(outcomes), plan(outcomes, rounds=rounds)

    assert sum(cut.rounds) == 4
    assert len(cut.rounds) <= rounds
    assert cut.expected is not None
    assert one_by_one.expected is not None
    assert cut.expected.measured == one_by_one.expected.measured
    assert cut.expected.samples > one_by_one.expected.samples
    if rounds == 1:
        assert cut.expected.samples == pytest.approx(4)


def test_a_replay_in_rounds_spends_what_was_unsolved_before_each(outcomes):
    order = [0, 1, 0, 2, 1]
    usd = np.tile(np.arange(1.0, 5.0)[:, None], (1, 60))
    unsolved = unsolved_share(outcomes, order)

    found = replay(outcomes, order, usd, rounds=(2, 3))

    assert found.samples.mean() == pytest.approx(2 + 3 * unsolved[2])
    assert found.usd.mean() == pytest.approx(1 + 2 + (1 + 3 + 2) * unsolved[2])
    assert found.failure.mean() == pytest.approx(unsolved[5])


def test_rounds_of_a_shared_budget_go_deeper_than_the_schedule(outcomes):
    made = plan(outcomes, SHARED, rounds=3)

    assert len(made.rounds) <= 3
    assert sum(made.rounds) > 4
    assert made.expected is not None
    assert made.expected.shared is not None
    assert made.expected.shared.samples == pytest.approx(4.0)


def test_giving_up_cuts_the_order_where_the_next_solve_costs_too_much(outcomes):
    dear, cheap = plan(outcomes, SHARED, give_up=200.0), plan(outcomes, SHARED, give_up=6.0)

    assert cheap.gives_up_after is not None
    assert cheap.gives_up_after == len(cheap.schedule) + len(cheap.beyond)
    assert dear.gives_up_after is None or dear.gives_up_after > cheap.gives_up_after
    assert cheap.expected is not None
    assert cheap.expected.shared is not None
    assert cheap.expected.shared.samples < 4  # the rest of the budget is not spent


def test_giving_up_within_the_schedule_shortens_the_counts(outcomes):
    made = plan(outcomes, give_up=2.5)

    assert made.gives_up_after is not None
    assert sum(made.allocation.values()) == len(made.schedule) == made.gives_up_after < 4


def test_a_price_that_no_sample_is_worth_is_refused(outcomes):
    with pytest.raises(UsageError, match="not one sample is worth it"):
        plan(outcomes, give_up=0.1)
