"""``osca plan --advise``: what more pilot would buy, and what to write for it."""

import pytest
import yaml

from tests.conftest import write_problems


def test_a_pilot_of_some_problems_is_to_be_completed_first(osca, spec_folder):
    osca("run", "spec.yaml", "--limit", "3")
    result = osca("plan", "spec.yaml", "--advise")
    last = result.out.splitlines()[-1]

    assert yaml.safe_load(last) == {"pilot": {"samples": 4}}
    assert "every problem" in result.out
    assert not (spec_folder / "plan.yaml").exists()


def test_few_problems_want_more_of_them_and_held_out_ones_come_along(osca, spec_folder):
    osca("run", "spec.yaml")
    result = osca("plan", "spec.yaml", "--advise", "--json").json

    assert result["recommended"]["more"] == "problems"
    assert result["recommended"]["problems"] == 2 * result["options"][0]["problems"]
    assert result["options"][1]["price"] == result["options"][1]["draws"]
    comment, pilot = result["spec"]
    assert comment.startswith("# add ")
    assert "held out" in comment
    assert yaml.safe_load(pilot) == {"pilot": {"samples": 4}}


def test_enough_problems_are_measured(osca, spec_folder):
    write_problems(spec_folder / "sums.jsonl", 48)
    osca("run", "spec.yaml")
    result = osca("plan", "spec.yaml", "--budget", "2", "--advise", "--json").json

    for option in result["options"][1:]:
        low, high = option["gain"]["interval"]
        assert low <= option["gain"]["value"] <= high
    assert result["because"]


@pytest.mark.parametrize("words", [["-o", "x.yaml"], ["--update"], ["--estimator", "plugin"]])
def test_what_makes_no_sense_beside_it_is_refused(osca, spec_folder, words):
    assert "--advise" in osca("plan", "spec.yaml", "--advise", *words, code=2).err
