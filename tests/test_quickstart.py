"""The quickstart, with the real embedded model: every command of the README, on fewer problems."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, Osca

README = (ROOT / "README.md").read_text()


@pytest.fixture
def quickstart(tmp_path: Path) -> Path:
    """The quickstart's folder with a few problems on each side, cheap enough for every run of the tests."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    problems = tmp_path / "specs" / "arithmetic.jsonl"
    lines = problems.read_text().splitlines(keepends=True)
    problems.write_text("".join(lines[::16]))
    spec = tmp_path / "specs" / "quickstart.yaml"
    spec.write_text(spec.read_text().replace("pilot: {samples: 4}", "pilot: {samples: 2}"))
    return tmp_path


def commands_of_the_readme() -> list[list[str]]:
    lines = re.findall(r"^\$ (.*osca .*)$", README, re.MULTILINE)
    return [shlex.split(line.split("osca ", 1)[1]) for line in lines]


@pytest.mark.model
def test_the_commands_of_the_readme_run_as_written(osca: Osca, quickstart: Path):
    commands = commands_of_the_readme()
    assert [command[0] for command in commands] == ["run", "plan", "run", "run", "check"]

    for command in commands:
        code = 0 if command[0] != "check" else None  # so few problems may well fail an assertion
        result = osca(*command, cwd=quickstart, code=code)
        assert result.code in {0, 3}, result

    assert osca("run", "specs/quickstart.yaml", "--json", cwd=quickstart).json["drawn"] == 0
