"""Turns prompts, as the spec writes them, into templates, and knows which name means which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from osca_cli.model import Json
from osca_cli.registry import did_you_mean
from osca_cli.spec.files import Files
from osca_cli.spec.prompts import syntax_error
from osca_cli.spec.types import ChatTemplate, CompletionTemplate, Template
from osca_cli.spec.yaml12 import KeyPath

_INLINE = re.compile(r"\s|\{\{|\{%")
"""A text with a template's braces, or with white space, is a prompt; any other is the name of one."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A template and where it is written; ``None`` stands for one that has faults."""

    template: Template | None
    path: KeyPath


Prompts: TypeAlias = dict[str, Placed]


def read_prompts(section: Mapping[str, Json], path: KeyPath, files: Files) -> Prompts:
    """Read a ``prompts:`` mapping."""
    prompts = {}
    for name, raw in section.items():
        here = (*path, name)
        prompts[name] = Placed(None if here in files.faults.broken else read_prompt(raw, here, files), here)
    return prompts


def read_prompt(raw: Json, path: KeyPath, files: Files) -> Template | None:
    """Read one prompt; ``None`` after a fault."""
    if isinstance(raw, list):
        messages = [
            (message["role"], _source(message["content"], (*path, i, "content"), files))
            for i, message in enumerate(cast("list[dict[str, Any]]", raw))
        ]
        complete = [(role, source) for role, source in messages if source is not None]
        return ChatTemplate(tuple(complete)) if len(complete) == len(messages) else None
    if isinstance(raw, Mapping) and "completion" in raw:
        source = _source(raw["completion"], (*path, "completion"), files)
        return None if source is None else CompletionTemplate(source)
    source = _source(raw, path, files)
    return None if source is None else ChatTemplate((("user", source),))


def _source(raw: Json, path: KeyPath, files: Files) -> str | None:
    if isinstance(raw, str):
        source: str | None = raw
    elif not isinstance(raw, Mapping) or "file" not in raw:
        return None  # nothing but unknown keys, told already
    else:
        path = (*path, "file")
        source = files.read(str(raw["file"]), path)
    wrong = None if source is None else syntax_error(source)
    if wrong is None:
        return source
    files.faults.add(path, f"not a Jinja2 template: {wrong}")
    return None


@dataclass(slots=True)
class InlinePrompts:
    """Names the prompts that configurations write in place: ``prompt1``, ``prompt2``… in order.

    Attributes:
        named: Names that prompts have in the spec, shared or of a task.
        inline: What was written in place so far, by the name that it got.
    """

    named: frozenset[str]
    files: Files
    inline: Prompts = field(default_factory=dict)
    _raws: list[tuple[Json, str]] = field(default_factory=list)

    def name_of(self, raw: Json, path: KeyPath) -> str | None:
        """Return the name of a configuration's prompt, or ``None`` after a fault."""
        if isinstance(raw, str) and (raw in self.named or not _INLINE.search(raw)):
            if raw not in self.named:
                self._unknown(raw, path)
                return None
            return raw
        for known, name in self._raws:
            if known == raw:
                return name
        numbers = (f"prompt{number}" for number in range(1, len(self._raws) + len(self.named) + 2))
        name = next(name for name in numbers if name not in self.named and name not in self.inline)
        self._raws.append((raw, name))
        self.inline[name] = Placed(read_prompt(raw, path, self.files), path)
        return name

    def _unknown(self, raw: str, path: KeyPath) -> None:
        hint = (
            did_you_mean(raw, self.named)
            or "; declare it under prompts:, or write a template with {{ field }}"
        )
        self.files.faults.add(path, f"no prompt is named '{raw}'{hint}")
