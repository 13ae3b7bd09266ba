"""The documentation says what is there: commands, options, files."""

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from osca_cli.cli import COMMANDS, cli, module_of
from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CONSOLE = re.compile(r"^ *```console\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^( *)```.*?^\1```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def commands_of(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each ``osca …`` in the console blocks of a page."""
    for block in CONSOLE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            prompt, _, typed = line.strip().partition("$ ")
            if prompt:
                continue  # what a command printed
            for one in re.split(r"&&|\|\||[|;]", typed):
                words = shlex.split(one, comments=True)
                if words and words[0].split("/")[-1] == "osca":
                    yield _without_redirections(words[1:])


def _without_redirections(words: list[str]) -> list[str]:
    for position, word in enumerate(words):
        if re.match(r"\d?[<>]", word):
            return words[:position]
    return words


TYPED = [(page, words) for page in PAGES for words in commands_of(page.read_text())]


def unknown_options(words: list[str]) -> list[str]:
    """Return what osca would not know of a command line, without running it."""
    if not words or words[0].startswith("-"):
        known: list[click.Parameter] = cli.params
        words = ["osca", *words]
    elif words[0] not in COMMANDS:
        return words[:1]
    else:
        known = importlib.import_module(module_of(words[0])).command.params
    names = {"--help", "-h", *(name for option in known for name in option.opts)}
    given = [word.split("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)]
    return [name for name in given if name not in names]


@pytest.mark.parametrize(("page", "words"), TYPED, ids=[f"{p.name}: {' '.join(w)}" for p, w in TYPED])
def test_commands_in_the_documentation_exist_with_their_options(page, words):
    assert unknown_options(words) == []


def test_the_readme_shows_the_everyday_commands():
    shown = {words[0] for page, words in TYPED if page.name == "README.md"}

    assert {"run", "plan", "check"} <= shown


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["run", "x.yaml", "--limit", "5"], []),
        (["run", "--limitt=5"], ["--limitt"]),
        (["fly"], ["fly"]),
        (["--version"], []),
    ],
)
def test_a_command_line_is_read_as_osca_would(words, wrong):
    assert unknown_options(words) == wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(page):
    targets = LINK.findall(CODE.sub("", page.read_text()))
    broken = [t for t in targets if not t.startswith(("http", "#", "mailto:")) and not _leads(page, t)]

    assert broken == []


def _leads(page: Path, target: str) -> bool:
    name, _, heading = target.partition("#")
    path = page.parent / name
    return path.exists() and (not heading or heading in _headings(path))


def _headings(path: Path) -> set[str]:
    text = path.read_text()
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    documented = re.findall(r"^::: (\S+)$", text, re.MULTILINE)  # from docstrings, when the guide is built
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles} | {*documented}


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")), ids=lambda page: page.name
)
def test_a_decision_is_one_page(page):
    assert len(page.read_text().splitlines()) < 90


def test_no_two_decisions_have_one_number():
    numbers = [page.name[:3] for page in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]

    assert len(numbers) == len(set(numbers))
