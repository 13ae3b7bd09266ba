"""The shape of a spec: its JSON Schema, and what a document gets wrong of it, in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias, cast

from jsonschema import Draft7Validator
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from osca_cli.registry import did_you_mean
from osca_cli.spec.faults import Faults
from osca_cli.spec.secrets import looks_secret
from osca_cli.spec.yaml12 import KeyPath, path_text

_Error: TypeAlias = Any
"""A ``ValidationError`` that came from a schema; its type allows for one that did not."""

_DEPTHS = {
    **dict.fromkeys(("tasks", "configurations", "prompts", "verifiers", "backends"), 2),
    **dict.fromkeys(("check", "allocation"), 3),
}
"""How deep the parts lie of which one may be wrong and the others still be looked at."""

_NUMERAL = re.compile(r"[-+]?[0-9.]+")

_NOUNS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def schema_text() -> str:
    """Return the JSON Schema (draft-07) of specs and plans, as it ships."""
    return (files("osca_cli.spec") / "spec.schema.json").read_text(encoding="utf-8")


def check_shape(faults: Faults) -> None:
    """Add every fault of the document's shape, and note which parts of it are broken."""
    told = {fault.path for fault in faults.document.faults}
    errors = sorted(
        _validator().iter_errors(faults.document.data), key=lambda error: error.validator != "type"
    )
    for error in errors:
        path: KeyPath = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            for key, message in _unknown_keys(error):
                faults.add_at_key((*path, key), message)
            continue
        if path:
            faults.broken.add(_part(path))
        # A value of the wrong type breaks other rules too; one that YAML could not read breaks any.
        if path_text(path) not in told or not path:
            faults.add(path, _MESSAGES.get(str(error.validator), _other)(error))
        if error.validator == "type":
            told.add(path_text(path))


def _part(path: KeyPath) -> KeyPath:
    """Return the part of a spec that is left out when this path is wrong."""
    depth = _DEPTHS.get(str(path[0]), 1)
    return path[:depth] if len(path) >= depth else path[:1]


@cache
def _validator() -> Validator:
    # JSON Schema takes 8.0 for an integer; whoever reads a setting expects an int.
    whole = Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    extended = extend(Draft7Validator, type_checker=whole)  # type: ignore[no-untyped-call]
    return cast("Validator", extended(json.loads(schema_text())))


def _unknown_keys(error: _Error) -> Iterator[tuple[str, str]]:
    instance: Mapping[str, Any] = error.instance
    known = list(error.schema.get("properties", {}))
    for key in instance:
        if key in known or (key.startswith("x-") and "patternProperties" in error.schema):
            continue
        hint = did_you_mean(key, [name for name in known if name not in instance])
        yield key, f"unknown key{hint or '; known here: ' + ', '.join(known)}"


def _type(error: _Error) -> str:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    message = f"must be {' or '.join(_NOUNS[name] for name in wanted)}, not {_shown(error.instance)}"
    if error.instance is None:
        return f"{message}; write one, or leave the key out"
    if wanted == ["array"] and not isinstance(error.instance, dict):
        return f"{message}; write it in brackets: [ … ]"
    if wanted[0] in {"number", "integer"} and _quoted_number(error.instance):
        return f"{message}; write it without quotes"
    return message


def _quoted_number(value: object) -> bool:
    return isinstance(value, str) and _NUMERAL.fullmatch(value) is not None


def _required(error: _Error) -> str:
    # There is an error for each missing key; only its message says which.
    key = next(key for key in error.validator_value if error.message.startswith(repr(key)))
    known = error.schema.get("properties", {}).get(key, {})
    description = str(known.get("description", "it is needed here"))
    example = f", as in {key}: {_shown(known['examples'][0])}" if "examples" in known else ""
    return f"the key '{key}' is missing: {description[:1].lower()}{description[1:].rstrip('.')}{example}"


def _enum(error: _Error) -> str:
    known = [str(value) for value in error.validator_value]
    return f"must be one of {', '.join(known)}, not {_shown(error.instance)}" + did_you_mean(
        str(error.instance), known
    )


def _const(error: _Error) -> str:
    return f"must be {_shown(error.validator_value)}, not {_shown(error.instance)}"


def _bound(words: str) -> Callable[[_Error], str]:
    return lambda error: f"must be {words} {error.validator_value}, not {error.instance}"


def _empty(error: _Error) -> str:
    if "grid" in error.absolute_path:
        return "is empty, so the grid expands to nothing; write at least one value, or leave the key out"
    return "is empty; write something here, or leave the key out"


def _one_key(error: _Error) -> str:
    known = error.schema.get("properties")
    return (
        f"write only one of {', '.join(known)} here" if known else "write one entry for each item of the list"
    )


def _other(error: _Error) -> str:
    return str(error.message)


def _shown(value: object) -> str:
    """Show a value as the spec writes it, shortened, and never a secret."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    if looks_secret(text):
        return "this text"
    return text if len(text) <= 40 else text[:39] + "…"


_MESSAGES: Mapping[str, Callable[[_Error], str]] = {
    "type": _type,
    "required": _required,
    "enum": _enum,
    "const": _const,
    "minimum": _bound("at least"),
    "exclusiveMinimum": _bound("above"),
    "maximum": _bound("at most"),
    "exclusiveMaximum": _bound("below"),
    "minItems": _empty,
    "minProperties": _empty,
    "minLength": _empty,
    "maxProperties": _one_key,
}
