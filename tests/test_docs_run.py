"""The commands of the guide run as they are written, the embedded model being answered for by a script.

A file that a page gives, ```` `name`: ```` before a block, is in the folder. A page that gives a spec tells
one story: its commands run one after the other. On all other pages each block begins with a folder in which a
pilot is drawn and a plan is made and measured. Of a page's problems the first four are taken.
"""

import re
import shutil
from pathlib import Path

import pytest

from osca_cli import registry
from tests.conftest import ROOT, SPEC, Osca, write_problems
from tests.test_docs import CONSOLE, commands_of

FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    "hosted.md": "a vendor's server; tests/run/test_batches.py has one that speaks its protocol",
    "imports.md": "logs of other tools; tests/imports/ has them",
    "plugins.md": "its package installed; tests/test_plugins_page.py has it",
    "start.md": "the README's commands, which tests/test_quickstart.py runs with the real model",
    "vllm.md": "a GPU; tests/backends/vllm/ has a stand-in",
}
PAGES = [
    page
    for page in sorted((ROOT / "docs").glob("*.md"))
    if page.name not in ELSEWHERE and any(commands_of(page.read_text()))
]


@pytest.fixture(autouse=True)
def answered_by_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._targets("osca.backends"), "llama_cpp", "osca_scripted:Scripted")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def prepared(kept: Path, osca: Osca) -> Path:
    """A folder with a spec, its pool, a measured plan, and a table of counts; made once."""
    if not (kept / "counts.csv").exists():
        (kept / "spec.yaml").write_text(SPEC)
        write_problems(kept / "sums.jsonl", 30)
        for words in ("run spec.yaml", "plan spec.yaml", "run plan.yaml --measure"):
            osca(*words.split(), cwd=kept)
        (kept / "counts.csv").write_text(files_of(ROOT / "docs" / "outcomes.md")["counts.csv"])
    return kept


def files_of(page: Path) -> dict[str, str]:
    return dict(FILE.findall(page.read_text()))


def is_story(page: Path) -> bool:
    return not files_of(page).keys().isdisjoint({"spec.yaml", "osca.yaml"})


def stories_of(page: Path) -> list[list[list[str]]]:
    """Return the commands that run in one folder each: those of the whole page, or of a block."""
    text = page.read_text()
    blocks = [f"```console\n{block}```" for block in CONSOLE.findall(text)]
    stories = [list(commands_of(block)) for block in ([text] if is_story(page) else blocks)]
    return [story for story in stories if story]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_run_as_written(page, prepared, osca, tmp_path):
    for number, story in enumerate(stories_of(page)):
        folder = tmp_path / str(number)
        if is_story(page):
            folder.mkdir()
        else:
            shutil.copytree(prepared, folder)
        for name, content in files_of(page).items():
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            few = name.endswith(".jsonl")  # problems: what is shown is the way, and each has its processes
            (folder / name).write_text("".join(content.splitlines(keepends=True)[: 4 if few else None]))
        for words in story:
            osca(*words, cwd=folder)
