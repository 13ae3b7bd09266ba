"""Reads verifiers: each must be installed, take its settings, and find what it needs in the problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from osca_cli import registry
from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem
from osca_cli.spec.files import Files
from osca_cli.spec.types import VerifierSettings
from osca_cli.spec.yaml12 import KeyPath

if TYPE_CHECKING:
    from osca_cli.protocols import Verifier


@dataclass(frozen=True, slots=True)
class Verifiers:
    """The ``verifiers:`` section.

    Attributes:
        written: As the spec writes it, by name.
        named: What it means; ``None`` stands for one that has faults.
    """

    written: Mapping[str, Json]
    named: Mapping[str, VerifierSettings | None]


def read_verifiers(section: Mapping[str, Json], files: Files) -> Verifiers:
    """Read the ``verifiers:`` section."""
    named = {
        name: None
        if ("verifiers", name) in files.faults.broken
        else _read(cast("Mapping[str, Json]", raw), ("verifiers", name), section, files)
        for name, raw in section.items()
    }
    return Verifiers(section, named)


def resolve_verifier(raw: Json, path: KeyPath, known: Verifiers, files: Files) -> VerifierSettings | None:
    """Return the verifier that a task names or writes in place; ``None`` after a fault."""
    if not isinstance(raw, str):
        return _read(cast("Mapping[str, Json]", raw), path, known.written, files)
    if raw in known.named:
        return known.named[raw]
    files.faults.add(path, _unknown(raw, known.written))
    return None


def _read(
    raw: Mapping[str, Json], path: KeyPath, section: Mapping[str, Json], files: Files
) -> VerifierSettings | None:
    settings = _complete(raw, path, section, files, within=())
    if settings is None:
        return None
    time_limit = settings.pop("timeout_s", None)
    verifier = VerifierSettings(
        type=str(settings.pop("type")),
        settings=settings,
        place=files.faults.document.value(path),
        time_limit_s=cast("float | None", time_limit),
    )
    try:
        made = make_verifier(verifier)
    except UsageError as error:
        files.faults.add(path, str(error))
        return None
    return verifier if time_limit is not None else replace(verifier, time_limit_s=own_time_limit_s(made))


def _complete(
    raw: Mapping[str, Json], path: KeyPath, section: Mapping[str, Json], files: Files, within: tuple[str, ...]
) -> dict[str, Json] | None:
    """Return settings with the verifiers that they name, and the files, replaced by what these hold."""
    kinds = registry.verifier_types()
    if raw["type"] not in kinds:
        hint = registry.did_you_mean(str(raw["type"]), kinds) or "; installed: " + ", ".join(kinds)
        files.faults.add((*path, "type"), f"no verifier is of type '{raw['type']}'{hint}")
        return None
    settings = dict(raw)
    for key, value in raw.items():
        if isinstance(value, Mapping) and set(value) == {"file"}:
            settings[key] = files.read(str(value["file"]), (*path, key, "file"))
        elif key == "of" and isinstance(value, list):
            settings[key] = [
                _member(one, (*path, key, number), section, files, within) for number, one in enumerate(value)
            ]
    members = cast("list[Json]", settings.get("of") or [])
    if any(isinstance(one, Mapping) and one["type"] == "judge" for one in members):
        files.faults.add((*path, "of"), "a judge is no part of another verifier; let it judge alone")
        return None
    whole = None not in settings.values() and None not in members
    return settings if whole else None


def _member(
    raw: Json, path: KeyPath, section: Mapping[str, Json], files: Files, within: tuple[str, ...]
) -> Json:
    if not isinstance(raw, str):
        return _complete(cast("Mapping[str, Json]", raw), path, section, files, within)
    if raw in within:
        files.faults.add(path, f"verifier '{raw}' is made of itself: {' of '.join([*within, raw])}")
    elif raw not in section:
        files.faults.add(path, _unknown(raw, section))
    elif ("verifiers", raw) not in files.faults.broken:
        named = cast("Mapping[str, Json]", section[raw])
        return _complete(named, ("verifiers", raw), section, files, (*within, raw))
    return None


def _unknown(name: str, section: Mapping[str, Json]) -> str:
    hint = registry.did_you_mean(name, section)
    if not hint and name in registry.verifier_types():
        hint = f"; for one in place write {{type: {name}}}"
    return f"no verifier is named '{name}'{hint or '; declare it under verifiers:'}"


def make_verifier(settings: VerifierSettings) -> Verifier:
    """Return the verifier of these settings.

    Raises:
        UsageError: it is not installed or refuses its settings.
    """
    return registry.verifier_class(settings.type)(settings.settings)


def own_time_limit_s(verifier: Verifier) -> float | None:
    """Return the time limit that a verifier itself declares, for verdicts that take long."""
    limit: float | None = getattr(verifier, "time_limit_s", None)
    return limit


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
