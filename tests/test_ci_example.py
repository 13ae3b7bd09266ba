"""The example for CI runs as its workflow says: green on the plan, red on a bad one, open on ten problems."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.test_docs import commands_of

CI = ROOT / "specs" / "ci"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    shutil.copytree(CI, tmp_path / "specs" / "ci")
    return tmp_path


def steps(job: str) -> list[list[str]]:
    """Return the arguments of osca in each step of a job."""
    workflow = yaml.safe_load((CI / "workflow.yaml").read_text())
    lines = [step["run"] for step in workflow["jobs"][job]["steps"] if "run" in step]
    return [words for line in lines for words in commands_of(f"```console\n$ {line}\n```")]


def test_the_workflow_is_green_on_the_plan(osca, example):
    for words in steps("check"):
        result = osca(*words)

    assert result.out.count("pass: ") == 5
    assert (example / "check.xml").exists()


def test_it_is_red_on_a_bad_plan(osca, example, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(example))
    recording = ("--db", "specs/ci/recording.db")
    result = osca("check", "specs/ci/bad.yaml", *recording, code=3)

    assert "fail: gain.over_uniform" in result.out
    assert "::error file=specs/ci/bad.yaml,line=" in result.err


def test_ten_problems_decide_little_and_the_number_that_would_is_told(osca, example):
    result = osca("check", "specs/ci/few.yaml", "--db", "specs/ci/recording.db")

    assert "10 held-out problems" in result.out
    assert "inconclusive: gain.over_chat/1.2 at least 5" in result.out
    assert "held-out problems would decide it, if the value stays" in result.out


def test_the_recording_is_not_told_apart_from_itself(osca, example):
    words = next(words for words in steps("drift") if words[0] == "check")
    recording = ["specs/ci/recording.db" if word == "today.db" else word for word in words]

    assert "nothing was drawn since specs/ci/recording.db" in osca(*recording, code=2).err


def test_the_page_shows_the_workflow_as_it_is():
    assert (CI / "workflow.yaml").read_text() in (ROOT / "docs" / "checking.md").read_text()
