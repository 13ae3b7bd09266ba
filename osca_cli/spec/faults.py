"""Collects what is wrong with a spec, each fault at its place, so that all are told at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from osca_cli.errors import Fault, SpecError
from osca_cli.spec.yaml12 import Document, KeyPath, path_text


@dataclass(slots=True)
class Faults:
    """The faults found so far in one document and in the files that it names.

    Attributes:
        document: The spec.
        found: What is wrong, in the order of finding.
        broken: Parts of the spec (``("tasks", 0)``) whose shape is wrong: their meaning is not looked at.
    """

    document: Document
    found: list[Fault] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)

    def add(self, path: KeyPath, message: str) -> None:
        """Add a fault at the value of a path."""
        place = self.document.value(path)
        self.found.append(Fault(self.document.file, place.line, place.column, path_text(path), message))

    def add_at_key(self, path: KeyPath, message: str) -> None:
        """Add a fault at the key of a path."""
        place = self.document.key(path)
        self.found.append(Fault(self.document.file, place.line, place.column, path_text(path), message))

    def add_line(self, line: int, column: int, message: str) -> None:
        """Add a fault at a line and column of the text."""
        self.found.append(Fault(self.document.file, line, column, "", message))

    def add_all(self, faults: Iterable[Fault]) -> None:
        """Add faults that have their place already, in this file or another."""
        self.found.extend(faults)

    def raise_any(self) -> None:
        """Raise what was found.

        Raises:
            SpecError: there is a fault.
        """
        if self.found:
            raise SpecError(tuple(self.found))
