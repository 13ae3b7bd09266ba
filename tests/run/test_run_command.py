"""`osca run` on a spec: what is missing is drawn once, kept at once, and never drawn again."""

import json
import re
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Osca, write_problems


def count(folder: Path, table: str = "samples") -> int:
    with sqlite3.connect(folder / "osca.db") as sql:
        (number,) = sql.execute(f"SELECT count(*) FROM {table}").fetchone()
    sql.close()
    return number


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def train(osca: Osca) -> int:
    return osca("validate", "spec.yaml", "--json").json["tasks"][0]["train"]


def test_the_first_run_draws_the_pilot_and_a_second_draws_nothing(osca, spec_folder):
    first = osca("run", "spec.yaml", "--json")
    again = osca("run", "spec.yaml", "--json")

    asked = train(osca) * 4 * 4
    assert first.json["drawn"] == asked
    assert first.json["passed"] + first.json["failed"] == asked
    assert (again.json["drawn"], again.json["there"]) == (0, asked)
    assert count(spec_folder) == count(spec_folder, "verdicts") == asked


def test_a_larger_pilot_draws_the_difference(osca, spec_folder):
    osca("run", "spec.yaml")
    edit(spec_folder / "spec.yaml", "samples: 4}\nbudget", "samples: 6}\nbudget")

    assert osca("run", "spec.yaml", "--json").json["drawn"] == train(osca) * 4 * 2


def test_renaming_and_reordering_draw_nothing(osca, spec_folder):
    osca("run", "spec.yaml")
    edit(spec_folder / "spec.yaml", "[scripted/small, scripted/large]", "[scripted/large, scripted/small]")
    edit(spec_folder / "spec.yaml", "max_tokens: 64", 'max_tokens: 64\n    name: "{temperature} of {model}"')
    edit(spec_folder / "spec.yaml", "version: 1\n", "version: 1\nname: another\n")

    result = osca("run", "spec.yaml", "--json").json

    assert result["drawn"] == 0
    assert result["there"] > 0


def test_another_max_tokens_draws_that_configuration_alone(osca, spec_folder):
    spec = spec_folder / "spec.yaml"
    edit(spec, "scripted/small, scripted/large", "scripted/small")
    with spec.open("a") as file:
        file.write("x-end: here\n")
    edit(
        spec,
        "pilot:",
        '  - {name: big, model: scripted/large, prompt: "{{ question }} [{{ answer }}]", max_tokens: 64}\n'
        "pilot:",
    )
    osca("run", "spec.yaml")
    edit(spec, "max_tokens: 64}", "max_tokens: 65}")

    assert osca("run", "spec.yaml", "--json").json["drawn"] == train(osca) * 4


def test_another_verifier_verifies_again_and_draws_nothing(osca, spec_folder):
    osca("run", "spec.yaml")
    edit(spec_folder / "spec.yaml", "{type: number}", "{type: number, tolerance: 1}")

    result = osca("run", "spec.yaml", "--json").json

    assert result["drawn"] == 0
    assert result["passed"] + result["failed"] == count(spec_folder)


def test_two_configurations_that_ask_the_same_share_their_samples(osca, spec_folder):
    edit(
        spec_folder / "spec.yaml",
        "pilot:",
        "  - {name: twin, model: scripted/small, temperature: 0.5, max_tokens: 64,"
        ' prompt: "{{ question }} [{{ answer }}]"}\npilot:',
    )

    result = osca("run", "spec.yaml", "--json").json

    assert result["drawn"] == count(spec_folder) == train(osca) * 4 * 4
    assert result["there"] == train(osca) * 4
    assert result["passed"] + result["failed"] == result["drawn"]


def test_a_dry_run_says_what_is_missing_and_draws_nothing(osca, spec_folder):
    osca("run", "spec.yaml", "--limit", "2")
    before = count(spec_folder)

    plan = osca("run", "spec.yaml", "--dry-run", "--json").json

    assert plan["there"] == before == 2 * 4 * 4
    assert plan["to_draw"] == (train(osca) - 2) * 4 * 4
    assert count(spec_folder) == before


