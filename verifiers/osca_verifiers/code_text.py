"""Finds what Python sources define, without running them."""

from __future__ import annotations

import ast
import warnings


def parsed(source: str) -> ast.Module | None:
    """Return the tree of a source, or ``None`` where it is no Python of this version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def complete(source: str) -> str:
    r"""Return the beginning of a source that is Python by itself: all of it, or less an unfinished function.

    >>> complete("import math\ndef area(r):\n")
    'import math\n'
    """
    lines = source.splitlines(keepends=True)
    while lines and parsed("".join(lines)) is None:
        lines.pop()
    return "".join(lines)


def defined(source: str) -> set[str]:
    r"""Return the functions, classes and variables that a source defines; what it imports is not its own.

    >>> sorted(defined("import math\nLIMIT = 3\ndef f(): pass"))
    ['LIMIT', 'f']
    """
    tree = parsed(source)
    names: set[str] = set()
    for statement in tree.body if tree else ():
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    return names
