"""``osca plan --update``: samples of executed plans choose the next plan, and prove nothing of it."""

import json
from pathlib import Path

import pytest
import yaml

from tests.conftest import Osca, write_problems


@pytest.fixture
def executed(osca: Osca, spec_folder: Path) -> Path:
    """A folder in which a plan was executed on six of its held-out problems."""
    write_problems(spec_folder / "sums.jsonl", 40)
    osca("run", "spec.yaml")
    osca("plan", "--budget", "4")
    osca("run", "plan.yaml", "--limit", "6")
    return spec_folder


def plan_of(folder: Path, name: str = "plan.yaml") -> dict:
    return yaml.safe_load((folder / name).read_text())["allocation"]


def test_executed_samples_choose_and_their_problems_are_learned_from(osca, executed):
    before = plan_of(executed)
    drawn = osca("run", "plan.yaml", "--limit", "6", "--offline", "--json").json["tasks"][0]
    result = osca("plan", "plan.yaml", "--update", "-o", "new.yaml")
    after = plan_of(executed, "new.yaml")

    assert "6 held-out problems" in result.err
    assert "of executed plans" in result.out
    assert after["made_from"]["executed_samples"] == pytest.approx(6 * drawn["samples"])
    more = after["made_from"]["executed_samples"]
    assert after["made_from"]["samples"] == before["made_from"]["samples"] + more
    assert after["made_from"]["pool"] != before["made_from"]["pool"]
    learned = set(before["plans"][0]["learned_from"])
    assert len(set(after["plans"][0]["learned_from"]) - learned) == 6


def test_what_is_expected_is_told_by_pilot_problems_and_a_plan_without_update_by_nothing_else(osca, executed):
    plan = osca("plan", "plan.yaml", "--update", "--json").json
    osca("plan", "plan.yaml", "-o", "again.yaml")
    pilot = plan_of(executed)["made_from"]

    assert plan_of(executed, "again.yaml") == plan_of(executed)
    assert plan["expected"]["problems"] == pilot["problems"]
    assert plan["made_from"]["problems"] == pilot["problems"] + 6
    assert plan["expected"]["left_out"] == 6


def test_a_check_uses_the_held_out_problems_that_are_left(osca, executed):
    osca("plan", "plan.yaml", "--update", "-o", "new.yaml")
    osca("run", "new.yaml")
    osca("run", "new.yaml", "--measure")
    held_out = 40 - len(plan_of(executed)["plans"][0]["learned_from"])
    checked = osca("check", "new.yaml", "--json").json

    assert checked["problems"] == held_out - 6


def test_a_check_is_refused_where_every_held_out_problem_chose(osca, executed):
    osca("run", "plan.yaml")
    osca("plan", "plan.yaml", "--update", "-o", "new.yaml")

    for words in (["check", "new.yaml"], ["run", "new.yaml", "--measure"]):
        error = osca(*words, code=2).err
        assert "--update" in error
        assert "add problems" in error


def test_production_problems_are_never_read(osca, executed):
    before = osca("plan", "plan.yaml", "--update", "-o", "-").out
    write_problems(executed / "new.jsonl", 5, start=100)
    osca("run", "plan.yaml", "--problems", "new.jsonl")

    assert osca("plan", "plan.yaml", "--update", "-o", "-").out == before


def test_without_an_execution_it_says_so(osca, spec_folder):
    osca("run", "spec.yaml")
    result = osca("plan", "spec.yaml", "--update", "--json")

    assert "nothing is added" in result.err
    assert result.json["made_from"]["executed_samples"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--estimator", "plugin"], "biased"),
        (["--estimator", "beta"], "hierarchical"),
        (["--pilot", "2"], "thinned"),
    ],
)
def test_what_cannot_use_stopped_samples_is_refused(osca, spec_folder, words, said):
    assert said in osca("plan", "spec.yaml", "--update", *words, code=2).err


def test_an_outcomes_file_does_not_say_what_was_executed(osca, tmp_path):
    counts = {"problems": ["p"], "configurations": ["a"], "n": [[2]], "correct": [[1]]}
    (tmp_path / "counts.json").write_text(json.dumps(counts))

    assert "executing a plan" in osca("plan", "counts.json", "--budget", "2", "--update", code=2).err
