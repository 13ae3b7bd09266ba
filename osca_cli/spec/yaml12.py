"""Reads a YAML 1.2 document and remembers where every key and value stands.

PyYAML reads YAML 1.1, in which ``1e-3`` is a text, ``no`` is a boolean and the second of two equal keys wins
silently. Here scalars are those of the YAML 1.2 core schema, equal keys are a fault, and a key is its text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from osca_cli.errors import Fault, SpecError, UsageError
from osca_cli.model import Json
from osca_cli.spec.types import Place
from osca_cli.spec.yaml_faults import TOO_DEEP, text_fault, yaml_fault

if TYPE_CHECKING:
    from yaml import SafeLoader as _Base
else:
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions that lead from the top of a document to a value."""

MOST_VALUES = 500_000
"""Aliases of aliases grow exponentially; no spec that a person wrote holds more values than this."""

DEEPEST = 100

TAG = "tag:yaml.org,2002:"
_MERGE = TAG + "merge"
CORE = {
    "null": re.compile(r"^(?:~|null|Null|NULL|)$"),
    "bool": re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"),
    "int": re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    "float": re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    "merge": re.compile(r"^<<$"),
}


class _Loader(_Base):
    """PyYAML's composer with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's


for _name, _pattern in CORE.items():
    _Loader.add_implicit_resolver(TAG + _name, _pattern, None)


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _finite(text: str) -> float:
    number = float(text.replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_SCALARS: Mapping[str, Callable[[str], Json]] = {
    "str": str,
    "merge": str,
    "null": lambda _: None,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": _integer,
    "float": _finite,
}


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML mapping with the places of its parts.

    Attributes:
        file: The file, as messages name it.
        text: Its text, unchanged.
        data: What it holds.
        places: For each path, where its key (or list item) and its value begin.
        faults: What is wrong with it as YAML, though it could be read.
    """

    file: str
    text: str
    data: Mapping[str, Json]
    places: Mapping[KeyPath, tuple[Place, Place]]
    faults: tuple[Fault, ...] = ()

    def key(self, path: KeyPath) -> Place:
        """Return where the key at a path begins, or its nearest parent that is there."""
        return self._find(path)[0]

    def value(self, path: KeyPath) -> Place:
        """Return where the value at a path begins, or its nearest parent that is there."""
        return self._find(path)[1]

    def _find(self, path: KeyPath) -> tuple[Place, Place]:
        while path not in self.places:
            path = path[:-1]
        return self.places[path]


def path_text(path: KeyPath) -> str:
    """Return a path as messages write it.

    >>> path_text(("configurations", 0, "grid", "temperature"))
    'configurations[0].grid.temperature'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def read_document(path: Path) -> Document:
    """Read a spec or plan file.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        SpecError: the text is not a YAML mapping at all.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; `osca init` writes a spec to start from") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        raise SpecError((text_fault(str(path), before, "is not UTF-8; save the file as UTF-8"),)) from None
    return parse_document(text, str(path))


def parse_document(text: str, file: str) -> Document:
    """Read the text of a spec or plan.

    Raises:
        SpecError: the text is not a YAML mapping at all.
    """
    content = text.removeprefix("\ufeff")
    try:
        _check_depth(content, file)
        root = yaml.compose(content, _Loader)
    except yaml.YAMLError as error:
        raise SpecError((yaml_fault(file, content, error),)) from None
    if root is None:
        message = "the file is empty; `osca init` writes a spec to start from"
        raise SpecError((Fault(file, 1, 1, "", message),))
    if not isinstance(root, yaml.MappingNode):
        message = "a spec is a mapping of keys such as version, tasks and configurations; this is not one"
        raise SpecError((_node_fault(file, root, message),))
    builder = _Builder(file)
    data = builder.build(root, ())
    assert isinstance(data, dict)  # noqa: S101 - the root is a mapping node
    return Document(file, text, data, builder.places, tuple(builder.faults.values()))


def _check_depth(content: str, file: str) -> None:
    """Refuse what is nested so deeply that the C composer, which recurses, would crash the process."""
    depth = 0
    for event in yaml.parse(content, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            mark: Any = event.start_mark
            raise SpecError((Fault(file, mark.line + 1, mark.column + 1, "", TOO_DEEP),))


@dataclass(slots=True)
class _Builder:
    """Turns nodes into plain values; faults are kept by place, since an alias is built more than once."""

    file: str
    places: dict[KeyPath, tuple[Place, Place]] = field(default_factory=dict)
    faults: dict[tuple[int, int], Fault] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    def build(self, node: yaml.Node, path: KeyPath, key: yaml.Node | None = None) -> Json:
        """Return a node's value, and note where it and its key stand."""
        self.places[path] = (_place(key or node), _place(node))
        if len(self.places) > MOST_VALUES:
            message = f"the aliases (*name) make more than {MOST_VALUES} values; write less"
            raise SpecError((_node_fault(self.file, node, message),))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self.open:
            self._fault(node, path, "an alias (*name) stands inside what it names; write it out")
            return None
        if len(self.open) > DEEPEST:
            raise SpecError((_node_fault(self.file, node, TOO_DEEP),))
        self.open.add(id(node))
        value = self._collection(node, path)
        self.open.discard(id(node))
        return value

    def _collection(self, node: yaml.Node, path: KeyPath) -> Json:
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return {
            name: self.build(value, (*path, name), key)
            for name, (key, value) in self._pairs(node, path).items()
        }

    def _pairs(self, node: yaml.Node, path: KeyPath) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the entries of a mapping node; its own keys go before those merged in by ``<<``."""
        pairs: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged += self._merged(value, path)
            elif not isinstance(key, yaml.ScalarNode):
                hint = 'to write a template, quote it: "{{ field }}"'
                self._fault(key, path, f"a key must be a plain text; {hint}")
            elif key.value in pairs:
                first = _place(pairs[key.value][0]).line
                self._fault(
                    key, (*path, key.value), f"duplicate key, first written in line {first}; remove one"
                )
            else:
                pairs[key.value] = (key, value)
        for other in merged:
            for name, pair in self._pairs(other, path).items():
                pairs.setdefault(name, pair)
        return pairs

    def _merged(self, node: yaml.Node, path: KeyPath) -> Iterator[yaml.Node]:
        for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(item, yaml.MappingNode) and id(item) not in self.open:
                yield item
            else:
                self._fault(item, path, "'<<' merges other mappings: write <<: *name")

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Json:
        kind = node.tag.removeprefix(TAG)
        if kind not in _SCALARS:
            self._fault(node, path, f"the tag {node.tag} means nothing here; leave it out")
            return None
        try:
            return _SCALARS[kind](str(node.value))
        except (ValueError, KeyError):
            self._fault(
                node, path, f"{node.value[:40]} is not a finite value of the kind {kind}; write another"
            )
            return None

    def _fault(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        place = _place(node)
        fault = Fault(self.file, place.line, place.column, path_text(path), message)
        self.faults.setdefault((place.line, place.column), fault)


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _node_fault(file: str, node: yaml.Node, message: str) -> Fault:
    place = _place(node)
    return Fault(file, place.line, place.column, "", message)
