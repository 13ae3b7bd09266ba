"""The files that a spec names: their paths are relative to the spec's folder and may hold variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osca_cli.errors import UsageError
from osca_cli.spec.environment import substitute
from osca_cli.spec.faults import Faults
from osca_cli.spec.yaml12 import KeyPath


@dataclass(frozen=True, slots=True)
class Files:
    """Finds and reads them; what goes wrong is a fault at the key that names the file.

    Attributes:
        folder: The spec's folder.
        environment: Where variables in paths come from.
    """

    folder: Path
    environment: Mapping[str, str]
    faults: Faults

    def expand(self, text: str, at: KeyPath) -> str | None:
        """Return a text with its variables replaced, or ``None`` after a fault."""
        try:
            return substitute(text, self.environment)
        except UsageError as error:
            self.faults.add(at, str(error))
            return None

    def find(self, text: str, at: KeyPath) -> Path | None:
        """Return the path of a file that is there, or ``None`` after a fault."""
        name = self.expand(text, at)
        if name is None:
            return None
        path = self.folder / Path(name).expanduser()
        if path.is_file():
            return path
        self.faults.add(at, f"no such file: {path}; paths are relative to the spec's folder")
        return None

    def read(self, text: str, at: KeyPath) -> str | None:
        """Return a file's text, or ``None`` after a fault."""
        path = self.find(text, at)
        if path is None:
            return None
        try:
            return path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            self.faults.add(at, f"{path} cannot be read: {error.strerror}")
        except UnicodeDecodeError as error:
            self.faults.add(at, f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8")
        return None
