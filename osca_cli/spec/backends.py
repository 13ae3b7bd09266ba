"""Resolves the backends that configurations name, and asks their classes what they honour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from osca_cli import registry
from osca_cli.errors import UsageError
from osca_cli.model import Json
from osca_cli.spec.faults import Faults
from osca_cli.spec.files import Files
from osca_cli.spec.types import BackendSettings, ChatTemplate, Template
from osca_cli.spec.yaml12 import KeyPath

if TYPE_CHECKING:
    from osca_cli.protocols import Backend

_VENDORS = {"openai": "api.openai.com", "anthropic": "api.anthropic.com"}
"""The servers that a type alone stands for. Another one answers with other models."""


@dataclass(slots=True)
class Backends:
    """The backends of a spec: those declared, and those that its configurations use undeclared.

    Attributes:
        known: By name; ``None`` stands for one that has faults.
    """

    files: Files
    known: dict[str, BackendSettings | None] = field(default_factory=dict)
    _classes: dict[str, type[Backend]] = field(default_factory=dict)
    _refused: set[tuple[str, KeyPath]] = field(default_factory=set)

    @property
    def faults(self) -> Faults:
        """Where faults are gathered."""
        return self.files.faults

    def declare(self, name: str, raw: Mapping[str, Json] | None) -> None:
        """Take an entry of ``backends:``; ``None`` for one whose shape is broken."""
        self.known[name] = None
        if raw is None:
            return
        type_name = str(raw["type"])
        settings = {key: value for key, value in raw.items() if key not in {"type", "provider"}}
        host = self._server(settings, ("backends", name, "base_url"))
        if self._load(type_name, ("backends", name, "type")) and host is not None:
            own = type_name if host in {"", _VENDORS.get(type_name)} else host
            self.known[name] = BackendSettings(
                name=name,
                type=type_name,
                provider=str(raw.get("provider", own)),
                settings=settings,
                place=self.faults.document.key(("backends", name)),
            )

    def resolve(self, name: str, path: KeyPath) -> BackendSettings | None:
        """Return the backend that a model names, or ``None`` after a fault."""
        if name not in self.known:
            self.known[name] = self._undeclared(name, path)
        return self.known[name]

    def check_parameters(self, backend: BackendSettings, paths: Mapping[str, KeyPath], label: str) -> None:
        """Add a fault for each parameter that the backend does not honour.

        Args:
            backend: The backend.
            paths: Where each parameter is written; what holds for a whole grid is told once.
            label: The configuration's name.
        """
        honoured = self._classes[backend.type].parameters
        for name, path in paths.items():
            if name in honoured or (backend.name, path) in self._refused:
                continue
            self._refused.add((backend.name, path))
            hint = registry.did_you_mean(name, honoured) or f" (it takes {', '.join(sorted(honoured))})"
            message = f"'{label}': backend '{backend.name}' ({backend.type}) does not take {name}{hint}"
            self.faults.add_at_key(path, f"{message}; remove it")

    def check_prompt(self, backend: BackendSettings, template: Template, path: KeyPath) -> None:
        """Add a fault where the backend takes no prompts of this kind."""
        kind = "chat" if isinstance(template, ChatTemplate) else "completion"
        if kind not in self._classes[backend.type].prompts:
            message = f"backend '{backend.name}' ({backend.type}) takes no {kind} prompts; write another kind"
            self.faults.add(path, message)

    def reads_problem(self, backend: BackendSettings) -> bool:
        """Tell whether the backend is given problems themselves, so that a prompt is not needed."""
        return getattr(self._classes[backend.type], "reads_problem", False)

    def _server(self, settings: dict[str, Json], path: KeyPath) -> str | None:
        """Put variables into the address of a server; return its host, or ``None`` after a fault."""
        if "base_url" not in settings:
            return ""
        address = self.files.expand(str(settings["base_url"]), path)
        if address is None:
            return None
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            self.faults.add(path, "is no address of a server; write it as in http://127.0.0.1:8000/v1")
            return None
        settings["base_url"] = address
        return parts.hostname

    def _undeclared(self, name: str, path: KeyPath) -> BackendSettings | None:
        types = registry.backend_types()
        if name not in types:
            known = sorted({*types, *self.known} - {name})
            hint = registry.did_you_mean(name, known)
            self.faults.add(path, f"no backend is named '{name}'{hint or '; there are: ' + ', '.join(known)}")
            return None
        if not self._load(name, path):
            return None
        if getattr(self._classes[name], "needs_entry", False):
            example = "{mine: {type: command, command: [python3, agent.py]}}"
            self.faults.add(path, f"'{name}' alone says nothing to run; write backends: {example}")
            return None
        return BackendSettings(name=name, type=name, provider=name, settings={}, place=None)

    def _load(self, type_name: str, path: KeyPath) -> bool:
        try:
            self._classes[type_name] = registry.backend_class(type_name)
        except UsageError as error:
            self.faults.add(path, str(error))
            return False
        return True


def declare_all(section: Mapping[str, Json], files: Files) -> Backends:
    """Read the ``backends:`` section."""
    backends = Backends(files)
    for name, raw in section.items():
        broken = ("backends", name) in files.faults.broken
        backends.declare(name, None if broken else cast("Mapping[str, Json]", raw))
    return backends
