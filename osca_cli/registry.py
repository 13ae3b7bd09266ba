"""Finds backends and verifiers by the name of their type.

They are found through the entry-point groups ``osca.backends`` and ``osca.verifiers``, so that a user's own
are used like ours. A checkout that is not installed has no entry points: there the tables below stand in.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from osca_cli.errors import UsageError

if TYPE_CHECKING:
    from osca_cli.protocols import Backend, Verifier

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "osca.backends": {
        "anthropic": "osca_backends.anthropic:Anthropic",
        "command": "osca_backends.command:Command",
        "llama_cpp": "osca_backends.llama_cpp:LlamaCpp",
        "openai": "osca_backends.openai:OpenAI",
        "vllm": "osca_backends.vllm.backend:VLLM",
    },
    "osca.verifiers": {
        "all": "osca_verifiers.combined:All",
        "any": "osca_verifiers.combined:Any",
        "choice": "osca_verifiers.choice:Choice",
        "code_tests": "osca_verifiers.code_tests:CodeTests",
        "command": "osca_verifiers.program:Command",
        "exact": "osca_verifiers.exact:Exact",
        "judge": "osca_verifiers.judge:Judge",
        "json_schema": "osca_verifiers.json_schema:JsonSchema",
        "math": "osca_verifiers.math:Math",
        "number": "osca_verifiers.number:Number",
        "python_tests": "osca_verifiers.python_tests:PythonTests",
        "reasoning_gym": "osca_verifiers.reasoning_gym:ReasoningGym",
        "regex": "osca_verifiers.regex:Regex",
        "reported": "osca_verifiers.reported:Reported",
        "score": "osca_verifiers.program:Score",
    },
}


def backend_types() -> list[str]:
    """Return the names of all backend types that are installed."""
    return sorted(_targets("osca.backends"))


def verifier_types() -> list[str]:
    """Return the names of all verifier types that are installed."""
    return sorted(_targets("osca.verifiers"))


def backend_class(type_name: str) -> type[Backend]:
    """Return the class of a backend type.

    Raises:
        UsageError: no such type, or its module cannot be imported.
    """
    return cast("type[Backend]", _load("osca.backends", "backend", type_name))


def verifier_class(type_name: str) -> type[Verifier]:
    """Return the class of a verifier type.

    Raises:
        UsageError: no such type, or its module cannot be imported.
    """
    return cast("type[Verifier]", _load("osca.verifiers", "verifier", type_name))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


@cache
def _targets(group: str) -> dict[str, str]:
    """Map each name of a group to its ``module:attribute``."""
    return {**BUILT_IN[group], **{point.name: point.value for point in entry_points(group=group)}}


def _load(group: str, kind: str, type_name: str) -> Any:
    targets = _targets(group)
    if type_name not in targets:
        known = ", ".join(sorted(targets))
        hint = did_you_mean(type_name, targets)
        raise UsageError(f"no {kind} of type '{type_name}'{hint} (installed: {known})")
    module, _, attribute = targets[type_name].partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"{kind} '{type_name}' ({targets[type_name]}) cannot be imported: {error}"
        ) from error
