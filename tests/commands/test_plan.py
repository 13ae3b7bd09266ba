"""Planning several tasks, and budgets in cost, from the command line to the check."""

import json

import pytest
import yaml

from tests.conftest import write_problems

TWO_TASKS = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
    held_out: 0.5
  - name: more
    problems: {source: jsonl, path: more.jsonl, id: id}
    reference: answer
    verifier: {type: number}
    held_out: 0.5
configurations:
  - grid:
      model: [scripted/small, scripted/large]
      temperature: [0.5, 1.0]
      prompt: ["{{ question }} [{{ answer }}]"]
    max_tokens: 64
pilot: {samples: 4}
budget: {samples: 4, share: tasks}
"""


@pytest.fixture
def two_tasks(osca, tmp_path):
    (tmp_path / "spec.yaml").write_text(TWO_TASKS)
    write_problems(tmp_path / "sums.jsonl", 24)
    write_problems(tmp_path / "more.jsonl", 16, start=50)
    osca("run", "spec.yaml")
    return tmp_path


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def without_seconds(value):
    """What a plan's JSON is but for the clock."""
    if isinstance(value, dict):
        return {key: without_seconds(item) for key, item in value.items() if key != "seconds"}
    return [without_seconds(item) for item in value] if isinstance(value, list) else value


def test_tasks_share_a_budget_from_the_spec_to_the_check(osca, two_tasks):
    shared = osca("plan", "--json").json
    osca("plan")
    block = yaml.safe_load((two_tasks / "plan.yaml").read_text())["allocation"]

    assert [plan["task"] for plan in shared["plans"]] == ["sums", "more"]
    spent = sum(plan["share_of_problems"] * plan["budget"]["samples"] for plan in shared["plans"])
    assert spent <= 4 + 1e-9
    assert shared["certificate"]["gap"] >= 0
    assert {"expected", "gain", "baselines", "because", "notes"} <= set(shared)
    assert "no task has a volume" in shared["notes"][0]
    assert block["budget"] == {"samples": 4, "share": "tasks"}
    for plan, written in zip(shared["plans"], block["plans"], strict=True):
        assert written["counts"] == plan["allocation"]
        assert written["budget"] == plan["budget"]
        assert sum(written["counts"].values()) == plan["budget"]["samples"]

    assert len(osca("run", "plan.yaml", "--json").json["tasks"]) == 2
    osca("run", "plan.yaml", "--measure")
    checked = osca("check", "plan.yaml", "--json").json
    for plan, verdict in zip(shared["plans"], checked["plans"], strict=True):
        assert sum(verdict["baselines"]["uniform"]["allocation"].values()) == plan["budget"]["samples"]


def test_volumes_and_weights_say_what_tasks_count_for(osca, two_tasks):
    edit(two_tasks / "spec.yaml", "name: sums\n", "name: sums\n    volume: 900\n")
    edit(two_tasks / "spec.yaml", "name: more\n", "name: more\n    volume: 100\n    weight: 50\n")
    heavy = osca("plan", "--json").json
    edit(two_tasks / "spec.yaml", "weight: 50", "weight: 0.02")
    light = osca("plan", "--json").json

    assert [plan["share_of_problems"] for plan in heavy["plans"]] == [0.9, 0.1]
    assert heavy["notes"] == []
    levels = [planned["plans"][1]["budget"]["samples"] for planned in (heavy, light)]
    assert levels[0] > levels[1] >= 1


def test_a_task_with_a_budget_of_its_own_is_planned_alone(osca, two_tasks):
    edit(two_tasks / "spec.yaml", "name: more\n", "name: more\n    budget: {output_tokens: 9}\n")

    sums, more = osca("plan", "--json").json["plans"]
    assert sums["budget"] == {"samples": 4}
    assert more["budget"] == {"output_tokens": 9}
    assert sum(more["allocation"].values()) in {1, 2, 3}
    assert osca("plan", "--json", "--task", "more", "--budget", "2").json["budget"] == {"samples": 2}
    assert osca("plan", "--json", "--budget", "2").json["plans"][1]["budget"] == {"output_tokens": 9}

    osca("plan")
    block = yaml.safe_load((two_tasks / "plan.yaml").read_text())["allocation"]
    assert "budget" not in block["plans"][0] or block["plans"][0]["budget"] == {"samples": 4}
    assert block["plans"][1]["budget"] == {"output_tokens": 9}
    osca("run", "plan.yaml", "--measure")
    spend = [one["spend"] for one in osca("check", "plan.yaml", "--json").json["plans"]]
    assert spend[0] is None
    assert spend[1]["held_out"] < 20


