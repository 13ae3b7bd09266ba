"""What the guide is built with besides its pages: the reference of keys and that of commands.

mkdocs calls :func:`on_page_markdown` for each page (mkdocs.yml). A page with ``<!-- keys -->`` gets every key
of the spec there, out of its schema; one with ``<!-- commands -->`` every command, out of its options.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import click
import yaml

from osca_cli.cli import COMMANDS, module_of
from osca_cli.spec.schema import schema_text

Schema: TypeAlias = Mapping[str, Any]

NOUNS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
ANYTHING = "anything"
ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):(?=<code>)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the references where a page has their mark."""
    for mark, made in (("<!-- keys -->", keys), ("<!-- commands -->", commands)):
        if mark in markdown:
            markdown = markdown.replace(mark, made())
    return markdown


def on_page_content(html: str, **_: object) -> str:
    """Take the names of roles out of what docstrings say: ``:func:`` before a name in code."""
    return ROLE.sub("", html)


def keys() -> str:
    """Return the reference of the spec's keys as Markdown: a section for each mapping of the schema."""
    return "\n".join(_Reference(json.loads(schema_text())).lines())


class _Reference:
    """The sections of a schema, each with a table of its keys."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.definitions: Mapping[str, Schema] = schema["definitions"]
        self.sections: dict[str, Schema] = {"spec": schema}
        for name, node in [*schema["properties"].items(), *self.definitions.items()]:
            self._collect(name, node)
        self.names = {id(node): name for name, node in self.sections.items()}

    def _collect(self, name: str, node: Schema) -> None:
        """Give a mapping a section, and those inside it that have no name of their own."""
        if "properties" in node or "allOf" in node:
            self.sections[name] = node
        for key, inner in node.get("properties", {}).items():
            self._collect(f"{name}.{key}", inner)
        for inner in (node.get("items"), node.get("additionalProperties")):
            if isinstance(inner, Mapping):
                self._collect(name, inner)

    def lines(self) -> Iterator[str]:
        for name, node in self.sections.items():
            yield from (f"## {name} {{#{name}}}", "", str(node.get("description", "")), "")
            yield from self._examples(node)
            yield from self._table(node)
            for branch in node.get("allOf", ()):
                yield from self._variant(name, branch)

    def _variant(self, section: str, branch: Schema) -> Iterator[str]:
        """Describe what the keys of a mapping are when one of them has some value."""
        key, condition = next(iter(branch["if"]["properties"].items()))
        values = condition.get("enum", [condition.get("const")])
        names = ", ".join(f"`{value}`" for value in values)
        anchor = "-".join([section, *map(str, values)])
        yield from (f"### {key}: {names} {{#{anchor}}}", "")
        table = list(self._table(branch["then"]))
        yield from table or ["No keys of its own.", ""]

    def _table(self, node: Schema) -> Iterator[str]:
        """List the keys of a mapping; a key that is only permitted here is described elsewhere."""
        own = {name: value for name, value in node.get("properties", {}).items() if value}
        if not own:
            return
        yield from ("| key | | takes | default |", "|---|---|---|---|")
        needed = node.get("required", ())
        for name, value in own.items():
            full = self._resolved(value)
            default = "needed" if name in needed else _yaml(full["default"]) if "default" in full else ""
            cells = (f"`{name}`", str(full.get("description", "")), self._takes(value), default)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""

    def _examples(self, node: Schema) -> Iterator[str]:
        for example in node.get("examples", ())[:1]:
            text = yaml.safe_dump(example, sort_keys=False, allow_unicode=True, width=100)
            yield from ("```yaml", text.strip().removesuffix("...").strip(), "```", "")

    def _resolved(self, node: Schema) -> Schema:
        """Return a node with what it refers to; its own description goes before that one's."""
        if "$ref" not in node:
            return node
        return {**self.definitions[node["$ref"].rpartition("/")[2]], **node}

    def _takes(self, node: Schema) -> str:
        """Say which values a key takes, with a link to those that have a section of their own."""
        target = node.get("$ref", "").rpartition("/")[2]
        if target in self.sections:
            return f"[{target}](#{target})"
        if id(node) in self.names:
            return f"[{self.names[id(node)]}](#{self.names[id(node)]})"
        full = self._resolved(node)
        if "then" in full and "$ref" in full["then"]:
            inner = full["then"]["$ref"].rpartition("/")[2]
            return f"a name, or [{inner}](#{inner})"
        if "enum" in full or "const" in full:
            return ", ".join(_yaml(value) for value in full.get("enum", [full.get("const")]))
        types = [full["type"]] if isinstance(full.get("type"), str) else full.get("type", [])
        bounds = [f"{sign} {full[bound]}" for bound, sign in BOUNDS.items() if bound in full]
        return " ".join([" or ".join(self._noun(one, full) for one in types) or ANYTHING, *bounds])

    def _noun(self, type_name: str, node: Schema) -> str:
        inner = node.get("items") if type_name == "array" else node.get("additionalProperties")
        if type_name not in {"array", "object"} or not isinstance(inner, Mapping):
            return NOUNS[type_name]
        of = self._takes(inner)
        return f"{NOUNS[type_name]} of {'' if type_name == 'array' else 'name to '}{of}"


def _yaml(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000)
    return f"`{text.strip().removesuffix('...').strip()}`"


def commands() -> str:
    """Return the reference of the commands as Markdown: a section for each, with its options."""
    return "\n".join(line for name in COMMANDS for line in _command(name))


def _command(name: str) -> Iterator[str]:
    command: click.Command = importlib.import_module(module_of(name)).command
    context = click.Context(command, info_name=f"osca {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f"## osca {name} {{#{name}}}", "", f"`osca {name} {usage}`", "", _help(command), "")
    yield from _options([one for one in command.params if isinstance(one, click.Option)], context)
    if command.epilog:
        yield from ("```console", f"$ {command.epilog.removeprefix('Example: ')}", "```", "")


def _help(command: click.Command) -> str:
    return "\n".join(line.strip() for line in (command.help or "").split("\f")[0].splitlines())


def _options(options: Sequence[click.Option], context: click.Context) -> Iterator[str]:
    if not options:
        return
    yield from ("| option | |", "|---|---|")
    for option in options:
        record = option.get_help_record(context)
        if record is not None:
            said, text = (part.replace("|", "\\|") for part in record)
            yield f"| `{said}` | {text} |"
    yield ""
