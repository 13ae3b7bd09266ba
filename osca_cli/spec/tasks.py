"""Turns the entries of ``tasks:`` into tasks with their problems, split in training and held out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from osca_cli.errors import SpecError, UsageError
from osca_cli.model import Json, Problem
from osca_cli.registry import did_you_mean
from osca_cli.spec.budgets import read_budget
from osca_cli.spec.faults import Faults
from osca_cli.spec.files import Files
from osca_cli.spec.problems import Row, make_problems, read_rows
from osca_cli.spec.select import read_select
from osca_cli.spec.sources import rows_of
from osca_cli.spec.split import find_twins, group_of, split_problems
from osca_cli.spec.strata import check_strata
from osca_cli.spec.templates import Prompts, read_prompts
from osca_cli.spec.types import ProblemFields, Task
from osca_cli.spec.verifiers import Verifiers, resolve_verifier
from osca_cli.spec.where import matches
from osca_cli.spec.yaml12 import KeyPath, path_text

_LIKE_PROBLEMS = ("problems", "verifier", "reference", "prompts")


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task whose prompts are not complete yet: configurations may write more of them in place.

    Attributes:
        task: The task, its ``prompts`` still empty.
        prompts: Its own and the shared prompts, with their places.
        path: Where the task is written.
    """

    task: Task
    prompts: Prompts
    path: KeyPath


def read_task(
    entry: Mapping[str, Json], path: KeyPath, shared: Prompts, verifiers: Verifiers, files: Files
) -> TaskDraft | None:
    """Read one task; ``None`` where nothing of it can be used."""
    values = cast("Mapping[str, Any]", entry)
    if "outcomes" in values:
        return _outcomes_task(values, path, files)
    prompts = shared | read_prompts(values.get("prompts", {}), (*path, "prompts"), files)
    for key in ("problems", "verifier"):
        if key not in values:
            files.faults.add(path, f"task '{values['name']}' has no {key}; write {key}: or outcomes: FILE")
    problems = _problems(values, path, files) if "problems" in values else ()
    verifier = None
    if "verifier" in values:
        verifier = resolve_verifier(values["verifier"], (*path, "verifier"), verifiers, files)
    select = read_select(values.get("select"), (*path, "select"), verifiers, files)
    train, held_out = _split(values, problems, path, files)
    task = Task(
        name=values["name"],
        train=train,
        held_out=held_out,
        group=_held_out(values)[1],
        fields=_fields(values),
        prompts={},
        verifier=verifier,
        outcomes=None,
        place=files.faults.document.key(path),
        select=select,
    )
    return TaskDraft(_planned(task, values, path, files.faults), prompts, path)


