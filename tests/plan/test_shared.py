from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.errors import UsageError
from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.estimate.plugin import plugin
from osca_cli.estimate.rows import CurveRows, coverage
from osca_cli.estimate.stacked import Stacked
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.planner import make_plan
from osca_cli.plan.shared import share_budget
from osca_cli.plan.shares import TaskShare
from osca_cli.plan.tasks import plan_tasks
from osca_cli.plan.together import make_shared_plan
from osca_cli.spec.load import load_spec
from osca_cli.spec.types import Budget, Spec


def task(seed: int, configurations: int, problems: int, **more: object) -> Outcomes:
    c = np.random.default_rng(seed).integers(0, 5, (configurations, problems))
    names, ids = [f"c{i}" for i in range(configurations)], [f"p{i}" for i in range(problems)]
    return Outcomes.of(names, ids, np.full(c.shape, 4), c, **more)


def test_one_task_alone_gets_its_own_plan():
    outcomes = task(0, 3, 9)
    tasks, budget = [TaskShare("t", outcomes, 1.0)], Budget("samples", 4)
    shared = share_budget(tasks, budget, solver="exact", estimator="plugin")
    plan = make_plan(outcomes, budget, task="t", solver="exact", estimator="plugin")
    assert shared.certificate.value == pytest.approx(plan.certificate.value)
    assert shared.certificate.gap <= 1e-6


@settings(deadline=None, max_examples=20)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.5, 0.25]),
    st.sampled_from([1.0, 3.0]),
    st.sampled_from(["plugin", "beta"]),
)
def test_the_certificate_holds_for_every_way_to_share(seed, share, weight, estimator):
    tasks = [TaskShare("a", task(seed, 2, 4), share, weight), TaskShare("b", task(seed + 1, 2, 5), 1 - share)]
    shared = share_budget(tasks, Budget("samples", 2), solver="exact", estimator=estimator)
    spent = sum(
        one.share * decision.choice.counts.sum()
        for one, decision in zip(tasks, shared.decisions, strict=True)
    )
    assert spent <= 2 + 1e-9
    assert all(decision.choice.counts.sum() >= 1 for decision in shared.decisions)
    assert shared.certificate.value == pytest.approx(
        weighted(tasks, [decision.certificate.value for decision in shared.decisions])
    )
    if estimator == "plugin":
        best = brute_force(tasks, 2.0)
        assert shared.certificate.value == pytest.approx(best, abs=1e-6)
        assert shared.certificate.upper_bound >= best - 1e-12


def weighted(tasks: list[TaskShare], values: list[float]) -> float:
    return float(np.average(values, weights=[one.share * one.weight for one in tasks]))


def brute_force(tasks: list[TaskShare], budget: float) -> float:
    """The best of all allocations that draw every task at least once."""
    rows = [plugin(one.outcomes) for one in tasks]
    best = 0.0
    for x in product(range(9), repeat=4):
        counts = [np.array(x[:2]), np.array(x[2:])]
        spent = sum(one.share * count.sum() for one, count in zip(tasks, counts, strict=True))
        if spent <= budget and all(count.any() for count in counts):
            best = max(best, weighted(tasks, [coverage(*pair) for pair in zip(rows, counts, strict=True)]))
    return best


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_stacked_rows_are_their_parts_side_by_side(seed):
    random = np.random.default_rng(seed)
    parts = [curves(random, 2, 3, 4), curves(random, 3, 5, 2)]
    shares, sizes = np.array([0.3, 0.7]), [2, 3]
    stacked = Stacked.of(parts, sizes, shares)
    counts = [random.integers(0, part.horizon + 1, size) for part, size in zip(parts, sizes, strict=True)]
    both = np.concatenate(counts)

    assert coverage(stacked, both) == pytest.approx(
        shares @ [coverage(part, count) for part, count in zip(parts, counts, strict=True)]
    )
    for s in range(5):
        step = stacked.curve(s, int(both[s]) + 1) - stacked.curve(s, int(both[s]))
        assert stacked.steps(both)[s] == pytest.approx(step)
        prices = random.random(len(stacked.weights))
        last = min(int(both[s]), stacked.horizon - 1)
        assert stacked.slopes(prices)[s, last] == pytest.approx(
            prices @ (stacked.curve(s, last) - stacked.curve(s, last + 1))
        )


