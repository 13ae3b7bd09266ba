"""Reads ``select:``: what chooses the answer in production, where no reference is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from osca_cli.errors import UsageError
from osca_cli.identity import canonical_json
from osca_cli.model import Json, Problem
from osca_cli.spec.files import Files
from osca_cli.spec.types import FirstAccepted, Task, VerifierSettings
from osca_cli.spec.verifiers import Verifiers, make_verifier, resolve_verifier
from osca_cli.spec.yaml12 import KeyPath


def read_select(
    raw: Mapping[str, Any] | None, path: KeyPath, verifiers: Verifiers, files: Files
) -> FirstAccepted | None:
    """Read ``select:``; ``None`` where the verifier itself selects, or after a fault."""
    if raw is None or raw["type"] == "first_pass":
        return None
    verifier = resolve_verifier(raw["by"], (*path, "by"), verifiers, files)
    if verifier is None:
        return None
    return FirstAccepted(raw["by"] if isinstance(raw["by"], str) else verifier.type, verifier)


def unselectable(task: Task, variables: Iterable[Mapping[str, Json]]) -> str | None:
    """Return why what accepts cannot do so in production, or nothing.

    It must find what it reads in every problem, and read the same where nothing tells the reference.

    Args:
        task: With ``select``.
        variables: Those of the task's configurations.
    """
    if task.select is None:
        return None
    problems = (*task.train, *task.held_out)
    different = {canonical_json(one): one for one in variables}
    for some in different.values():
        if wrong := _unselectable(task.select.verifier, problems, task.fields.reference, some):
            return wrong
    return None


def _unselectable(
    settings: VerifierSettings, problems: Sequence[Problem], reference: str, variables: Mapping[str, Json]
) -> str | None:
    verifier = make_verifier(settings)
    for problem in problems:
        fields = {name: value for name, value in problem.fields.items() if name != reference}
        blind = replace(problem, fields=fields, reference=None)
        try:
            with_reference = verifier.reads(problem, variables)
        except UsageError as error:
            return str(error)
        try:
            same = canonical_json(verifier.reads(blind, variables)) == canonical_json(with_reference)
        except UsageError:
            same = False
        if not same:
            return (
                f"the verifier '{settings.type}' reads the reference ('{reference}'), which production does"
                " not have; accept by one that reads other fields, or the text alone"
            )
    return None