def test_without_sharing_each_task_has_the_budget(osca, two_tasks):
    edit(two_tasks / "spec.yaml", ", share: tasks", "")
    planned = osca("plan", "--json").json

    assert set(planned) == {"schema_version", "plans"}
    assert [sum(plan["allocation"].values()) for plan in planned["plans"]] == [4, 4]


def test_a_task_without_any_budget_is_named(osca, two_tasks):
    edit(two_tasks / "spec.yaml", "budget: {samples: 4, share: tasks}\n", "")
    edit(two_tasks / "spec.yaml", "name: sums\n", "name: sums\n    budget: {samples: 2}\n")

    assert "task 'more' has no budget" in osca("plan", code=2).err
    assert osca("plan", "--task", "sums", "--json").json["budget"] == {"samples": 2}


@pytest.mark.parametrize("share", [", share: tasks", ""])
def test_the_same_pool_gives_the_same_bytes_but_for_the_seconds(osca, two_tasks, share):
    edit(two_tasks / "spec.yaml", ", share: tasks", share)
    first, second = (osca("plan", "--json").out for _ in range(2))
    assert json.dumps(without_seconds(json.loads(first))) == json.dumps(without_seconds(json.loads(second)))

    osca("plan")
    before = (two_tasks / "plan.yaml").read_bytes()
    osca("plan", "plan.yaml")
    assert (two_tasks / "plan.yaml").read_bytes() == before


@pytest.mark.parametrize("budget", ["12output_tokens", "2s"])
def test_a_budget_in_cost_is_planned_run_measured_and_checked(osca, two_tasks, budget):
    planned = osca("plan", "--task", "sums", "--budget", budget, "--json").json
    assert planned["compute_factor"]["value"] > 0

    osca("plan", "--task", "sums", "--budget", budget)
    osca("run", "plan.yaml", "--task", "sums")
    osca("run", "plan.yaml", "--task", "sums", "--measure")
    checked = osca("check", "plan.yaml", "--json").json
    assert checked["spend"]["budget"] == planned["budget"]
    assert checked["baselines"]["best_pure"]["allocation"] == planned["baselines"]["best_pure"]["allocation"]
    assert "spend:" in osca("check", "plan.yaml").out


def test_a_fraction_of_a_sample_is_measured_as_a_whole_one(osca, two_tasks):
    planned = osca("plan", "--task", "sums", "--budget", "1.7s", "--json").json
    [pure] = planned["baselines"]["best_pure"]["allocation"].values()
    assert pure == pytest.approx(3.4)

    osca("plan", "--task", "sums", "--budget", "1.7s")
    osca("run", "plan.yaml", "--task", "sums", "--measure")
    osca("check", "plan.yaml")


def test_a_budget_in_usd_without_a_price_says_so(osca, two_tasks):
    assert "usd" in osca("plan", "--budget", "0.03usd", code=2).err


def rows(name: str, cost: float, passes: int) -> list[str]:
    return [f"p{i},{name},10,{i * passes % 11},{cost},{'train' if i % 2 else 'test'}" for i in range(40)]


def test_an_outcomes_file_is_planned_and_checked_in_usd(osca, tmp_path):
    lines = ["problem,configuration,n,correct,cost,split", *rows("dear", 0.013, 7), *rows("cheap", 0.002, 3)]
    (tmp_path / "counts.csv").write_text("\n".join(lines) + "\n")

    plan = osca("plan", "counts.csv", "--budget", "0.03usd", "--json").json
    assert 0.013 * plan["allocation"].get("dear", 0) + 0.002 * plan["allocation"].get("cheap", 0) <= 0.03
    assert plan["expected"]["usd"] < 0.03

    osca("plan", "counts.csv", "--budget", "0.012usd")
    checked = osca("check", "plan.yaml", "--json").json
    assert checked["spend"]["held_out"] == pytest.approx(0.012, abs=0.0021)
    assert "'dear' has no known cost" in _without_price_of_dear(osca, tmp_path, lines)


def _without_price_of_dear(osca, folder, lines):
    (folder / "counts.csv").write_text("\n".join(lines).replace("0.013", "") + "\n")
    return osca("plan", "counts.csv", "--budget", "0.03usd", code=2).err
