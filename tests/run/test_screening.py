"""A screened pilot: a few samples of every configuration, the rest of those that can still matter."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Osca, environment, write_problems

SPEC = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
    held_out: 0.5
configurations:
  - grid:
      model: [scripted/small, scripted/large]
      temperature: [0.4, 0.8, 1.2]
      prompt: ["{{ question }} [{{ answer }}]"]
    max_tokens: 64
pilot: {samples: 6, screen: 2}
budget: {samples: 3}
"""
SIZE, SCREEN, SAMPLES = 6, 2, 6
TRAIN, HELD_OUT = 6, 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a spec of six configurations, two of which go on."""
    write(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def piloted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a folder after its pilot."""
    folder = tmp_path_factory.mktemp("piloted")
    write(folder)
    run = [sys.executable, "-m", "osca_cli", "run", "spec.yaml", "--json"]
    with (folder / "first.json").open("w") as out, (folder / "first.txt").open("w") as err:
        subprocess.run(run, cwd=folder, env=environment(), stdout=out, stderr=err, check=True)
    return folder


@pytest.fixture
def piloted(piloted_once: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(piloted_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


def write(folder: Path) -> None:
    (folder / "spec.yaml").write_text(SPEC)
    write_problems(folder / "sums.jsonl", TRAIN + HELD_OUT)


def first(folder: Path) -> dict:
    """What the first run said."""
    return json.loads((folder / "first.json").read_text())


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "spec.yaml").read_text()
    assert old in text
    (folder / "spec.yaml").write_text(text.replace(old, new))


def rows(folder: Path, query: str) -> list[tuple]:
    sql = sqlite3.connect(folder / "osca.db")
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


def drawn(folder: Path) -> list[tuple]:
    return rows(folder, "SELECT request, idx, seed, text FROM samples ORDER BY request, idx")


def asked(folder: Path) -> dict[str, set[int]]:
    """How many samples of each configuration's cells were asked for."""
    result: dict[str, set[int]] = {}
    query = (
        "SELECT c.name, r.asked FROM cells x JOIN configurations c ON c.id = x.configuration"
        " JOIN requests r ON r.id = x.request"
    )
    for name, number in rows(folder, query):
        result.setdefault(name, set()).add(number)
    return result


def screened(osca: Osca, *more: str) -> dict:
    (stand,) = osca("run", "spec.yaml", "--json", *more).json["screening"]
    return stand


def missing(osca: Osca) -> int:
    return sum(line["missing"] for line in osca("show", "spec.yaml", "--json").json["configurations"])


def test_every_configuration_is_screened_and_a_third_goes_on(osca, piloted):
    result = first(piloted)
    (stand,) = result["screening"]
    chosen = stand["chosen"]
    words = f"sums: screened 6 configurations on 2 samples each; 2 go on: {', '.join(chosen)}\n"

    assert len(chosen) == stand["going_on"] == 2
    assert words in (piloted / "first.txt").read_text()
    assert result["drawn"] == len(drawn(piloted)) == TRAIN * (SIZE * SCREEN + 2 * (SAMPLES - SCREEN))
    assert result["drawn"] == osca("validate", "spec.yaml", "--json").json["pilot_samples"]
    assert asked(piloted) == {name: {SAMPLES if name in chosen else SCREEN} for name in asked(piloted)}


def test_running_again_draws_nothing_and_chooses_the_same(osca, piloted):
    again = osca("run", "spec.yaml", "--json").json

    assert (again["drawn"], again["there"]) == (0, first(piloted)["drawn"])
    assert again["screening"] == first(piloted)["screening"]
    assert missing(osca) == 0


def test_a_larger_pilot_draws_more_of_those_that_went_on(osca, piloted):
    edit(piloted, "samples: 6, screen", "samples: 9, screen")

    assert missing(osca) == 2 * 3 * TRAIN
    result = osca("run", "spec.yaml", "--json").json

    assert result["screening"] == first(piloted)["screening"]
    assert result["drawn"] == 2 * 3 * TRAIN


def test_a_new_configuration_is_screened_and_what_was_drawn_still_counts(osca, piloted):
    before = first(piloted)["screening"][0]["chosen"]
    edit(piloted, "temperature: [0.4, 0.8, 1.2]", "temperature: [0.4, 0.8, 1.2, 1.6]")

    result = osca("run", "spec.yaml", "--json").json

    new = set(result["screening"][0]["chosen"]) - set(before)
    assert result["screening"][0]["configurations"] == 8
    assert result["drawn"] == TRAIN * (2 * SCREEN + len(new) * (SAMPLES - SCREEN))
    assert all(asked(piloted)[name] == {SAMPLES} for name in before)


def test_the_choice_waits_for_draws_that_failed(osca, folder):
    with (folder / "spec.yaml").open("a") as file:
        file.write("backends:\n  scripted: {type: scripted, max_retries: 0, fail_first: 3}\n")

    result = osca("run", "spec.yaml", "--json", code=1)

    assert "3 draws failed" in result.err
    assert "2 of 6 configurations go on to 6 samples once all are screened" in result.err
    assert "3 verdicts of the screening are missing" in result.err
    assert len(drawn(folder)) == TRAIN * SIZE * SCREEN - 3

    edit(folder, ", fail_first: 3", "")
    stand = screened(osca)
    assert (stand["missing"], len(stand["chosen"])) == (0, 2)
    assert len(drawn(folder)) == TRAIN * (SIZE * SCREEN + 2 * (SAMPLES - SCREEN))


def test_a_sample_without_verdict_is_waited_for(osca, piloted):
    with sqlite3.connect(piloted / "osca.db") as sql:
        sql.execute(
            "UPDATE verdicts SET passed = NULL WHERE idx = 1 AND request = (SELECT min(id) FROM requests)"
        )
    sql.close()

    plan = osca("run", "spec.yaml", "--dry-run", "--json")
    assert "1 verdict of the screening is missing" in plan.err
    assert plan.json["to_draw"] == 0

    result = osca("run", "spec.yaml", "--json").json
    assert result["passed"] + result["failed"] == 1
    assert result["screening"] == first(piloted)["screening"]


def test_a_part_of_the_problems_or_configurations_leaves_the_choice_open(osca, folder):
    few = screened(osca, "--limit", "2")
    some = screened(osca, "--only", "small/*")

    assert few["chosen"] is some["chosen"] is None
    assert few["missing"] == SCREEN * SIZE * (TRAIN - 2)
    assert some["missing"] == SCREEN * 3 * (TRAIN - 2)
    assert {idx for _, idx, *_ in drawn(folder)} == {0, 1}


def test_of_what_goes_on_the_chosen_part_is_drawn(osca, piloted):
    name, _ = first(piloted)["screening"][0]["chosen"]
    edit(piloted, "samples: 6, screen", "samples: 9, screen")

    assert osca("run", "spec.yaml", "--only", name, "--json").json["drawn"] == 3 * TRAIN


def test_samples_on_the_command_line_are_the_same_for_all(osca, folder):
    result = osca("run", "spec.yaml", "--samples", "3", "--json").json

    assert result["drawn"] == TRAIN * SIZE * 3
    assert "screening" not in result


def test_a_dry_run_tells_both_stages(osca, folder):
    before = osca("run", "spec.yaml", "--dry-run", "--json").json
    table = osca("run", "spec.yaml", "--dry-run").out

    assert before["to_draw"] == TRAIN * SIZE * SCREEN
    assert before["then_at_most"]["to_draw"] == TRAIN * 2 * (SAMPLES - SCREEN)
    assert before["then_at_most"]["tokens_at_most"] > 0
    total = TRAIN * (SIZE * SCREEN + 2 * (SAMPLES - SCREEN))
    assert table.split("in all, at most")[1].split()[0] == str(total)


def test_once_the_choice_is_made_a_dry_run_knows_all(osca, piloted):
    edit(piloted, "samples: 6, screen", "samples: 9, screen")

    after = osca("run", "spec.yaml", "--dry-run", "--json").json

    assert after["to_draw"] == TRAIN * 2 * 3
    assert after["then_at_most"] is None


def test_held_out_problems_follow_the_choice_of_the_training_problems(osca, piloted):
    result = osca("run", "spec.yaml", "--split", "held-out", "--json").json

    assert result["drawn"] == HELD_OUT * (SIZE * SCREEN + 2 * (SAMPLES - SCREEN))


def test_offline_the_pool_answers_and_names_what_is_missing(osca, piloted):
    assert osca("run", "spec.yaml", "--offline", "--json").json["drawn"] == 0

    edit(piloted, "samples: 6, screen", "samples: 7, screen")
    error = osca("run", "spec.yaml", "--offline", code=2).err

    assert f"offline, and {2 * TRAIN} samples are missing, such as sample 6 of configuration" in error


def test_a_deterministic_configuration_never_goes_on(osca, folder):
    edit(folder, "[0.4, 0.8, 1.2]", "[0, 0.8, 1.2]")

    stand = screened(osca)

    assert not {name for name in stand["chosen"] if "/0/" in name}
    assert asked(folder)["small/0/prompt1"] == {1}


def test_a_budget_in_tokens_screens_too(osca, folder):
    edit(folder, "budget: {samples: 3}", "budget: {output_tokens: 15}")

    assert len(screened(osca)["chosen"]) == 2


def test_a_budget_that_buys_nothing_is_told_and_the_samples_are_kept(osca, folder):
    edit(folder, "budget: {samples: 3}", "budget: {output_tokens: 1}")

    assert "below one sample" in osca("run", "spec.yaml", code=2).err
    assert len(drawn(folder)) == TRAIN * SIZE * SCREEN


@pytest.mark.parametrize("estimator", ["auto", "plugin", "beta"])
def test_every_estimator_plans_from_cells_with_different_numbers(osca, piloted, estimator):
    plan = osca("plan", "spec.yaml", "--estimator", estimator, "--json").json

    assert sum(plan["allocation"].values()) == 3
    assert 0 <= plan["expected"]["interval"][0] <= plan["expected"]["pass_rate"] <= 1
    assert plan["made_from"]["samples"] == len(drawn(piloted))


def test_a_plan_from_a_screened_pilot_is_measured_and_checked(osca, piloted):
    osca("plan", "spec.yaml")

    osca("run", "plan.yaml", "--measure")
    result = osca("check", "plan.yaml", "--json", code=None)

    assert result.code in {0, 3}
    assert result.json["problems"] == HELD_OUT
    assert osca("run", "plan.yaml", "--measure", "--json").json["drawn"] == 0
    assert osca("run", "plan.yaml", "--pilot", "--json").json["drawn"] == 0


def test_killed_in_either_stage_it_ends_as_if_it_had_not_been(osca, folder, piloted_once):
    first_stage = TRAIN * SIZE * SCREEN
    with (folder / "spec.yaml").open("a") as file:
        file.write("backends:\n  scripted: {type: scripted, delay_s: 0.01, slots: 4, log: draws.log}\n")
    (folder / "draws.log").touch()

    for moment in (first_stage // 2, first_stage + 10):
        kill_after(folder, moment)
        assert len(drawn(folder)) < len(drawn(piloted_once))

    assert osca("run", "spec.yaml", "--json").json["screening"] == first(piloted_once)["screening"]
    assert drawn(folder) == drawn(piloted_once)
    assert asked(folder) == asked(piloted_once)


def kill_after(folder: Path, draws: int) -> None:
    """Start a run, and kill it once so many samples are drawn."""
    command = [sys.executable, "-m", "osca_cli", "run", "spec.yaml"]
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while (folder / "draws.log").read_text().count("\n") < draws and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
