"""The block that `osca plan` writes."""

import numpy as np
import pytest
import yaml

from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.block import allocation_block, pool_hash
from osca_cli.plan.planfile import with_allocation
from osca_cli.plan.planner import make_plan
from osca_cli.plan.shares import TaskShare
from osca_cli.plan.tasks import Made, Planned
from osca_cli.plan.together import make_shared_plan
from osca_cli.spec.types import Budget


def outcomes(seed: int, cost: float = 1e-6) -> Outcomes:
    c = np.random.default_rng(seed).integers(0, 5, (3, 12))
    ids = [f"p{i}" for i in range(12)]
    return Outcomes.of(list("abc"), ids, np.full(c.shape, 4), c, costs={"usd": np.full(c.shape, cost)})


def alone(budget: Budget, asked: Budget | None, cost: float = 1e-6) -> Planned:
    plan = make_plan(outcomes(0, cost), budget, task="t", estimator="plugin")
    return Planned(asked, [Made(plan, outcomes(0), {"a": "12ab"}, "34cd")], None)


def written(planned: Planned) -> dict:
    """The block as it is read back from the file."""
    text = with_allocation("version: 1\n", allocation_block(planned, "5678"), "spec.yaml")
    return yaml.safe_load(text)["allocation"]


def test_one_plan_has_the_budget_of_the_block():
    block = written(alone(Budget("samples", 3), Budget("samples", 3)))

    assert block["budget"] == {"samples": 3}
    assert "budget" not in block["plans"][0]
    assert block["plans"][0]["definitions"] == {"a": "12ab"}
    assert block["made_from"]["samples"] == 144


def test_a_budget_of_its_own_stands_with_the_plan():
    block = written(alone(Budget("samples", 3), None))

    assert "budget" not in block
    assert block["plans"][0]["budget"] == {"samples": 3}


@pytest.mark.parametrize("amount", [3.2e-6, 0.1 + 0.2, 1 / 3])
def test_a_small_budget_is_written_in_full(amount):
    block = written(alone(Budget("usd", amount), Budget("usd", amount), cost=amount / 3.5))

    assert block["budget"]["usd"] == amount
    assert 0 < block["plans"][0]["expected"]["usd"] <= amount


def test_shared_plans_have_levels_and_what_is_claimed_of_all_stands_above():
    tasks = [TaskShare("x", outcomes(0), 0.25), TaskShare("y", outcomes(1), 0.75)]
    together = make_shared_plan(tasks, Budget("usd", 4e-6, "tasks"), estimator="plugin", notes=["a note"])
    made = [
        Made(plan, task.outcomes, {}, None, share)
        for plan, task, share in zip(together.plans, tasks, together.shares, strict=True)
    ]
    block = written(Planned(together.budget, made, together))

    assert block["budget"] == {"usd": 4e-6, "share": "tasks"}
    assert block["notes"] == ["a note"]
    assert {"expected", "gain", "certificate", "because"} <= set(block)
    for plan, whole in zip(block["plans"], together.plans, strict=True):
        assert plan["budget"]["usd"] == whole.budget.amount
        assert plan["budget"]["usd"] == pytest.approx(1e-6 * sum(plan["counts"].values()))
    assert sum(plan["share_of_problems"] * plan["budget"]["usd"] for plan in block["plans"]) <= 4.0001e-6


def test_the_pools_hash_changes_with_a_single_sample():
    more = outcomes(0)
    n = more.n.copy()
    n[0, 0] += 1
    changed = Outcomes.of(more.configurations, more.problems, n, more.c)
    assert len({pool_hash([outcomes(0)]), pool_hash([changed]), pool_hash([outcomes(1)])}) == 3
