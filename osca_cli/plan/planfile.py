"""Writes a plan into the spec it was made from: the user's text stays, the allocation alone is new."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import yaml

from osca_cli.errors import UsageError
from osca_cli.model import Json
from osca_cli.spec.yaml12 import CORE, TAG, parse_document

WIDTH = 110

_MAP, _SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"


def with_allocation(text: str, block: Mapping[str, Json], file: str) -> str:
    """Return a spec's text with this ``allocation:`` block, in the place of an earlier one or at the end.

    Args:
        text: The spec, in YAML's block style.
        block: What stands under ``allocation:``.
        file: The spec's name, for messages.

    Raises:
        UsageError: the spec is written in YAML's flow style (as JSON is), which cannot be added to.
    """
    root = yaml.compose(text.removeprefix("\ufeff"), yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise UsageError(
            f"{file}: a plan cannot be added to a spec in braces; write it as `key: value` lines"
        )
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    written = _dumped(block)
    for key, value in root.value:
        if key.value == "allocation":
            first, after = key.start_mark.line, _line_after(value)
            return "".join([*lines[:first], written, *lines[after:]])
    return "".join([*lines, "\n", written])


def in_folder(text: str, old: Path, new: Path) -> str:
    """Return a spec's text with its relative paths rewritten for another folder.

    Args:
        text: The spec.
        old: The folder that its paths are relative to.
        new: The folder that it will stand in.
    """
    if old.resolve() == new.resolve():
        return text
    away = os.path.relpath(old.resolve(), new.resolve())
    root = yaml.compose(text.removeprefix("\ufeff"), yaml.SafeLoader)
    shift = len(text) - len(text.removeprefix("\ufeff"))
    nodes = [] if root is None else set(_paths(root))
    for node in sorted(nodes, key=lambda node: node.start_mark.index, reverse=True):
        prefix, path = _split_model(node)
        if Path(path).is_absolute() or path.startswith(("${", "~")):
            continue
        moved = os.path.normpath(f"{away}/{path}")
        if path.startswith(".") and not moved.startswith("."):
            moved = f"./{moved}"  # what shows that it is a path, and no name of a model
        quoted = yaml.dump(prefix + moved, default_style='"', width=10**6).strip()
        text = text[: node.start_mark.index + shift] + quoted + text[node.end_mark.index + shift :]
    return text


def is_plan(path: Path) -> bool:
    """Return whether a file is an osca plan, which `osca plan` may overwrite."""
    try:
        return "allocation" in parse_document(path.read_text(encoding="utf-8"), str(path)).data
    except (UsageError, OSError, UnicodeDecodeError):
        return False


def runs(schedule: tuple[str, ...]) -> list[Json]:
    """Write a schedule as runs of equal draws.

    >>> runs(("a", "a", "b", "a"))
    [{'a': 2}, {'b': 1}, {'a': 1}]
    """
    return [{name: len(list(draws))} for name, draws in groupby(schedule)]


class _Flow(dict[str, Json]):
    """A mapping that is written on one line."""


class _FlowList(list[Json]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes the block as people would: one line for each key of a plan."""


def _represent_float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    # PyYAML writes 1e-05, which YAML 1.2 reads as a number and YAML 1.1 as a text; this is a number in both.
    return dumper.represent_scalar("tag:yaml.org,2002:float", format(Decimal(repr(value)), "f"))


_Dumper.add_representer(float, _represent_float)
_Dumper.add_representer(_Flow, lambda dumper, value: dumper.represent_mapping(_MAP, value, flow_style=True))
_Dumper.add_representer(
    _FlowList, lambda dumper, value: dumper.represent_sequence(_SEQ, value, flow_style=True)
)
# A text that YAML 1.2 reads as something else is quoted, such as the hash 78e82819: to PyYAML it is a text.
for _name, _pattern in CORE.items():
    _Dumper.add_implicit_resolver(TAG + _name, _pattern, None)
_Dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]


def _on_one_line(value: Json) -> Json:
    if isinstance(value, Mapping):
        return _Flow({key: _on_one_line(item) for key, item in value.items()})
    return _FlowList(map(_on_one_line, value)) if isinstance(value, list) else value


def _by_line(key: str, value: Json) -> Json:
    """Return a value of the block, all of it on one line but the plans, which have a line for each key."""
    if key not in {"plans", "strata"} or not isinstance(value, list):
        return _on_one_line(value)
    return [{name: _on_one_line(item) for name, item in plan.items()} for plan in value]


def _dumped(block: Mapping[str, Json]) -> str:
    return yaml.dump(
        {"allocation": {key: _by_line(key, value) for key, value in block.items()}},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=WIDTH,
    )


def _line_after(node: yaml.Node) -> int:
    """Return the first line after a node; a block's own end mark runs on to the next key."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = node.end_mark
    return end.line + (1 if end.column else 0)


_PATH_KEYS = {"path", "file", "outcomes"}
_FOLDER_KEYS = {"lora", "tokenizer"}  # a path if it begins with a dot, else a name
_NAMED = {"prompts", "verifiers", "backends"}  # mappings whose keys are the user's own names
_OPAQUE = {"vars", "extra", "items", "allocation"}


def _paths(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield the scalars of a spec that are paths of files."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _paths(item)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in _NAMED and isinstance(value, yaml.MappingNode):
                for _, named in value.value:
                    yield from _paths(named)
            elif isinstance(value, yaml.ScalarNode) and (
                key.value in _PATH_KEYS or (key.value in _FOLDER_KEYS and value.value.startswith("."))
            ):
                yield value
            elif key.value == "model":
                models = value.value if isinstance(value, yaml.SequenceNode) else [value]
                yield from (model for model in models if _split_model(model)[0])
            elif key.value not in _OPAQUE:
                yield from _paths(value)


def _split_model(node: yaml.Node) -> tuple[str, str]:
    """Split ``llama_cpp/./x.gguf`` or ``vllm/./x`` into what goes before a model's path and the path."""
    pattern = r"([^/]+/)(.*\.gguf|\.\.?/.*)"
    match = re.fullmatch(pattern, node.value, re.IGNORECASE) if _is_text(node) else None
    return (match[1], match[2]) if match else ("", str(node.value))


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)
