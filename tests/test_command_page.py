"""The page on programs is true: its spec and its programs run as written."""

import re
import shutil

import pytest

from tests.conftest import ROOT, write_problems
from tests.run.hosted import edit

PAGE = (ROOT / "docs" / "command.md").read_text()
[SPEC, PYTHON, SHELL] = re.findall(r"```(?:yaml|python|sh)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def page(tmp_path):
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "agent.py").write_text(PYTHON)
    (tmp_path / "agent.sh").write_text(SHELL)
    write_problems(tmp_path / "sums.jsonl", 8)
    edit(tmp_path / "sums.jsonl", "+", "and")
    return tmp_path


def test_the_python_program_of_the_page_answers(osca, page):
    result = osca("run", "spec.yaml", "--limit", "4", "--json").json

    assert result["errors"] == result["unverified"] == 0
    assert result["drawn"] > result["passed"] > 0
    assert result["output_tokens"] > 0


def test_the_shell_program_of_the_page_answers(osca, page):
    if shutil.which("jq") is None:
        pytest.skip("needs jq")
    edit(page / "spec.yaml", "[python3, agent.py]", "[sh, agent.sh]")

    result = osca("run", "spec.yaml", "--limit", "2", "--json").json

    assert result["drawn"] == result["passed"] > 0