def curves(random: np.random.Generator, size: int, horizon: int, rows: int) -> CurveRows:
    falls = np.sort(random.random((size, horizon, rows)), axis=1)[:, ::-1]
    table = -np.concatenate([np.zeros((size, 1, rows)), np.cumsum(falls, axis=1)], axis=1)
    return CurveRows(np.full(rows, 1 / rows), table)


def test_a_task_that_nothing_solves_still_draws_a_sample():
    hopeless = Outcomes.of(["a", "b"], ["p", "q"], [[4, 4], [4, 4]], [[0, 0], [0, 0]])
    tasks = [TaskShare("easy", task(0, 3, 9), 0.5), TaskShare("hopeless", hopeless, 0.5)]
    shared = share_budget(tasks, Budget("samples", 2), estimator="plugin")
    assert [int(decision.choice.counts.sum()) for decision in shared.decisions] == [3, 1]


def test_a_budget_in_usd_is_shared():
    tasks = [
        TaskShare(name, task(seed, 2, 9, costs={"usd": [[dear] * 9, [0.01] * 9]}), share)
        for name, seed, dear, share in (("a", 0, 0.05, 0.75), ("b", 1, 0.2, 0.25))
    ]
    shared = share_budget(tasks, Budget("usd", 0.1), estimator="plugin")
    levels = [decision.limits.budget for decision in shared.decisions]
    assert 0.09 < np.dot([0.75, 0.25], levels) <= 0.1 + 1e-9


def test_a_budget_that_does_not_buy_every_task_a_sample_is_refused():
    tasks = [
        TaskShare("a", task(0, 1, 4, costs={"usd": [[0.01] * 4]}), 0.5),
        TaskShare("b", task(1, 1, 4, costs={"usd": [[0.3] * 4]}), 0.5),
    ]
    with pytest.raises(UsageError, match=r"does not buy every task a sample; one of each costs 0\.155"):
        share_budget(tasks, Budget("usd", 0.15001), estimator="plugin")


def test_what_is_claimed_of_all_is_the_mean_of_what_is_claimed_of_each():
    tasks = [TaskShare("a", task(0, 3, 20), 0.75), TaskShare("b", task(1, 2, 15), 0.25)]
    plan = make_shared_plan(tasks, Budget("samples", 3), estimator="plugin", clock=lambda: 0.0)
    rates = [one.expected.measured.pass_rate for one in plan.plans]
    assert plan.expected.measured.pass_rate == pytest.approx(np.dot([0.75, 0.25], rates))
    assert plan.expected.measured.problems == 35
    assert plan.over_uniform.value == pytest.approx(plan.expected.measured.pass_rate - plan.uniform.pass_rate)
    spent = np.dot([0.75, 0.25], [sum(one.allocation.values()) for one in plan.plans])
    assert spent <= 3
    assert plan == make_shared_plan(tasks, Budget("samples", 3), estimator="plugin", clock=lambda: 0.0)


def test_claims_do_not_see_the_problems_that_they_are_made_of():
    """Cross-validated on noise, a plan is worth what an even spread is; in sample it looks better."""
    random = np.random.default_rng(3)
    noise = [random.binomial(1, 0.2, (12, 60)) for _ in range(2)]
    names, ids = [f"c{i}" for i in range(12)], [f"p{i}" for i in range(60)]
    tasks = [TaskShare(str(i), Outcomes.of(names, ids, np.ones_like(c), c), 0.5) for i, c in enumerate(noise)]
    plan = make_shared_plan(tasks, Budget("samples", 4), estimator="plugin")
    assert plan.certificate.value > 0.65
    assert plan.expected.measured.pass_rate < 0.61 + 0.04  # 1 - 0.8^4 = 0.59


def test_tasks_with_a_problem_or_two_are_planned_though_little_is_claimed():
    tasks = [TaskShare("a", task(0, 2, 1), 0.5), TaskShare("b", task(1, 2, 3), 0.5)]
    plan = make_shared_plan(tasks, Budget("samples", 3), estimator="plugin")
    assert plan.plans[0].expected is None
    assert plan.plans[1].expected is not None
    assert plan.expected is None
    assert "too few training problems" in plan.because