def test_filters_draw_a_part(osca, spec_folder):
    result = osca("run", "spec.yaml", "--only", "small/*", "--limit", "3", "--samples", "2", "--json").json

    assert result["drawn"] == 2 * 3 * 2


def test_a_filter_that_matches_nothing_says_what_there_is(osca, spec_folder):
    result = osca("run", "spec.yaml", "--only", "huge/*", code=2)

    assert "small/0.5/prompt1" in result.err


def test_held_out_problems_are_drawn_when_asked_for(osca, spec_folder):
    assert (
        osca("run", "spec.yaml", "--split", "held-out", "--json").json["drawn"] == (20 - train(osca)) * 4 * 4
    )


def test_offline_answers_from_the_pool_and_names_what_is_missing(osca, spec_folder):
    osca("run", "spec.yaml")

    assert osca("run", "spec.yaml", "--offline", "--json").json["drawn"] == 0

    result = osca("run", "spec.yaml", "--offline", "--samples", "5", code=2)

    assert re.search(r"offline.*44 samples.*sample 4 of configuration '.*' on problem 'p\d+'", result.err)


def test_without_a_spec_the_one_last_run_is_taken(osca, spec_folder):
    (spec_folder / "spec.yaml").rename(spec_folder / "mine.yaml")
    osca("run", "mine.yaml", "--limit", "1")

    result = osca("run", "--limit", "1")

    assert "mine.yaml (last run in this pool)" in result.err


def test_a_draw_that_fails_is_kept_as_an_error_and_drawn_by_the_next_run(osca, spec_folder):
    with (spec_folder / "spec.yaml").open("a") as file:
        file.write("backends:\n  scripted: {type: scripted, max_retries: 0, fail_first: 3}\n")

    first = osca("run", "spec.yaml", code=1)
    assert "3 draws failed" in first.err
    assert "the scripted server was busy" in first.err
    assert count(spec_folder, "errors") == 3
    assert count(spec_folder) == train(osca) * 4 * 4 - 3

    edit(spec_folder / "spec.yaml", ", fail_first: 3", "")
    assert osca("run", "spec.yaml", "--json").json["drawn"] == 3


def test_a_model_that_cannot_be_had_stops_the_run_with_its_message(osca, spec_folder):
    edit(spec_folder / "spec.yaml", "scripted/large", "scripted/missing")

    assert "no model 'missing'" in osca("run", "spec.yaml", code=1).err


def test_the_views_of_the_pool_answer_without_osca(osca, spec_folder):
    osca("run", "spec.yaml")
    shown = {
        line["configuration"]: line for line in osca("show", "spec.yaml", "--json").json["configurations"]
    }

    with sqlite3.connect(spec_folder / "osca.db") as sql:
        rows = sql.execute("SELECT configuration, samples, pass_rate FROM v_pass_rates").fetchall()
    sql.close()

    assert {name for name, *_ in rows} == set(shown)
    for name, samples, pass_rate in rows:
        assert samples == shown[name]["samples"]
        assert pass_rate == pytest.approx(shown[name]["pass_rate"], abs=1e-4)


def test_the_seed_is_no_part_of_a_samples_identity(osca, spec_folder):
    osca("run", "spec.yaml")
    with (spec_folder / "spec.yaml").open("a") as file:
        file.write("run: {seed: 7}\n")

    assert osca("run", "spec.yaml", "--json").json["drawn"] == 0


def test_new_problems_draw_only_themselves(osca, spec_folder):
    osca("run", "spec.yaml", "--split", "all")
    write_problems(spec_folder / "sums.jsonl", 25)

    assert osca("run", "spec.yaml", "--split", "all", "--json").json["drawn"] == 5 * 4 * 4


def test_json_is_all_of_standard_output(osca, spec_folder):
    result = osca("run", "spec.yaml", "--limit", "1", "--json")

    assert json.loads(result.out)["kind"] == "pilot"
    assert "pool: osca.db" in result.err
