"""A workflow over the real embedded model, planned for beside single answers under a budget of tokens."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.run.hosted import rows


@pytest.mark.model
def test_a_workflow_is_planned_for_beside_single_answers_by_its_tokens(osca, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    shutil.copytree(ROOT / "specs", tmp_path / "specs")

    problems = tmp_path / "specs" / "arithmetic.jsonl"
    problems.write_text("".join(problems.read_text().splitlines(keepends=True)[::16]))
    drawn = osca("run", "specs/agent.yaml", "--limit", "1", "--samples", "1", "--json").json

    assert (drawn["drawn"], drawn["errors"]) == (6, 0)
    workflow = rows(tmp_path, "SELECT details, output_tokens FROM samples WHERE details IS NOT NULL")
    assert len(workflow) == 2
    for details, output_tokens in workflow:
        assert [step["step"] for step in json.loads(details)["steps"]][:2] == ["solve", "check"]
        assert 2 <= output_tokens <= 3 * 8

    plan = osca("plan", "specs/agent.yaml", "--json").json
    assert plan["budget"] == {"output_tokens": 40}
    assert sum(plan["allocation"].values()) >= 2
