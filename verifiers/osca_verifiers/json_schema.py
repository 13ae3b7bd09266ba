"""Passes a text that holds JSON which a schema allows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.json_values import parsed, written
from osca_verifiers.reference import name, unfit

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_DEEP = 100
"""Levels of nesting beyond which JSON is no answer: validators recurse."""


class JsonSchema:
    """Validates the JSON of a text, its last object or array where there is more text around it.

    ``schema`` is a JSON Schema, or the text of one; without it each problem's reference is the schema.
    """

    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._steps = compile_steps(settings.get("extract"))
        schema = settings.get("schema")
        self._schema = None if schema is None else _valid_schema(schema, "schema")

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return the reference where it is the schema, else nothing.

        Raises:
            UsageError: the reference is needed, and is no schema.
        """
        if self._schema is not None:
            return {}
        if not isinstance(problem.reference, str | Mapping):
            raise unfit(problem, "json_schema", "a JSON Schema, since the verifier has no 'schema:'")
        return {"schema": _valid_schema(problem.reference, f"{name(problem)}: reference")}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Pass a text whose JSON the schema allows; the reason of a fail names the place and the rule."""
        found, reason = extract(text, self._steps)
        if found is None:
            return Verdict(passed=False, reason=reason)
        try:
            value = parsed(found)
        except ValueError as error:
            return Verdict(passed=False, reason=str(error))
        if _too_deep(value):
            return Verdict(passed=False, reason=f"nested deeper than {MOST_DEEP} levels")
        fault = _validator(written(self._schema or given["schema"]))(value)
        return Verdict(passed=fault is None, answer=written(value), reason=fault or "")


def _valid_schema(schema: Json, where: str) -> Json:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        read: Any = json.loads(schema) if isinstance(schema, str) else schema
        validator_for(read).check_schema(read)
    except (ValueError, SchemaError) as error:
        message = error.message if isinstance(error, SchemaError) else str(error)
        raise UsageError(f"{where}: not a JSON Schema: {message}") from None
    if not isinstance(read, Mapping):
        raise UsageError(f"{where}: not a JSON Schema: it is no object")
    return cast("Json", read)


@lru_cache(maxsize=64)
def _validator(schema: str) -> Callable[[Json], str | None]:
    """Return a function that names the fault of a value, ``None`` where there is none.

    References to other documents are not followed: nothing is fetched.
    """
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry

    read = json.loads(schema)
    empty: Registry[Any] = Registry()
    validator = validator_for(read)(read, registry=empty)

    def fault(value: Json) -> str | None:
        error = best_match(validator.iter_errors(value))
        return None if error is None else f"{error.json_path}: {error.message}"

    return fault


def _too_deep(value: Json) -> bool:
    level: list[Json] = [value]
    for _ in range(MOST_DEEP):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return False
    return True


def _children(value: Json) -> list[Json]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
