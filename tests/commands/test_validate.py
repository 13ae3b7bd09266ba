import json
import re

import pytest
import yaml
from click.testing import CliRunner

from osca_cli.commands.validate import command
from osca_cli.errors import SpecError, UsageError
from tests.conftest import ROOT


@pytest.fixture
def validate(spec_folder, monkeypatch):
    """Run the command in the folder of the smallest spec, on the embedded backend."""
    monkeypatch.chdir(spec_folder)
    spec = spec_folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("scripted/", "llama_cpp/"))

    def run(*args: str, catch: bool = False):
        return CliRunner().invoke(command, args, catch_exceptions=catch)

    return run


def test_a_valid_spec_prints_what_it_asks_for(validate):
    result = validate("spec.yaml")

    assert result.exit_code == 0
    assert "spec.yaml: valid" in result.stdout
    assert "4 configurations, " in result.stderr
    assert "a budget of 4 samples per problem" in result.stderr


def test_json_has_the_counts(validate):
    facts = json.loads(validate("spec.yaml", "--json").stdout)
    (task,) = facts["tasks"]

    assert facts["valid"] is True
    assert facts["faults"] == []
    assert task["train"] + task["held_out"] == 20
    assert facts["pilot_samples"] == task["pilot_samples"] == task["train"] * 4 * 4
    assert facts["configurations"] == [f"{m}/{t}/prompt1" for m in ("small", "large") for t in (0.5, 1.0)]
    assert facts["budget"] == {"samples": 4}


def test_a_folder_with_a_spec_needs_no_argument(validate):
    assert "spec.yaml: valid" in validate().stdout


def test_faults_are_raised_for_the_command_line_to_print(validate, spec_folder):
    (spec_folder / "spec.yaml").write_text("version: 2\n")

    with pytest.raises(SpecError, match=r"spec\.yaml:1:10: version: must be 1, not 2"):
        validate("spec.yaml")


def test_json_lists_the_faults_and_exits_with_2(validate, spec_folder):
    (spec_folder / "spec.yaml").write_text("version: 2\ntasks: [{name: a}]\n")
    result = validate("spec.yaml", "--json")

    assert result.exit_code == 2
    first = json.loads(result.stdout)["faults"][0]
    assert (first["line"], first["column"], first["path"]) == (1, 10, "version")


def test_nothing_held_out_is_pointed_out(validate, spec_folder):
    spec = spec_folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("    held_out: 0.5\n", ""))

    assert "no problem of sums is held out: osca check needs held_out: 0.5" in validate().stderr


def test_a_folder_without_a_spec_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="osca init"):
        CliRunner().invoke(command, [], catch_exceptions=False)


def test_the_command_line_prints_faults_without_a_traceback(osca, spec_folder):
    (spec_folder / "spec.yaml").write_text("version: 2\ntasks: [{name: a}]\nbudgte: 1\n")
    result = osca("validate", "spec.yaml", code=2)

    assert result.out == ""
    assert "spec.yaml:1:10: version: must be 1, not 2" in result.err
    assert "spec.yaml:3:1: budgte: unknown key; did you mean 'budget'?" in result.err


def test_the_faults_of_several_specs_are_told_together(osca, spec_folder):
    text = (spec_folder / "spec.yaml").read_text()
    (spec_folder / "one.yaml").write_text(text.replace("held_out: 0.5", "held_out: 5"))
    (spec_folder / "two.yaml").write_text(text.replace("budget:", "budgets:"))
    result = osca("validate", "one.yaml", "spec.yaml", "two.yaml", code=2)

    assert result.out == "spec.yaml: valid\n"
    assert "one.yaml:" in result.err
    assert "two.yaml:" in result.err
    assert "name one" in osca("validate", "one.yaml", "two.yaml", "--json", code=2).err


def test_the_pre_commit_hook_is_a_command_that_there_is():
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    assert hook["entry"].split() == ["osca", "validate"]
    assert re.search(hook["files"], "specs/ci/plan.yaml")
    assert not re.search(hook["files"], "specs/ci/workflow.yaml")
