"""The whole loop on the command line: spec, run, plan, run the plan, measure, check."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import SPEC, environment, write_problems


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pilot drawn and a plan made from it, for all tests to copy."""
    folder = tmp_path_factory.mktemp("loop")
    (folder / "spec.yaml").write_text(SPEC)
    write_problems(folder / "sums.jsonl", 40)
    for words in (["run", "spec.yaml"], ["plan", "--budget", "4"]):
        command = [sys.executable, "-m", "osca_cli", *words]
        subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
    return folder


@pytest.fixture
def planned(loop: Path, tmp_path: Path) -> Path:
    """A folder of a test's own, with a pilot and a plan."""
    return shutil.copytree(loop, tmp_path, dirs_exist_ok=True)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_plan_is_the_spec_with_its_allocation(osca, planned):
    spec, plan = (planned / "spec.yaml").read_text(), (planned / "plan.yaml").read_text()
    allocation = yaml.safe_load(plan)["allocation"]["plans"][0]

    assert plan.startswith(spec)
    assert sum(allocation["counts"].values()) == 4
    assert sum(count for run in allocation["schedule"] for count in run.values()) == 4


def test_planning_a_plan_again_gives_the_same_bytes(osca, planned):
    before = (planned / "plan.yaml").read_bytes()
    osca("plan", "plan.yaml", "--budget", "4")

    assert (planned / "plan.yaml").read_bytes() == before


def test_a_plan_in_another_folder_still_runs(osca, planned):
    (planned / "plans").mkdir()
    osca("plan", "spec.yaml", "--budget", "4", "-o", "plans/p.yaml")

    assert osca("run", "plans/p.yaml", "--json").json["tasks"][0]["problems"] > 0


def test_a_file_that_is_not_a_plan_is_never_overwritten(osca, planned):
    (planned / "notes.yaml").write_text("mine: 1\n")
    result = osca("plan", "spec.yaml", "-o", "notes.yaml", code=2)

    assert "not an osca plan" in result.err
    assert (planned / "notes.yaml").read_text() == "mine: 1\n"
    assert "not an osca plan" in osca("plan", "spec.yaml", "-o", "spec.yaml", code=2).err


def test_dash_prints_the_plan_and_json_alone_writes_none(osca, planned):
    (planned / "plan.yaml").unlink()

    printed = osca("plan", "spec.yaml", "-o", "-").out
    as_json = osca("plan", "spec.yaml", "--json").json

    assert yaml.safe_load(printed)["allocation"]["plans"][0]["counts"] == as_json["allocation"]
    assert not (planned / "plan.yaml").exists()
    assert {"schema_version", "task", "budget", "schedule", "certificate", "expected", "baselines"} <= set(
        as_json
    )


def test_a_plan_before_any_sample_says_what_to_run(osca, spec_folder):
    assert "osca run" in osca("plan", "spec.yaml", code=2).err

    osca("run", "spec.yaml", "--split", "held-out")
    assert "osca run" in osca("plan", "spec.yaml", code=2).err


@pytest.mark.parametrize("budget", ["0", "-1", "0.5", "many", "nan", "inf"])
def test_a_budget_below_one_sample_is_refused(osca, planned, budget):
    assert "budget" in osca("plan", "spec.yaml", "--budget", budget, code=2).err


def test_executing_stops_at_the_first_pass_and_goes_on_from_the_pool(osca, planned):
    first = osca("run", "plan.yaml", "--json", "--answers", "answers.jsonl").json
    again = osca("run", "plan.yaml", "--json").json
    answers = [json.loads(line) for line in (planned / "answers.jsonl").read_text().splitlines()]

    [task] = first["tasks"]
    assert first["drawn"] == sum(answer["samples"] for answer in answers) < task["problems"] * 4
    assert again["drawn"] == 0
    assert again["tasks"] == first["tasks"]
    assert {answer["samples"] for answer in answers if not answer["accepted"]} <= {4}
    assert task["solved"] == sum(answer["accepted"] for answer in answers)
    assert all(
        answer["answer"] == answer["text"].split()[-1].rstrip(".") for answer in answers if answer["accepted"]
    )


