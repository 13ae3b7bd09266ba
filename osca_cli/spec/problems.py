"""Reads problems: from the spec itself, from JSON Lines, from CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from osca_cli.errors import Fault, SpecError, UsageError
from osca_cli.model import Json, Problem
from osca_cli.registry import did_you_mean
from osca_cli.spec.types import Place, ProblemFields, Task

MOST_FAULTS = 3
"""Faults told of one problem file; one mistake often repeats on every line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One problem as it is written, and where."""

    file: str
    place: Place
    path: str
    fields: Mapping[str, Json]

    def fault(self, message: str) -> Fault:
        """Return a fault at this row."""
        return Fault(self.file, self.place.line, self.place.column, self.path, message)


def read_problem_file(path: Path, task: Task) -> tuple[Problem, ...]:
    """Read a file of new problems for a task; they need not have a reference.

    Raises:
        UsageError: the file cannot be read, or is neither ``.jsonl`` nor ``.csv``.
        SpecError: the faults of its problems, each at its line.
    """
    source = path.suffix.removeprefix(".").lower()
    if source not in {"jsonl", "csv"}:
        raise UsageError(f"{path}: problems are read from .jsonl and .csv files; rename or convert it")
    return make_problems(task.name, read_rows(path, source), task.fields, needs_reference=False)


def read_rows(path: Path, source: str) -> list[Row]:
    """Read the rows of a problem file.

    Raises:
        UsageError: the file cannot be read.
        SpecError: its faults, each at its line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"no such file: {path}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return list(_jsonl(text, str(path)) if source == "jsonl" else _csv(text, str(path)))


def make_problems(
    task: str, rows: Sequence[Row], fields: ProblemFields, *, needs_reference: bool
) -> tuple[Problem, ...]:
    """Turn rows into the problems of a task.

    Args:
        task: The task's name.
        rows: What was read.
        fields: Which field is the id, which the reference, which are tags.
        needs_reference: Whether a problem without the reference field is a fault.

    Raises:
        SpecError: ids that are missing, of a wrong kind or equal, and missing references.
    """
    faults: list[Fault] = []
    problems: dict[str, Problem] = {}
    first: dict[str, Row] = {}
    for row in rows:
        problem_id = row.fields.get(fields.id)
        if isinstance(problem_id, bool) or not isinstance(problem_id, str | int) or problem_id == "":
            faults.append(row.fault(_bad_id(row, fields.id)))
            continue
        name = str(problem_id)
        if name in first:
            place = f"line {first[name].place.line}"
            faults.append(row.fault(f"the id '{name}' is there already, in {place}; ids must differ"))
        if needs_reference and fields.reference not in row.fields:
            hint = _missing(row, fields.reference)
            faults.append(row.fault(f"problem '{name}' has no reference: {hint}"))
        first.setdefault(name, row)
        problems[name] = Problem(
            task=task,
            id=name,
            fields=row.fields,
            reference=row.fields.get(fields.reference),
            tags={tag: row.fields.get(tag) for tag in fields.tags},
        )
    _raise_some(faults)
    return tuple(problems.values())


def _bad_id(row: Row, name: str) -> str:
    if name not in row.fields:
        return f"the problem has no id: {_missing(row, name)}; problems: {{id: FIELD}} names another field"
    return f"the id (field '{name}') must be a text or a whole number that is not empty"


def _missing(row: Row, name: str) -> str:
    """Say that a field is not there, and which are."""
    return f"no field '{name}'{did_you_mean(name, row.fields)} (fields: {', '.join(row.fields)})"


def _jsonl(text: str, file: str) -> Iterator[Row]:
    faults = []
    # Only "\n" ends a line of JSON Lines: splitlines() would cut at U+2028 inside a text.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = _parse_json(line)
        except (ValueError, RecursionError) as error:
            column = error.colno if isinstance(error, json.JSONDecodeError) else 1
            message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            faults.append(Fault(file, number, column, "", f"not a line of JSON: {message}"))
            continue
        if isinstance(fields, dict):
            yield Row(file, Place(number, 1), "", fields)
        else:
            faults.append(Fault(file, number, 1, "", "a problem is a JSON object: {…}"))
    _raise_some(faults)


def _parse_json(line: str) -> Any:
    value = _DECODER.decode(line)
    if "\\u" in line:
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text: a UnicodeError
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number; write null")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _csv(text: str, file: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    faults = []
    try:
        header = next(reader, [])
        if len(set(header)) < len(header) or "" in header:
            faults.append(Fault(file, 1, 1, "", "the first line must name every column, each differently"))
        line = reader.line_num + 1
        for values in reader:
            if values and len(values) != len(header):
                message = f"{len(values)} values for {len(header)} columns; quote values that hold a comma"
                faults.append(Fault(file, line, 1, "", message))
            elif values:
                yield Row(file, Place(line, 1), "", dict(zip(header, values, strict=True)))
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(Fault(file, reader.line_num, 1, "", f"not valid CSV: {error}"))
    _raise_some(faults)


def _raise_some(faults: Iterable[Fault]) -> None:
    found = list(faults)
    if len(found) > MOST_FAULTS:
        last = found[MOST_FAULTS]
        more = Fault(last.file, last.line, last.column, "", f"and {len(found) - MOST_FAULTS} more faults")
        found = [*found[:MOST_FAULTS], more]
    if found:
        raise SpecError(tuple(found))