def test_strata_share_a_budget_and_the_hard_one_gets_more():
    random = np.random.default_rng(0)
    hard = np.arange(160) % 2 == 1
    rates = np.where(np.array([[1], [0]]) == hard, 0.02, np.where(hard, 0.25, 0.9))
    n, ids = np.full((2, 160), 8), [f"p{i}" for i in range(160)]
    tags = {id_: {"k": "hard" if one else "easy"} for id_, one in zip(ids, hard, strict=True)}
    outcomes = Outcomes.of(["a", "b"], ids, n, random.binomial(n, rates), tags=tags)
    spec = load_text("outcomes: x.json, strata: k, volume: {easy: 300, '*': 100}", "samples: 4, share: tasks")
    planned = plan_tasks(spec, {"t": outcomes}, {}, spec.budget, estimator="plugin")
    by = {one.plan.where.get("k"): one for one in planned.made}

    assert {"easy", "hard", None} == set(by)
    assert set(by["easy"].plan.allocation) == {"a"}
    assert set(by["hard"].plan.allocation) == {"b"}
    assert by["easy"].plan.budget.amount < 4 < by["hard"].plan.budget.amount
    assert [by[value].share for value in ("easy", "hard")] == pytest.approx([0.75, 0.25], abs=0.002)
    spent = sum(one.share * sum(one.plan.allocation.values()) for one in planned.made)
    assert spent <= 4 + 1e-9
    assert by["hard"].plan.over_pooled.interval[0] > 0
    assert planned.to_json()["strata"][0]["values"][0]["own"]


def load_text(task: str, budget: str) -> Spec:
    with TemporaryDirectory() as folder:
        (Path(folder) / "x.json").write_text("{}")
        path = Path(folder) / "spec.yaml"
        path.write_text(f"version: 1\ntasks: [{{name: t, {task}}}]\nbudget: {{{budget}}}\n")
        return load_spec(path, environment={})


def test_shares_must_sum_to_one():
    with pytest.raises(UsageError, match="must sum to 1"):
        share_budget([TaskShare("a", task(0, 2, 4), 0.5)], Budget("samples", 2))


@pytest.mark.parametrize("samples", [4, 8, 16])
def test_sharing_a_budget_gains_on_the_release(data_folder, samples):
    files = [
        read_outcomes(data_folder / "osca-release" / name)
        for name in ("bcb_results.json", "swebench_agentless.json")
    ]
    gains = [np.subtract(*both_ways([halved(one, split) for one in files], samples)) for split in range(20)]
    assert np.mean(gains) > 0.001


def halved(outcomes: Outcomes, split: int) -> Outcomes:
    train = np.zeros(len(outcomes.problems), bool)
    train[np.random.default_rng(split).permutation(len(train))[: len(train) // 2]] = True
    capped = Outcomes.of(
        outcomes.configurations, outcomes.problems, outcomes.n, outcomes.c, max_samples=outcomes.n.min(axis=1)
    )
    return capped.with_split(train, ~train)


def both_ways(halves: list[Outcomes], samples: int) -> tuple[float, float]:
    shared = planned([TaskShare("", one, 0.5) for one in halves], samples)
    return held_out(halves, shared), held_out(
        halves, [planned([TaskShare("", one, 1.0)], samples)[0] for one in halves]
    )


def planned(tasks: list[TaskShare], samples: int) -> list[dict[str, int]]:
    shared = share_budget(tasks, Budget("samples", samples), estimator="plugin", solver="greedy-swap")
    return [
        dict(zip(one.outcomes.configurations, decision.choice.counts.tolist(), strict=True))
        for one, decision in zip(tasks, shared.decisions, strict=True)
    ]


def held_out(halves: list[Outcomes], plans: list[dict[str, int]]) -> float:
    pairs = zip(halves, plans, strict=True)
    return float(np.mean([coverage_per_problem(one, counts, one.held_out).mean() for one, counts in pairs]))