def test_samples_of_an_execution_do_not_bias_a_plan(osca, planned):
    before = osca("plan", "spec.yaml", "--json").json
    osca("run", "plan.yaml")
    after = osca("plan", "spec.yaml", "--json").json

    for plan in (before, after):
        plan["certificate"].pop("seconds")
    assert after == before


def test_new_problems_are_solved_without_their_references_being_asked_for_in_advance(osca, planned):
    write_problems(planned / "new.jsonl", 5, start=100)
    result = osca("run", "plan.yaml", "--problems", "new.jsonl", "--answers", "new.out", "--json").json

    assert result["tasks"][0]["problems"] == len((planned / "new.out").read_text().splitlines()) == 5
    with sqlite3.connect(planned / "osca.db") as sql:
        assert sql.execute("SELECT count(*) FROM cells WHERE split = 'production'").fetchone()[0] > 0
    sql.close()


def test_production_problems_that_cannot_be_verified_are_refused_before_a_draw(osca, planned):
    (planned / "new.jsonl").write_text('{"id": "n", "question": "1 + 1?"}\n')
    result = osca("run", "plan.yaml", "--problems", "new.jsonl", code=2)

    assert "answer" in result.err


def test_check_says_what_is_missing_and_measure_draws_just_that(osca, planned):
    missing = osca("check", "plan.yaml", code=2)
    number = int(missing.err.split("osca: ")[1].split(" ")[0].replace(",", ""))

    assert "osca run plan.yaml --measure" in missing.err
    assert osca("run", "plan.yaml", "--measure", "--json").json["drawn"] == number
    assert osca("check", "plan.yaml", "--json").json["problems"] > 0


def test_check_compares_on_held_out_problems_and_exits_3_when_an_assertion_fails(osca, planned):
    osca("run", "plan.yaml", "--measure")
    with (planned / "plan.yaml").open("a") as file:
        file.write(
            "check:\n  assert:\n    - {metric: pass_rate, at_least: 0.01}\n"
            "    - {metric: pass_rate, at_most: 0.01}\n"
            "    - {metric: gain.over_uniform, at_least: 0, margin: 1}\n"
        )
    result = osca("check", "plan.yaml", "--json", code=3)

    assert [one["outcome"] for one in result.json["assertions"]] == ["pass", "fail", "pass"]
    assert result.json["passed"] is False
    assert "1 assertion of plan.yaml did not hold" in result.err


def test_inconclusive_warns_or_fails_as_the_spec_says(osca, planned):
    osca("run", "plan.yaml", "--measure")
    rate = osca("check", "plan.yaml", "--json").json["pass_rate"]
    with (planned / "plan.yaml").open("a") as file:
        file.write(f"check:\n  assert: [{{metric: pass_rate, at_least: {rate - 0.01}}}]\n")

    result = osca("check", "plan.yaml", "--json").json
    assert result["passed"] is None
    assert result["assertions"][0]["decided_by"] > result["problems"]

    with (planned / "plan.yaml").open("a") as file:
        file.write("  inconclusive: fail\n")
    assert osca("check", "plan.yaml", code=3).err


def test_a_plan_whose_configurations_the_spec_no_longer_has_is_refused(osca, planned):
    plan = yaml.safe_load((planned / "plan.yaml").read_text())
    name = next(iter(plan["allocation"]["plans"][0]["counts"]))
    _, temperature, _ = name.split("/")
    edit(planned / "plan.yaml", "temperature: [0.5, 1.0]", f"temperature: [{1.5 - float(temperature)}]")

    result = osca("run", "plan.yaml", code=2)
    assert name in result.err
    assert "plan.yaml:" in result.err


