"""``osca doctor``: what is installed, which keys are set, and which servers answer."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from osca_cli import __version__
from osca_cli.backends import cache_folder
from osca_cli.commands.common import json_option, load, spec_argument
from osca_cli.console import print_facts, print_json
from osca_cli.errors import UsageError
from osca_cli.registry import backend_class, backend_types, verifier_class, verifier_types
from osca_cli.run.readiness import make_ready
from osca_cli.spec.types import Spec

PACKAGES = ("openai", "anthropic", "genai-prices", "xllamacpp", "vllm", "pyarrow")
ENGINES = {"llama_cpp": ("xllamacpp", "local"), "vllm": ("vllm", "vllm")}
"""The packages that backends import when they first draw, and the extras that bring them."""
NOT_INSTALLED = "not installed"
ANSWER_WITHIN_S = 3.0


@click.command(epilog="Example: osca doctor spec.yaml")
@spec_argument
@json_option
def command(spec: Path | None, as_json: bool) -> int:
    """Say what is installed, which keys are set and, for a SPEC, whether its servers and programs are there.

    Keys are named, never shown. Nothing is sent to a server but a connection. Status 1 if something that the
    spec needs is missing.
    """
    loaded = None if spec is None else load(spec)
    facts = {
        "osca": __version__,
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "cache": str(cache_folder()),
        **{f"package {name}": _installed(name) for name in PACKAGES},
        **{f"backend {name}": _loads(name) for name in backend_types()},
        "verifiers": ", ".join(verifier_types()),
        **dict(_of_verifiers(loaded)),
        **dict(_keys(loaded)),
        **dict(_programs(loaded)),
    }
    servers = {} if loaded is None else _servers(loaded)
    if as_json:
        print_json({"schema_version": 1, "facts": facts, "servers": servers})
    else:
        print_facts(facts | {f"server of {name}": said for name, said in servers.items()})
    well = all(said.startswith("answers") for said in servers.values())
    return 0 if well and not any(said.endswith(", and needed") for said in facts.values()) else 1


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return NOT_INSTALLED


def _loads(type_name: str) -> str:
    try:
        backend_class(type_name)
    except UsageError as error:
        return str(error)
    package, extra = ENGINES.get(type_name, ("", ""))
    if package and _installed(package) == NOT_INSTALLED:
        return f"needs its engine: pip install 'osca[{extra}]'"
    return "ready"


def _of_verifiers(spec: Spec | None) -> Iterator[tuple[str, str]]:
    """Yield what verifiers tell of themselves, and for each task whether its own can work here."""
    for name in verifier_types():
        yield from getattr(verifier_class(name), "facts", dict)().items()
    for task in () if spec is None else spec.tasks:
        try:
            make_ready([task])
        except UsageError as error:
            yield f"verifier of {task.name}", f"{error}, and needed"


def _keys(spec: Spec | None) -> Iterator[tuple[str, str]]:
    """Yield the variables that hold keys, and whether they are set; those that the spec needs are marked."""
    needed = set() if spec is None else {name for _, name in _hosted(spec) if name is not None}
    names = {str(cls.key_variable) for cls in map(_class, backend_types()) if hasattr(cls, "key_variable")}
    for name in sorted(names | needed):
        missing = "is not set, and needed" if name in needed else "is not set"
        yield f"key {name}", "is set" if os.environ.get(name) else missing


def _hosted(spec: Spec) -> Iterator[tuple[str, str | None]]:
    """Yield the address of each hosted backend of a spec, and the variable of its key."""
    for entry in spec.backends.values():
        cls = _class(entry.type)
        if not getattr(cls, "hosted", False):
            continue
        address = entry.settings.get("base_url")
        variable = entry.settings.get("api_key_env")
        if variable is None and address is None:
            variable = getattr(cls, "key_variable", None)
        yield str(address or getattr(cls, "vendor_url", "")), None if variable is None else str(variable)


def _programs(spec: Spec | None) -> Iterator[tuple[str, str]]:
    """Yield where the program of each backend is, and whether the variables that it is given are set."""
    if spec is None:
        return
    for entry in spec.backends.values():
        if not getattr(_class(entry.type), "reads_problem", False):
            continue
        settings: Any = entry.settings
        program = settings["command"][0]
        found = shutil.which(str(spec.folder.resolve() / program) if "/" in program else program)
        yield f"program of {entry.name}", found or f"{program} is not found, and needed"
        for name in settings.get("env", ()):
            yield f"variable {name}", "is set" if name in os.environ else "is not set"


def _class(type_name: str) -> Any:
    try:
        return backend_class(type_name)
    except UsageError:
        return None


def _servers(spec: Spec) -> Mapping[str, str]:
    """Return whether the server of each hosted backend takes connections."""
    return {urlsplit(address).netloc: _reached(address) for address, _ in _hosted(spec) if address}


def _reached(address: str) -> str:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((str(parts.hostname), port), timeout=ANSWER_WITHIN_S):
            return "answers"
    except OSError as error:
        return f"does not answer: {error.strerror or error}"
