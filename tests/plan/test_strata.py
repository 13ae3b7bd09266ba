"""Plans by the values of a field: made where they pay, and nowhere else."""

import json

import numpy as np
import pytest
import yaml
from scipy.special import expit

from osca_cli.errors import UsageError
from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.block import allocation_block
from osca_cli.plan.crossvalidation import folds
from osca_cli.plan.decision import Search
from osca_cli.plan.planfile import with_allocation
from osca_cli.plan.planner import make_plan
from osca_cli.plan.strata import LEAST, stratify
from osca_cli.plan.strata_plan import StrataPlan, make_strata_plan
from osca_cli.plan.tasks import Made, Planned
from osca_cli.spec.types import Budget

FOUR = Budget("samples", 4)


def made(seed: int, sizes: dict[str, int], *, apart: float, held_out: float = 0.0) -> Outcomes:
    """Four configurations, of which one half suits the first value and the other half all others."""
    random = np.random.default_rng(seed)
    values = random.permutation([value for value, size in sizes.items() for _ in range(size)])
    first = values == next(iter(sizes))
    suits = np.where(np.array([1, 0, 1, 0])[:, None] == first, apart / 2, -apart / 2)
    rates = expit(suits + random.normal(-0.5, 1.5, len(values)) + random.normal(0, 0.5, (4, len(values))))
    ids, n = [f"p{i}" for i in range(len(values))], np.full(rates.shape, 8)
    tags = {id_: {"k": str(value)} for id_, value in zip(ids, values, strict=True)}
    train = random.random(len(values)) >= held_out
    return Outcomes.of(
        list("abcd"), ids, n, random.binomial(n, rates), train=train, held_out=~train, tags=tags
    )


def planned(outcomes: Outcomes, **more: object) -> StrataPlan:
    return make_strata_plan(outcomes, FOUR, "k", task="t", search=Search(clock=lambda: 0.0), **more)


@pytest.mark.parametrize("estimator", ["hierarchical", "plugin", "beta"])
def test_values_that_differ_get_plans_of_their_own_that_pay_on_held_out_problems(estimator):
    outcomes = made(0, {"x": 120, "y": 120}, apart=3.0, held_out=0.5)
    plan = planned(outcomes, estimator=estimator)
    own = {one.where["k"]: set(one.allocation) for one in plan.plans[:-1]}

    assert own == {"x": {"a", "c"}, "y": {"b", "d"}}
    assert all(one.over_pooled.interval[0] > 0 for one in plan.plans[:-1])
    common = plan.plans[-1].allocation
    for one in plan.plans[:-1]:
        here = outcomes.held_out & np.array([outcomes.tags[id_] == one.where for id_ in outcomes.problems])
        gain = coverage_per_problem(outcomes, one.allocation, here) - coverage_per_problem(
            outcomes, common, here
        )
        assert gain.mean() > 0.02
    assert plan.over_best_pure.value > 0.05


def test_equal_values_keep_the_common_plan():
    search, sizes = Search("greedy-swap"), dict.fromkeys("wxyz", 35)
    own = [
        stratum.own
        for seed in range(20)
        for stratum in stratify(made(seed, sizes, apart=0), FOUR, "k", "plugin", search).strata
    ]
    assert len(own) == 80
    assert sum(own) <= 4


def test_the_common_plan_is_the_one_without_strata_where_no_value_pays():
    outcomes = made(1, {"x": 40, "y": 40}, apart=0)
    (plan,) = planned(outcomes).plans

    assert dict(plan.where) == {}
    assert plan.allocation == make_plan(outcomes, FOUR, task="t").allocation
    assert "no plan of its own is distinguishably better" in plan.because


def test_few_problems_keep_the_common_plan_whatever_they_say():
    outcomes = made(2, {"x": LEAST - 1, "y": 90}, apart=6.0)
    plan = planned(outcomes)
    few = next(stratum for stratum in plan.strata if stratum.value == "x")

    assert (few.problems, few.own, few.gain) == (LEAST - 1, False, None)
    assert "'x' keeps the common plan: too few training problems to tell." in plan.plans[-1].because


def test_volumes_say_how_many_problems_take_each_plan():
    outcomes = made(0, {"x": 60, "y": 60, "z": 10}, apart=4.0)
    as_trained = planned(outcomes, estimator="plugin")
    expected = planned(outcomes, estimator="plugin", volumes={"x": 700, "*": 300})
    by = {one.where.get("k"): at for at, one in enumerate(expected.plans)}

    assert {"x", "y", None} == set(by)
    assert as_trained.shares[by["x"]] == pytest.approx(60 / 130, abs=1e-6)
    assert [expected.shares[by[value]] for value in ("x", "y", None)] == pytest.approx(
        [0.7, 0.3 * 60 / 70, 0.3 * 10 / 70], abs=1e-5
    )
    rates = [one.expected.measured.pass_rate for one in expected.plans]
    assert expected.expected.measured.pass_rate == pytest.approx(np.dot(expected.shares, rates))


def test_what_is_claimed_of_the_whole_counts_every_problem_once():
    plan = planned(made(0, {"x": 60, "y": 60, "z": 10}, apart=4.0), estimator="plugin")

    assert sum(plan.shares) == pytest.approx(1)
    assert plan.expected.measured.problems == 130
    assert plan.expected.measured.pass_rate - plan.best_pure.pass_rate == pytest.approx(
        plan.over_best_pure.value
    )


def test_the_plan_file_has_plans_of_values_first_and_says_why():
    outcomes = made(0, {"x": 60, "y": 60}, apart=4.0)
    plan = planned(outcomes, estimator="plugin")
    parts = [Made(one, outcomes, {}, None, share) for one, share in zip(plan.plans, plan.shares, strict=True)]
    text = with_allocation("version: 1\n", allocation_block(Planned(FOUR, parts, None, [plan]), ""), "s.yaml")
    block = yaml.safe_load(text)["allocation"]
    x, y, common = block["plans"]

    assert {x["where"]["k"], y["where"]["k"]} == {"x", "y"}
    assert x["gain"]["over_pooled"]["interval"][0] > 0
    assert "Its own plan solves" in x["because"]
    assert "where" not in common
    assert len(common["learned_from"]) == 120
    assert block["made_from"]["problems"] == 120
    assert block["made_from"]["samples"] == 4 * 120 * 8
    assert [one["own"] for one in block["strata"][0]["values"]] == [True, True]
    json.dumps(Planned(FOUR, parts, None, [plan]).to_json(), allow_nan=False)


def test_a_tag_that_no_problem_has_is_an_error():
    outcomes = made(0, {"x": 5, "y": 5}, apart=0)
    with pytest.raises(UsageError, match="no training problem has the tag 'kind'"):
        stratify(outcomes, FOUR, "kind", "plugin", Search())
    with pytest.raises(UsageError, match="volume has 'w', but no problem has that k"):
        planned(outcomes, volumes={"w": 1})


def test_folds_are_even_within_every_value_and_in_all():
    texts = ["x"] * 11 + ["y"] * 7 + [None] * 3
    fold = folds([f"p{i}" for i in range(21)], texts)

    for part in (range(21), range(11), range(11, 18)):
        sizes = np.bincount(fold[list(part)], minlength=5)
        assert max(sizes) - min(sizes) <= 1
