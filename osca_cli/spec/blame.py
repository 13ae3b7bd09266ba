"""Says whose fault it is where a backend, which may be anybody's, fails as no backend may."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from osca_cli.errors import BrokenBackendError, OscaError
from osca_cli.spec.types import BackendSettings


@contextmanager
def blaming(entry: BackendSettings) -> Iterator[None]:
    """Turn what is no error of osca's into one that names the backend.

    Raises:
        BrokenBackendError: the backend raised something else than an error of osca's.
    """
    try:
        yield
    except OscaError:
        raise
    except Exception as error:
        raise broken(entry, f"raised {type(error).__name__}: {error}") from error


def broken(entry: BackendSettings, what: str) -> BrokenBackendError:
    """Return the error of a backend that did what no backend may; without the key, which it may repeat."""
    key = os.environ.get(str(entry.settings.get("api_key_env", "")))
    said = what.replace(key, "[key]") if key else what
    return BrokenBackendError(f"backend '{entry.name}' (type {entry.type}) {said}")
