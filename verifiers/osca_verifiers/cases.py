"""The tests of a problem, in the forms that collections of programming problems have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem
from osca_verifiers.code_text import parsed
from osca_verifiers.reference import name

Given = dict[str, Json]


def field_of(problem: Problem, setting: str, field: Json) -> Json:
    """Return the field of a problem that a setting names.

    Raises:
        UsageError: the problem has no such field.
    """
    if not isinstance(field, str) or field not in problem.fields:
        known = ", ".join(sorted(problem.fields)[:20])
        raise UsageError(f"{name(problem)} has no field '{field}', which '{setting}' names (it has: {known})")
    return problem.fields[field]


def text_of(problem: Problem, setting: str, field: Json) -> str:
    """Return the text in the field of a problem that a setting names.

    Raises:
        UsageError: there is none, or it is no text.
    """
    value = field_of(problem, setting, field)
    if not isinstance(value, str):
        raise UsageError(f"{name(problem)}: field '{field}', which '{setting}' names, is no text")
    return value


def tests_of(problem: Problem, field: Json) -> Given:
    """Return the tests in a field of a problem.

    Either ``{"asserts": [source, …]}``, or ``{"cases": [{"input", "output", "call"}, …]}``.

    Raises:
        UsageError: there are none, or they are in no form that is known.
    """
    value = field_of(problem, "tests", field)
    if isinstance(value, str):
        value = _listed(value)
    if isinstance(value, str):
        value = [value]
    if isinstance(value, Mapping):
        value = _columns(value)
    if not isinstance(value, Sequence) or not value:
        raise _unknown(problem, field)
    if all(isinstance(one, str) for one in value):
        return {"asserts": [_asserting(problem, field, str(one)) for one in value]}
    return {"cases": [_case(problem, field, one) for one in value]}


def same_output(found: str, expected: str) -> bool:
    r"""Tell whether two outputs are equal, line by line: spaces at the ends and empty lines at the end apart.

    Where the words of a line differ they may be numbers that are equal: ``1.50`` is ``1.5``.

    >>> same_output("1.50 a \n\n", "1.5 a")
    True
    """
    left, right = _lines(found), _lines(expected)
    return len(left) == len(right) and all(map(_same_line, left, right))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _same_line(left: str, right: str) -> bool:
    if left == right:
        return True
    found, expected = left.split(), right.split()
    return len(found) == len(expected) and all(map(_same_word, found, expected))


def _same_word(left: str, right: str) -> bool:
    if left == right:
        return True
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:
        return False


def _listed(text: str) -> Json:
    """Return the list that a text is in JSON, as LiveCodeBench has it; else the text."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        found: Json = json.loads(text)
    except ValueError:
        return text
    return found


def _columns(value: Mapping[str, Json]) -> Json:
    """Return ``{"inputs": […], "outputs": […]}``, as APPS and others have it, as a list of cases."""
    inputs, outputs = value.get("inputs", value.get("input")), value.get("outputs", value.get("output"))
    if not isinstance(inputs, list | tuple) or not isinstance(outputs, list | tuple):
        return None
    return [{"input": one, "output": other} for one, other in zip(inputs, outputs, strict=False)]


def _asserting(problem: Problem, field: Json, source: str) -> str:
    if parsed(source) is None:
        raise UsageError(f"{name(problem)}: the tests in field '{field}' are not Python: {source[:60]!r}")
    return source


def _case(problem: Problem, field: Json, one: Json) -> Json:
    if not isinstance(one, Mapping) or "input" not in one or "output" not in one:
        raise _unknown(problem, field)
    given, expected = one["input"], one["output"]
    if one.get("testtype") == "functional":
        try:
            args = [json.loads(line) for line in str(given).splitlines() if line.strip()]
            return {"call": args, "output": json.loads(str(expected))}
        except ValueError:
            raise _unknown(problem, field) from None
    return {"input": _text(given), "output": _text(expected)}


def _text(value: Json) -> str:
    """Return an input or output as text: a list is its lines."""
    if isinstance(value, list | tuple):
        return "\n".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value)


def _unknown(problem: Problem, field: Json) -> UsageError:
    return UsageError(
        f"{name(problem)}: field '{field}' holds no tests that are known: Python with asserts, a list of "
        "such, or a list of {input, output}"
    )
