"""The pages on planning and on outcomes files are true: their files are read, their commands run."""

import json
import re
import shlex

import pytest
import yaml

from osca_cli.outcomes.files import read_outcomes
from tests.conftest import ROOT

OUTCOMES = (ROOT / "docs" / "outcomes.md").read_text()
PLANNING = (ROOT / "docs" / "planning.md").read_text()
FILES = dict(re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)```", OUTCOMES, re.DOTALL | re.MULTILINE))


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def commands(page: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in re.findall(r"^\$ (osca .*)$", page, re.MULTILINE)]


def test_the_files_of_the_page_hold_the_same_counts(folder):
    table, *others = (read_outcomes(folder / name) for name in FILES)

    assert len(others) == 2
    for other in others:
        assert (other.n == table.n).all()
        assert (other.c == table.c).all()
        assert (other.configurations, other.problems) == (table.configurations, table.problems)
        assert (other.train == table.train).all()
        assert (other.held_out == table.held_out).all()


@pytest.mark.parametrize(("page", "number"), [(OUTCOMES, 3), (PLANNING, 4)], ids=["outcomes", "planning"])
def test_the_commands_of_the_page_run_as_written(osca, folder, page, number):
    on_counts = [command for command in commands(page) if not {"run", "spec.yaml", "--update"} & {*command}]

    assert len(on_counts) == number
    for command in on_counts:
        assert osca(*command, code=None).code in {0, 3}, command


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_planned(osca, folder, name):
    plan = osca("plan", name, "--budget", "4", "--json").json

    assert sum(plan["allocation"].values()) == 4
    assert plan["held_out"]["problems"] == 2


def test_the_keys_of_a_plan_are_those_of_the_page(osca, folder):
    listed = PLANNING.split("## The keys")[1]
    rows = re.findall(r"^\| (`.*?) \|", listed, re.MULTILINE)
    keys = {key for row in rows for key in re.findall(r"`(\w+)`", row)}

    plan = osca("plan", "counts.csv", "--budget", "4", "--false-accept-rate", "0.01", "--json").json
    assert keys - {"pass_rates"} | {"schema_version"} == set(plan)  # --update alone tells these


def test_the_shared_budget_of_the_page_is_planned(osca, folder):
    [spec] = re.findall(r"```yaml\n(budget:.*?)```", PLANNING, re.DOTALL)
    for task in yaml.safe_load(spec)["tasks"]:
        (folder / task["outcomes"]).write_text(FILES["counts.csv"])
    (folder / "spec.yaml").write_text("version: 1\n" + spec)
    shared = osca("plan", "spec.yaml", "--json").json

    assert [plan.get("share_of_problems") for plan in shared["plans"]] == [0.9, 0.1, None]
    whole = {"budget", "certificate", "expected", "held_out", "baselines", "gain", "because", "notes"}
    assert whole <= set(shared)


def test_a_list_of_budgets_gives_a_line_for_each(osca, folder):
    lines = osca("plan", "counts.csv", "--budget", "1,2,0.01usd").out.splitlines()

    assert [json.loads(line)["budget"] for line in lines] == [{"samples": 1}, {"samples": 2}, {"usd": 0.01}]
    assert not (folder / "plan.yaml").exists()


def test_a_faulty_file_is_refused_with_its_cell(osca, folder):
    (folder / "counts.csv").write_text(FILES["counts.csv"].replace("p3,small,8,3", "p3,small,8,9"))

    error = osca("plan", "counts.csv", "--budget", "4", code=2).err
    assert "counts.csv: configuration 'small', problem 'p3': more passes than samples" in error
