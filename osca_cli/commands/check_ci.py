"""What a check tells CI servers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from osca_cli.check.annotations import workflow_commands
from osca_cli.check.cases import Case
from osca_cli.check.junit import junit_xml
from osca_cli.commands.common import shown
from osca_cli.console import news
from osca_cli.errors import UsageError
from osca_cli.spec.types import Spec


def tell_ci(spec: Spec, cases: Sequence[Case], summary: str, junit: Path | None) -> None:
    """Write JUnit XML where it is asked for, and on GitHub its summary and annotations.

    Raises:
        UsageError: a file cannot be written.
    """
    if junit is not None:
        _write(junit, junit_xml(cases, name=shown(spec.path), now=datetime.now(UTC)), "--junit")
    if file := os.environ.get("GITHUB_STEP_SUMMARY"):
        _write(Path(file), summary, "GITHUB_STEP_SUMMARY", mode="a")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        root = Path(os.environ.get("GITHUB_WORKSPACE", "."))
        otherwise = spec.tasks[0].place if spec.allocation is None else spec.allocation.place
        for line in workflow_commands(cases, spec.path, root, otherwise):
            news(line)


def _write(path: Path, text: str, option: str, mode: str = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be written: {error.strerror}") from error
