"""The guide's references are whole: every key, every option, every decision."""

import importlib
import json
import re

import click

from docs.hooks import commands, keys, on_page_markdown
from osca_cli.cli import COMMANDS, module_of
from osca_cli.spec.schema import schema_text
from tests.conftest import ROOT

KEYS = keys()


def keys_within(node: object) -> set[str]:
    """Return the names of all keys that a schema has anywhere."""
    if isinstance(node, list):
        return set().union(*map(keys_within, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = {name for name, value in node.get("properties", {}).items() if value} if "type" in node else set()
    return own.union(
        *(keys_within(value) for name, value in node.items() if name not in {"examples", "default"})
    )


def test_every_key_of_the_schema_is_in_the_reference():
    missing = {key for key in keys_within(json.loads(schema_text())) if f"| `{key}` |" not in KEYS}

    assert not missing


def test_every_reference_to_another_key_leads_to_its_section():
    assert set(re.findall(r"\]\(#([\w-]+)\)", KEYS)) <= set(re.findall(r"\{#([\w-]+)\}", KEYS))


def test_every_option_of_every_command_is_in_the_reference():
    page = commands()
    for name in COMMANDS:
        section = page.split(f"## osca {name} ")[1].split("\n## ")[0]
        command = importlib.import_module(module_of(name)).command
        options = [option for option in command.params if isinstance(option, click.Option)]

        assert all(option.opts[0] in section for option in options), name


def test_references_stand_where_a_page_asks_for_them():
    assert on_page_markdown("before <!-- keys --> after") == f"before {KEYS} after"


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\(([\w.-]+\.md)\)", (folder / "README.md").read_text()))

    assert listed == {page.name for page in folder.glob("[0-9]*.md")}


def test_the_readme_and_the_first_plan_tell_the_same_figures():
    readme = (ROOT / "README.md").read_text()
    rows = readme.split("| with eight samples a problem |")[1].split("\n\n")[0]
    figures = re.findall(r"[-+]?\d+\.\d(?:%| to [-+]?\d+\.\d)|[-+]\d+\.\d", rows)
    told = (ROOT / "docs" / "start.md").read_text()

    assert len(figures) == 10
    assert [figure for figure in figures if figure not in told] == []
