"""Assertions on intervals: pass, fail or inconclusive, and how many problems would decide."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.check.facts import Compared
from osca_cli.check.judge import judge
from osca_cli.check.report import outcome_of, to_json
from osca_cli.errors import MissingSamplesError
from osca_cli.outcomes.types import Outcomes
from osca_cli.spec.types import Assertion, Budget


def outcomes(passes: list[int], others: list[int], n: int = 10) -> Outcomes:
    """Two configurations on held-out problems alone."""
    count = len(passes)
    return Outcomes.of(
        ["good", "bad"],
        [f"p{i}" for i in range(count)],
        np.full((2, count), n),
        [passes, others],
        train=np.zeros(count),
        held_out=np.ones(count),
    )


def asserts(metric: str, **bound: float) -> Assertion:
    margin = bound.pop("margin", 0.0)
    return Assertion(metric, "t", bound.get("at_least"), bound.get("at_most"), margin, None)


def judged(table: Outcomes, *assertions: Assertion):
    return judged_one(table, {"good": 2}, {"best_pure": {"bad": 2.0}}, assertions, Budget("samples", 2))


def judged_one(table: Outcomes, counts, baselines, assertions, budget: Budget):
    order = [name for name, count in counts.items() for _ in range(count)]
    compared = [Compared(table.held_out, counts, baselines, budget, order)]
    return judge(table, "t", compared, assertions).verdicts


def test_pass_rates_and_gains_are_unbiased_means_over_held_out_problems():
    verdicts = judged(outcomes([10, 5, 0], [0, 0, 0]))

    # With 5 of 10 passes, two draws without replacement both fail in 5/10 x 4/9 of the cases.
    assert verdicts.pass_rate.value == pytest.approx((1 + (1 - 2 / 9) + 0) / 3)
    assert verdicts.baselines[0].pass_rate.value == 0
    assert verdicts.baselines[0].gain.value == pytest.approx(verdicts.pass_rate.value)


@pytest.mark.parametrize(
    ("assertion", "outcome"),
    [
        (asserts("gain.over_best_pure", at_least=0.0), "pass"),
        (asserts("gain.over_best_pure", at_least=0.99), "fail"),
        (asserts("gain.over_best_pure", at_most=0.99), "pass"),
        (asserts("gain.over_best_pure", at_most=0.0), "fail"),
        (asserts("pass_rate", at_least=0.8), "inconclusive"),
        (asserts("pass_rate", at_least=0.8, margin=0.5), "pass"),
    ],
    ids=str,
)
def test_an_interval_decides_or_does_not(assertion, outcome):
    table = outcomes([9, 5, 5, 6, 4, 5] * 5, [1, 0, 2, 1, 0, 1] * 5)

    [judgement] = judged(table, assertion).judgements

    assert judgement.outcome == outcome
    assert (judgement.decided_by is not None) == (outcome == "inconclusive")


def test_more_problems_decide_what_some_do_not():
    passes, others = [9, 0, 5, 6, 0, 7], [1, 0, 4, 8, 0, 5]
    assertion = asserts("gain.over_best_pure", at_least=0.0)
    [few] = judged(outcomes(passes, others), assertion).judgements
    assert few.outcome == "inconclusive"

    times = -(-few.decided_by // len(passes)) + 1
    [many] = judged(outcomes(passes * times, others * times), assertion).judgements

    assert many.outcome == "pass"


def test_a_plan_equal_to_the_baseline_does_not_lose_to_it():
    table = outcomes([5, 2, 8], [1, 1, 1])
    verdicts = judged_one(
        table,
        {"good": 2},
        {"best_pure": {"good": 2.0}},
        [asserts("gain.over_best_pure", at_least=0)],
        Budget("samples", 2),
    )

    assert verdicts.judgements[0].outcome == "pass"


def test_more_draws_than_samples_are_refused():
    with pytest.raises(MissingSamplesError):
        judged_one(outcomes([1], [1], n=1), {"good": 2}, {}, [], Budget("samples", 2))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=2, max_size=20), st.floats(-1, 1))
def test_at_least_and_at_most_the_same_bound_never_both_hold_unless_it_is_met(cells, bound):
    table = outcomes([good for good, _ in cells], [bad for _, bad in cells])
    low, high = asserts("gain.over_best_pure", at_least=bound), asserts("gain.over_best_pure", at_most=bound)
    first, second = judged(table, low, high).judgements

    if first.outcome == second.outcome == "pass":
        assert first.measured.interval == (bound, bound)
    assert not first.outcome == second.outcome == "fail"


def test_one_failure_fails_and_inconclusive_is_as_the_spec_says():
    table = outcomes([9, 5, 5, 6, 4, 5] * 5, [1, 0, 2, 1, 0, 1] * 5)
    fails, unsure = asserts("pass_rate", at_most=0.1), asserts("pass_rate", at_least=0.8)

    assert outcome_of([judged(table, fails, unsure)], "warn") is False
    assert outcome_of([judged(table, unsure)], "warn") is None
    assert outcome_of([judged(table, unsure)], "fail") is False
    assert outcome_of([judged(table)], "fail") is True


def test_json_has_the_keys_that_scripts_read():
    table = outcomes([9, 5, 5], [1, 0, 2])
    verdicts = judged(table, asserts("pass_rate", at_least=0.1))

    printed = to_json([verdicts], outcome_of([verdicts], "warn"))

    assert {"passed", "problems", "pass_rate", "interval", "baselines", "gain", "assertions"} <= set(printed)
    assert printed["assertions"][0]["at_least"] == 0.1


def test_what_a_plan_costs_on_held_out_problems_is_said_beside_its_budget():
    table = Outcomes.of(
        ["a", "b"],
        ["p", "q"],
        [[4, 4], [4, 4]],
        [[1, 2], [3, 4]],
        costs={"usd": [[0.1, 0.3], [np.nan, 0.5]]},
        held_out=[1, 1],
    )
    spend = [
        judged_one(table, counts, {}, [], Budget("usd", 1)).spend for counts in ({"a": 2}, {"a": 1, "b": 1})
    ]

    assert [one.held_out for one in spend] == pytest.approx([0.4, 0.7])
    assert judged_one(table, {"a": 2}, {}, [], Budget("seconds", 1)).spend.held_out is None
    assert judged_one(table, {"a": 2}, {}, [], Budget("samples", 2)).spend is None


@pytest.mark.parametrize(("counts", "regret"), [({"good": 2}, 0.0), ({"bad": 2}, 0.5)])
def test_regret_is_what_the_best_allocation_solves_more(counts, regret):
    passes = [10, 10, 0, 0] * 10
    table = Outcomes.of(
        ["good", "bad"],
        [f"p{i}" for i in range(80)],
        np.full((2, 80), 10),
        [passes * 2, [0] * 80],
        train=np.arange(80) < 40,
        held_out=np.arange(80) >= 40,
    )
    assertion = asserts("regret", at_most=0.2)
    [judgement] = judged_one(table, counts, {}, [assertion], Budget("samples", 2)).judgements

    assert judgement.measured.value == pytest.approx(regret)
    assert judgement.outcome == ("pass" if regret == 0 else "fail")
