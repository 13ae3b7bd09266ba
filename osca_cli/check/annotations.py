"""A check as GitHub's annotations: each assertion at its own line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from osca_cli.check.cases import Case
from osca_cli.spec.types import Place

LEVELS = {"fail": "error", "inconclusive": "warning"}


def workflow_commands(cases: Sequence[Case], path: Path, root: Path, otherwise: Place) -> list[str]:
    """Return a workflow command for each case that did not pass.

    Args:
        cases: What was judged.
        path: The file that asks for it.
        root: The folder that GitHub names files from.
        otherwise: Where a case belongs that the file does not ask for.
    """
    file = path.resolve()
    name = file.relative_to(root.resolve()) if file.is_relative_to(root.resolve()) else file
    found = []
    for case in cases:
        level = "error" if case.failed else LEVELS.get(case.outcome)
        if level is not None:
            place = case.place or otherwise
            where = f"file={_property(name.as_posix())},line={place.line},col={place.column}"
            title = _property(f"osca check: {case.suite}: {case.outcome}")
            found.append(f"::{level} {where},title={title}::{_message(case.message)}")
    return found


def _message(text: str) -> str:
    """Escape what would end or alter a workflow command: text may hold anybody's names."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
