"""Replaces ``${NAME}`` and ``${NAME:-default}`` in paths."""

from __future__ import annotations

import re
from collections.abc import Mapping

from osca_cli.errors import UsageError

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


def substitute(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with its variables replaced; an empty one takes its default, as in a shell.

    Raises:
        UsageError: a variable is not set and has no default.

    >>> substitute("${DATA:-data}/sums.jsonl", {})
    'data/sums.jsonl'
    """

    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        found = environment.get(name) or default
        if found is None:
            message = f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
            raise UsageError(message)
        return found

    return _VARIABLE.sub(value, text)