def _split(
    values: Mapping[str, Any], problems: Sequence[Problem], path: KeyPath, files: Files
) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Return the training and the held-out problems."""
    share, group = _held_out(values)
    train, held_out = split_problems(problems, share, group)
    at = (*path, "held_out")
    if problems and share and not (train and held_out):
        side = "training" if held_out else "held-out"
        groups = len({str(group_of(problem, group)) for problem in problems})
        among = f"{len(problems)}" if group is None else f"{len(problems)} in {groups} groups"
        what = "add problems, or write another share or field"
        files.faults.add(at, f"leaves no {side} problem of {among}; {what}")
    twins = find_twins(train, held_out, _fields(values).id)
    if twins:
        ids = f"training problem '{twins[0].id}' and held-out problem '{twins[1].id}'"
        files.faults.add(
            at, f"{ids} are the same but for their ids; remove one, so that nothing seen is proof"
        )
    return train, held_out


def _outcomes_task(values: Mapping[str, Any], path: KeyPath, files: Files) -> TaskDraft | None:
    if "select" in values:
        files.faults.add_at_key(
            (*path, "select"),
            "an outcomes file has no answers to choose from; remove one of the two",
        )
    for key in _LIKE_PROBLEMS:
        if key in values:
            files.faults.add_at_key(
                (*path, key), "outcomes: stands for problems and samples; remove one of the two"
            )
    found = files.find(values["outcomes"], (*path, "outcomes"))
    if found is None:
        return None
    place = files.faults.document.key(path)
    share, group = _held_out(values)
    task = Task(values["name"], (), (), group, ProblemFields(), {}, None, found, place, share=share)
    return TaskDraft(_planned(task, values, path, files.faults), {}, path)


def _planned(task: Task, values: Mapping[str, Any], path: KeyPath, faults: Faults) -> Task:
    """Return a task with what the spec says of how to plan it."""
    volume = values.get("volume")
    volumes = volume if isinstance(volume, Mapping) else {}
    if volumes and "strata" not in values:
        faults.add_at_key((*path, "volume"), "is by value, but of which field? Add strata: FIELD")
    return replace(
        task,
        volume=sum(volumes.values()) if volumes else None if volume is None else float(volume),
        strata=values.get("strata"),
        volumes={name: float(number) for name, number in volumes.items()},
        weight=float(values.get("weight", 1.0)),
        budget=read_budget(values.get("budget"), (*path, "budget"), faults),
    )


def _held_out(values: Mapping[str, Any]) -> tuple[float, str | None]:
    held_out = values.get("held_out", 0.0)
    if isinstance(held_out, Mapping):
        return float(held_out["share"]), held_out.get("by")
    return float(held_out), None


def _fields(values: Mapping[str, Any]) -> ProblemFields:
    problems = values.get("problems", {})
    group = _held_out(values)[1]
    strata = values.get("strata")
    tags = [*problems.get("tags", ()), *([group] if group else []), *([strata] if strata else [])]
    return ProblemFields(
        id=problems.get("id", "id"),
        reference=values.get("reference", "answer"),
        tags=tuple(dict.fromkeys(tags)),
    )


def _problems(values: Mapping[str, Any], path: KeyPath, files: Files) -> tuple[Problem, ...]:
    """Return the problems of a task; none after a fault."""
    try:
        rows = _rows(values["problems"], (*path, "problems"), files)
        if not _has_fields(values, rows, path, files):
            return ()
        if "strata" in values:
            check_strata(values, rows, _held_out(values)[1], path, files.faults)
        return make_problems(values["name"], rows, _fields(values), needs_reference="reference" in values)
    except SpecError as error:
        files.faults.add_all(error.faults)
        return ()


def _rows(source: Mapping[str, Any], path: KeyPath, files: Files) -> list[Row]:
    """Return the problems that a source has, its fields renamed and filtered as it says."""
    rows = [_renamed(row, source.get("fields", {})) for row in _every_row(source, path, files)]
    where = source.get("where", {})
    known = dict.fromkeys(name for row in rows for name in row.fields)
    wrong = [field for field in where if rows and field not in known]
    for field in wrong:
        hint = did_you_mean(field, known) or f" (fields: {', '.join(known)})"
        files.faults.add_at_key((*path, "where", field), f"no problem has a field '{field}'{hint}")
    kept = [row for row in rows if wrong or matches(row.fields, where)]
    if rows and not kept:
        files.faults.add((*path, "where"), f"none of {len(rows)} problems is left; correct the filter")
    return kept


def _renamed(row: Row, names: Mapping[str, str]) -> Row:
    """Return a row with further fields: each a copy of the one that it is named for."""
    copies = {new: row.fields[old] for new, old in names.items() if old in row.fields}
    return replace(row, fields={**row.fields, **copies}) if copies else row


def _every_row(source: Mapping[str, Any], path: KeyPath, files: Files) -> list[Row]:
    kind = source["source"]
    if kind == "inline":
        return _inline_rows(source["items"], path, files)
    return _text_rows(source, path, files) if kind in {"jsonl", "csv"} else _other_rows(source, path, files)


def _inline_rows(items: Sequence[Mapping[str, Any]], path: KeyPath, files: Files) -> list[Row]:
    document = files.faults.document
    at = [(*path, "items", index) for index in range(len(items))]
    return [
        Row(document.file, document.key(here), path_text(here), item)
        for here, item in zip(at, items, strict=True)
    ]


def _other_rows(source: Mapping[str, Any], path: KeyPath, files: Files) -> list[Row]:
    document = files.faults.document
    place = document.key(path)
    try:
        found = list(rows_of(source, lambda text: files.find(text, (*path, "path"))))
    except UsageError as error:
        files.faults.add(path, str(error))
        return []
    return [
        Row(document.file, place, f"{path_text(path)}[{number}]", row) for number, row in enumerate(found)
    ]


def _text_rows(source: Mapping[str, Any], path: KeyPath, files: Files) -> list[Row]:
    found = files.find(source["path"], (*path, "path"))
    if found is None:
        return []
    try:
        rows = read_rows(found, source["source"])
    except SpecError:
        raise
    except UsageError as error:
        files.faults.add((*path, "path"), str(error))
        return []
    if not rows:
        files.faults.add((*path, "path"), f"{found} holds no problems; add some, or correct the path")
    return rows


def _has_fields(values: Mapping[str, Any], rows: Sequence[Row], path: KeyPath, files: Files) -> bool:
    """Tell whether the fields that a task names are there: a field that no problem has is a wrong name.

    The field that problems are held out by must be in each of them.
    """
    names = dict.fromkeys(name for row in rows for name in row.fields)
    group, complete = _held_out(values)[1], True
    for at, field in _named_fields(values, path):
        without = next((row for row in rows if field not in row.fields), None)
        if without is None or (field in names and field != group):
            continue
        who = (
            f"the problem at {without.file}:{without.place.line} has no"
            if field in names
            else "no problem has a"
        )
        hint = did_you_mean(field, names.keys() - {field}) or f" (fields: {', '.join(names)})"
        files.faults.add(at, f"{who} field '{field}'{hint}")
        complete = False
    return complete


def _named_fields(values: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Yield the names of fields that a task writes, with their places."""
    problems, group = values["problems"], _held_out(values)[1]
    yield (*path, "problems", "id"), problems.get("id", "id")
    for index, tag in enumerate(problems.get("tags", ())):
        yield (*path, "problems", "tags", index), tag
    if "reference" in values:
        yield (*path, "reference"), values["reference"]
    if group is not None:
        yield (*path, "held_out", "by"), group
    if "strata" in values:
        yield (*path, "strata"), values["strata"]
