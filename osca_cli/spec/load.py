"""Loads a spec or a plan: reads the YAML, checks its shape and its meaning, and tells all faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from osca_cli.identity import digest
from osca_cli.spec.allocation import read_allocation
from osca_cli.spec.backends import Backends, declare_all
from osca_cli.spec.budgets import check_volumes, read_budget
from osca_cli.spec.checks import read_check
from osca_cli.spec.configurations import ConfigurationReader
from osca_cli.spec.faults import Faults
from osca_cli.spec.files import Files
from osca_cli.spec.judges import with_judge
from osca_cli.spec.pilot import read_pilot
from osca_cli.spec.rehearsal import rehearse
from osca_cli.spec.schema import check_shape
from osca_cli.spec.secrets import check_secrets
from osca_cli.spec.tasks import TaskDraft, read_task
from osca_cli.spec.templates import InlinePrompts, Prompts, read_prompts
from osca_cli.spec.types import Spec, Task
from osca_cli.spec.verifiers import read_verifiers
from osca_cli.spec.yaml12 import Document, KeyPath, read_document


def load_spec(path: Path, *, environment: Mapping[str, str]) -> Spec:
    """Load a spec or plan file with its prompts and problems.

    Args:
        path: The file.
        environment: Where ``${NAME}`` in paths comes from.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        SpecError: all that is wrong with it, each fault at its place.
    """
    document = read_document(path)
    faults = Faults(document)
    faults.add_all(document.faults)
    check_secrets(faults)
    check_shape(faults)
    # A part of a wrong shape is left out from here on, so that one mistake is told once.
    data = {key: value for key, value in document.data.items() if (key,) not in faults.broken}
    spec = _build(path, data, Files(path.parent, environment, faults))
    faults.raise_any()
    return spec


def load_document(path: Path) -> Document:
    """Read a spec or plan file as YAML alone: whether it has an allocation, and where its parts are.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        SpecError: it is not a YAML mapping.
    """
    return read_document(path)


def spec_hash(spec: Spec) -> str:
    """Return 8 hexadecimal digits that change with the spec's text as data, not with its allocation."""
    return digest({key: value for key, value in spec.data.items() if key != "allocation"})[:8]


def _build(path: Path, data: Mapping[str, Any], files: Files) -> Spec:
    """Return the spec; it is whole only if no fault was found."""
    faults = files.faults
    drafts = _read_tasks(data, files)
    backends = declare_all(data.get("backends", {}), files)
    drafts = {name: draft and with_judge(draft, backends) for name, draft in drafts.items()}
    reader = _read_configurations(data, drafts, backends, files)
    configurations = reader.found
    sound = reader.complete and not _broken("configurations", faults)
    for draft in drafts.values():
        if draft is not None and draft.task.outcomes is None:
            applied = [one for one in configurations.values() if draft.task.name in one.tasks]
            if applied or sound:
                rehearse(draft, applied, reader.prompts.inline, backends)
    tasks = {name: _complete(draft, reader.prompts.inline) for name, draft in drafts.items()}
    block = data.get("allocation")
    pilot_samples, pilot_screen = read_pilot(data.get("pilot", {}), faults)
    budget = read_budget(data.get("budget"), ("budget",), faults)
    check_volumes(data.get("tasks", ()), budget, faults)
    return Spec(
        path=path,
        text=faults.document.text,
        data=faults.document.data,
        name=str(data.get("name", path.stem)),
        tasks=tuple(task for task in tasks.values() if task),
        configurations=tuple(configurations.values()),
        backends={name: backend for name, backend in backends.known.items() if backend},
        pilot_samples=pilot_samples,
        budget=budget,
        seed=int(data.get("run", {}).get("seed", 0)),
        pilot_screen=pilot_screen,
        rounds=data.get("run", {}).get("rounds"),
        give_up=data.get("run", {}).get("give_up"),
        limit_usd=data.get("limits", {}).get("usd"),
        check=read_check(data.get("check", {}), tasks, configurations if sound else None, faults),
        allocation=read_allocation(block, tasks, configurations if sound else None, faults)
        if block
        else None,
    )


def _broken(section: str, faults: Faults) -> bool:
    return any(part[0] == section for part in faults.broken)


def _read_tasks(data: Mapping[str, Any], files: Files) -> dict[str, TaskDraft | None]:
    """Return all tasks by name; ``None`` stands for one that has faults."""
    shared = read_prompts(data.get("prompts", {}), ("prompts",), files)
    verifiers = read_verifiers(data.get("verifiers", {}), files)
    drafts: dict[str, TaskDraft | None] = {}
    lines: dict[str, int] = {}
    for index, entry in enumerate(data.get("tasks", ())):
        path: KeyPath = ("tasks", index)
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str):
            continue
        if name in drafts:
            message = f"two tasks are named '{name}', the other in line {lines[name]}; rename one"
            files.faults.add((*path, "name"), message)
            continue
        lines[name] = files.faults.document.key(path).line
        broken = path in files.faults.broken
        drafts[name] = None if broken else read_task(entry, path, shared, verifiers, files)
    return drafts


def _read_configurations(
    data: Mapping[str, Any], drafts: Mapping[str, TaskDraft | None], backends: Backends, files: Files
) -> ConfigurationReader:
    sampled = [name for name, draft in drafts.items() if draft is None or draft.task.outcomes is None]
    named = set(data.get("prompts", {}))
    for entry in data.get("tasks", ()):
        own = entry.get("prompts") if isinstance(entry, Mapping) else None
        named |= set(own) if isinstance(own, Mapping) else set()
    reader = ConfigurationReader(files, backends, InlinePrompts(frozenset(named), files), sampled)
    for index, entry in enumerate(data.get("configurations", ())):
        if ("configurations", index) not in files.faults.broken:
            reader.read(entry, ("configurations", index))
    return reader


def _complete(draft: TaskDraft | None, inline: Prompts) -> Task | None:
    """Return a task with all its prompts, those included that configurations write in place."""
    if draft is None or draft.task.outcomes is not None:
        return None if draft is None else draft.task
    prompts = {name: placed.template for name, placed in (draft.prompts | inline).items()}
    return replace(draft.task, prompts={name: found for name, found in prompts.items() if found})
