from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.errors import UsageError
from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.estimate.plugin import plugin
from osca_cli.estimate.rows import coverage
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.planner import make_plan
from osca_cli.plan.shared import TaskShare, share_budget
from osca_cli.spec.types import Budget


def task(seed: int, configurations: int, problems: int) -> Outcomes:
    c = np.random.default_rng(seed).integers(0, 5, (configurations, problems))
    names, ids = [f"c{i}" for i in range(configurations)], [f"p{i}" for i in range(problems)]
    return Outcomes.of(names, ids, np.full(c.shape, 4), c)


def test_one_task_alone_gets_its_own_plan():
    outcomes = task(0, 3, 9)
    shared, certificate = share_budget([TaskShare("t", outcomes, 1.0)], Budget("samples", 4), solver="exact")
    plan = make_plan(outcomes, Budget("samples", 4), task="t", solver="exact", estimator="plugin")
    assert shared[0].value == pytest.approx(plan.certificate.value)
    assert certificate.gap <= 1e-6


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([0.5, 0.25]), st.sampled_from(["plugin", "beta"]))
def test_the_certificate_holds_for_every_way_to_share(seed, share, estimator):
    tasks = [TaskShare("a", task(seed, 2, 4), share), TaskShare("b", task(seed + 1, 2, 5), 1 - share)]
    shared, certificate = share_budget(tasks, Budget("samples", 2), solver="exact", estimator=estimator)
    spent = sum(one.share * sum(one.counts.values()) for one in shared)
    assert spent <= 2 + 1e-9
    assert certificate.value == pytest.approx(sum(one.share * one.value for one in shared))
    if estimator == "plugin":
        best = brute_force(tasks, 2.0)
        assert certificate.value == pytest.approx(best, abs=1e-6)
        assert certificate.upper_bound >= best - 1e-12


def brute_force(tasks: list[TaskShare], budget: float) -> float:
    rows = [plugin(one.outcomes) for one in tasks]
    best = 0.0
    for x in product(range(9), repeat=4):
        counts = [np.array(x[:2]), np.array(x[2:])]
        if sum(one.share * count.sum() for one, count in zip(tasks, counts, strict=True)) <= budget:
            total = zip(tasks, rows, counts, strict=True)
            best = max(best, sum(one.share * coverage(row, count) for one, row, count in total))
    return best


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
    budget = Budget("samples", samples)
    shared = share_budget([TaskShare("", one, 0.5) for one in halves], budget, solver="greedy-swap")[0]
    separate = [share_budget([TaskShare("", one, 1.0)], budget, solver="greedy-swap")[0][0] for one in halves]
    return held_out(halves, shared), held_out(halves, separate)


def held_out(halves, plans) -> float:
    pairs = zip(halves, plans, strict=True)
    return float(
        np.mean([coverage_per_problem(one, plan.counts, one.held_out).mean() for one, plan in pairs])
    )
