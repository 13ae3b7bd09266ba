"""Opens the backends that a spec names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from osca_cli.protocols import Backend, Site
from osca_cli.registry import backend_class
from osca_cli.spec.blame import blaming
from osca_cli.spec.judges import judges
from osca_cli.spec.types import BackendSettings, Spec


def open_backends(spec: Spec, *, notify: Callable[[str], None] = lambda _: None) -> dict[str, Backend]:
    """Make the backends of a spec's configurations, by name. Nothing is loaded yet.

    Args:
        spec: The spec.
        notify: Is told news, such as a model being fetched.

    Raises:
        UsageError: a backend's type is not installed.
        BrokenBackendError: a backend raised what no backend may.
    """
    site = Site(folder=spec.folder, cache=cache_folder(), notify=notify)
    used = {configuration.backend for configuration in (*spec.configurations, *judges(spec))}
    entries = {name: entry for name, entry in spec.backends.items() if name in used}
    return {name: _opened(entry, site) for name, entry in entries.items()}


def _opened(entry: BackendSettings, site: Site) -> Backend:
    with blaming(entry):
        return backend_class(entry.type)(entry.settings, site)


def cache_folder() -> Path:
    """Return the folder that fetched models are kept in: ``OSCA_CACHE``, else the user's cache folder."""
    return Path(os.environ.get("OSCA_CACHE") or platformdirs.user_cache_dir("osca"))
