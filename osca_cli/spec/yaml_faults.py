"""Says what PyYAML finds wrong with a text in the words of someone who writes specs."""

from __future__ import annotations

import re

import yaml

from osca_cli.errors import Fault

TOO_DEEP = "is nested too deeply; no spec needs that"


def text_fault(file: str, before: str, message: str) -> Fault:
    """Return a fault at the end of the text before it."""
    return Fault(file, before.count("\n") + 1, len(before) - before.rfind("\n"), "", message)


def yaml_fault(file: str, text: str, error: yaml.YAMLError) -> Fault:
    """Return what PyYAML found wrong with a text, at its place."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:  # a ReaderError, which counts characters of the whole text
        message = "a control character is not allowed in YAML; remove it"
        return text_fault(file, text[: getattr(error, "position", 0)], message)
    problem = str(getattr(error, "problem", None) or "it cannot be read")
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    message = _plain_words(problem, line, line[mark.column :])
    context = getattr(error, "context_mark", None)
    if message.startswith(_UNFINISHED) and context is not None and context.line != mark.line:
        message += f" (what it belongs to begins in line {context.line + 1})"
    return Fault(file, mark.line + 1, mark.column + 1, "", message)


def _plain_words(problem: str, line: str, rest: str) -> str:
    """Say what PyYAML says in the words of someone who writes specs."""
    if "\t" in line[: len(line) - len(line.lstrip())] or rest.startswith("\t"):
        return "a tab cannot indent YAML; use spaces"
    if "undefined alias" in problem:
        alias = re.split(r"[\s,\]}]", rest)[0]
        return f"'{alias}' names no anchor; write '&{alias[1:]}' before what it stands for"
    if "cannot start any token" in problem:
        return f"a text cannot begin with {rest[:1]}; quote it"
    for words, message in _PLAIN_WORDS.items():
        if words in problem:
            return message
    advice = "check the indentation, quotes and brackets here and in the line before"
    if "{" in line:
        advice = "close the brackets, and quote a text that has brackets of its own"
    return f"not valid YAML: {problem}; {advice}"


_UNFINISHED = ("not valid YAML", "the file ends")

_PLAIN_WORDS = {
    "mapping values are not allowed": "a ':' cannot stand here; quote the text, or check the indentation",
    "found another document": "a spec is one document; remove this '---'",
    "maximum nesting depth": TOO_DEEP,  # libyaml's own limit, since 0.2.6
    "end of stream": "the file ends inside a quoted text; close the quote",
}
