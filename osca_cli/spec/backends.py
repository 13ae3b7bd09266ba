"""Resolves the backends that configurations name, and asks their classes what they honour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from osca_cli import registry
from osca_cli.errors import UsageError
from osca_cli.model import Json
from osca_cli.spec.faults import Faults
from osca_cli.spec.types import BackendSettings, ChatTemplate, Template
from osca_cli.spec.yaml12 import KeyPath

if TYPE_CHECKING:
    from osca_cli.protocols import Backend


@dataclass(slots=True)
class Backends:
    """The backends of a spec: those declared, and those that its configurations use undeclared.

    Attributes:
        known: By name; ``None`` stands for one that has faults.
    """

    faults: Faults
    known: dict[str, BackendSettings | None] = field(default_factory=dict)
    _classes: dict[str, type[Backend]] = field(default_factory=dict)
    _refused: set[tuple[str, KeyPath]] = field(default_factory=set)

    def declare(self, name: str, raw: Mapping[str, Json] | None) -> None:
        """Take an entry of ``backends:``; ``None`` for one whose shape is broken."""
        self.known[name] = None
        if raw is None:
            return
        type_name = str(raw["type"])
        if self._load(type_name, ("backends", name, "type")):
            self.known[name] = BackendSettings(
                name=name,
                type=type_name,
                provider=str(raw.get("provider", type_name)),
                settings={key: value for key, value in raw.items() if key not in {"type", "provider"}},
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

    def takes(self, backend: BackendSettings, template: Template) -> bool:
        """Tell whether the backend takes prompts of this kind."""
        kind = "chat" if isinstance(template, ChatTemplate) else "completion"
        return kind in self._classes[backend.type].prompts

    def _undeclared(self, name: str, path: KeyPath) -> BackendSettings | None:
        types = registry.backend_types()
        if name not in types:
            known = sorted({*types, *self.known} - {name})
            hint = registry.did_you_mean(name, known)
            self.faults.add(path, f"no backend is named '{name}'{hint or '; there are: ' + ', '.join(known)}")
            return None
        if not self._load(name, path):
            return None
        return BackendSettings(name=name, type=name, provider=name, settings={}, place=None)

    def _load(self, type_name: str, path: KeyPath) -> bool:
        try:
            self._classes[type_name] = registry.backend_class(type_name)
        except UsageError as error:
            self.faults.add(path, str(error))
            return False
        return True


def declare_all(section: Mapping[str, Json], faults: Faults) -> Backends:
    """Read the ``backends:`` section."""
    backends = Backends(faults)
    for name, raw in section.items():
        broken = ("backends", name) in faults.broken
        backends.declare(name, None if broken else cast("Mapping[str, Json]", raw))
    return backends
