"""Reads verifiers: each must be installed, take its settings, and find what it needs in the problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from osca_cli import registry
from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem
from osca_cli.spec.faults import Faults
from osca_cli.spec.types import VerifierSettings
from osca_cli.spec.yaml12 import KeyPath

if TYPE_CHECKING:
    from osca_cli.protocols import Verifier

Verifiers: TypeAlias = dict[str, VerifierSettings | None]
"""Verifiers by name; ``None`` stands for one that has faults."""


def read_verifiers(section: Mapping[str, Json], faults: Faults) -> Verifiers:
    """Read the ``verifiers:`` section."""
    return {
        name: None
        if ("verifiers", name) in faults.broken
        else read_verifier(cast("Mapping[str, Json]", raw), ("verifiers", name), faults)
        for name, raw in section.items()
    }


def read_verifier(raw: Mapping[str, Json], path: KeyPath, faults: Faults) -> VerifierSettings | None:
    """Read one verifier; ``None`` after a fault."""
    settings = VerifierSettings(
        type=str(raw["type"]),
        settings={key: value for key, value in raw.items() if key != "type"},
        place=faults.document.value(path),
    )
    if settings.type not in registry.verifier_types():
        known = registry.verifier_types()
        hint = registry.did_you_mean(settings.type, known) or "; installed: " + ", ".join(known)
        faults.add((*path, "type"), f"no verifier is of type '{settings.type}'{hint}")
        return None
    try:
        make_verifier(settings)
    except UsageError as error:
        faults.add(path, str(error))
        return None
    return settings


def resolve_verifier(raw: Json, path: KeyPath, named: Verifiers, faults: Faults) -> VerifierSettings | None:
    """Return the verifier that a task names or writes in place; ``None`` after a fault."""
    if not isinstance(raw, str):
        return read_verifier(cast("Mapping[str, Json]", raw), path, faults)
    if raw in named:
        return named[raw]
    hint = registry.did_you_mean(raw, named)
    if not hint and raw in registry.verifier_types():
        hint = f"; for one in place write {{type: {raw}}}"
    faults.add(path, f"no verifier is named '{raw}'{hint or '; declare it under verifiers:'}")
    return None


def make_verifier(settings: VerifierSettings) -> Verifier:
    """Return the verifier of these settings.

    Raises:
        UsageError: it is not installed or refuses its settings.
    """
    return registry.verifier_class(settings.type)(settings.settings)


def unverifiable(
    settings: VerifierSettings, problems: Sequence[Problem], variables: Mapping[str, Json]
) -> str | None:
    """Return what the verifier misses in the first problem that lacks it, or nothing."""
    verifier = make_verifier(settings)
    for problem in problems:
        try:
            verifier.reads(problem, variables)
        except UsageError as error:
            return str(error)
    return None
