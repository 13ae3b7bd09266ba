"""The page on plug-ins is true: its package is found, passes its own tests, and its commands run."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

from osca_cli import registry
from tests.conftest import ROOT
from tests.test_docs import commands_of

PAGE = (ROOT / "docs" / "plugins.md").read_text()
FILES = dict(re.findall(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page, whose package stands on the path with its entry points."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    metadata = tmp_path / "osca_dice-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: osca-dice\nVersion: 1.0\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(groups))
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._targets.cache_clear()
    yield tmp_path
    registry._targets.cache_clear()


def test_the_commands_of_the_page_run(osca, installed):
    for words in commands_of(PAGE):
        osca(*words, cwd=installed)

    assert osca("show", "spec.yaml", "--json", cwd=installed).json["configurations"]


def test_the_package_passes_its_own_tests(installed, tmp_path_factory):
    suites = importlib.import_module("test_dice")

    for suite in (suites.TestDice(), suites.TestDivisible()):
        for name in (name for name in dir(suite) if name.startswith("test_")):
            test = getattr(suite, name)
            folder = [tmp_path_factory.mktemp("site")] if "tmp_path" in test.__code__.co_varnames else []
            test(*folder)