def test_a_plan_is_stale_when_what_it_draws_has_changed(osca, planned):
    edit(planned / "plan.yaml", "max_tokens: 64", "max_tokens: 32")
    result = osca("run", "plan.yaml", code=2)

    assert "changed" in result.err
    assert "--stale" in result.err
    assert osca("check", "plan.yaml", code=2).err
    assert osca("run", "plan.yaml", "--stale", "--limit", "1", "--json").json["tasks"][0]["problems"] == 1


def test_renaming_what_the_plan_does_not_draw_leaves_it_fresh(osca, planned):
    edit(planned / "plan.yaml", "version: 1\n", "version: 1\nname: other\n")

    osca("run", "plan.yaml", "--limit", "1")


def test_a_problem_that_chose_the_plan_is_no_proof(osca, planned):
    osca("run", "plan.yaml", "--measure")
    edit(planned / "plan.yaml", "held_out: 0.5", "held_out: 0.9")
    result = osca("check", "plan.yaml", code=2)

    assert "learned from" in result.err


def test_without_held_out_problems_nothing_is_proved(osca, spec_folder):
    edit(spec_folder / "spec.yaml", "    held_out: 0.5\n", "")
    osca("run", "spec.yaml", "--samples", "2")
    osca("plan", "spec.yaml", "--budget", "2")

    assert "held_out: 0.5" in osca("check", "plan.yaml", code=2).err
    assert "--problems" in osca("run", "plan.yaml", code=2).err


def test_a_plan_written_by_hand_runs_and_is_checked(osca, spec_folder):
    osca("run", "spec.yaml")
    text = (spec_folder / "spec.yaml").read_text()
    (spec_folder / "mine.yaml").write_text(
        text + "allocation: {plans: [{task: sums, counts: {small/0.5/prompt1: 2, large/1.0/prompt1: 1}}]}\n"
    )

    assert osca("run", "mine.yaml", "--json").json["tasks"][0]["problems"] > 0
    osca("run", "mine.yaml", "--measure")
    result = osca("check", "mine.yaml", "--json").json
    assert sum(result["baselines"]["uniform"]["allocation"].values()) == 3


def test_an_outcomes_file_is_planned_and_checked_without_a_pool(osca, tmp_path):
    rows = ["problem,configuration,n,correct,split"]
    rows += [
        f"p{i},{name},10,{(i * k) % 11},{'train' if i % 2 else 'test'}"
        for i in range(40)
        for name, k in (("a", 3), ("b", 7))
    ]
    (tmp_path / "counts.csv").write_text("\n".join(rows) + "\n")

    plan = osca("plan", "counts.csv", "--budget", "4", "--json").json
    assert plan["held_out"]["problems"] == 20

    osca("plan", "counts.csv", "--budget", "4")
    checked = osca("check", "plan.yaml", "--json").json
    assert checked["pass_rate"] == pytest.approx(plan["held_out"]["pass_rate"])
    assert "cannot be run" in osca("run", "plan.yaml", code=2).err


def test_problems_on_both_sides_of_a_file_are_no_proof(osca, data_folder):
    file = data_folder / "osca-release" / "swebench_agentless.json"
    plan = osca("plan", str(file), "--budget", "4", "--json").json
    assert plan["in_sample"] is True

    osca("plan", str(file), "--budget", "4")
    assert "300 of 300 held-out problems are training problems" in osca("check", "plan.yaml", code=2).err


def test_the_papers_own_figures(osca, data_folder):
    file = str(data_folder / "osca-release" / "bcb_results.json")
    for budget, pass_rate in ((8, 0.6056), (16, 0.6933)):
        plan = osca("plan", file, "--budget", str(budget), "--estimator", "plugin", "--json").json

        assert plan["held_out"]["pass_rate"] == pytest.approx(pass_rate, abs=5e-5)
        assert plan["certificate"]["gap"] < 0.002
