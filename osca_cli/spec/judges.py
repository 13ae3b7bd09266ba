"""Judges: models that grade samples.

What a judge is asked is a task of its own, so that it is drawn, kept and paid for like everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from osca_cli.identity import digest
from osca_cli.model import Json, Problem
from osca_cli.spec.backends import Backends
from osca_cli.spec.grid import PARAMETERS
from osca_cli.spec.prompts import sources, syntax_error
from osca_cli.spec.tasks import TaskDraft
from osca_cli.spec.types import (
    ChatTemplate,
    CompletionTemplate,
    Configuration,
    ProblemFields,
    Spec,
    Task,
    Template,
    VerifierSettings,
)
from osca_cli.spec.yaml12 import KeyPath

JUDGE = "judge"
ACCEPTOR = "acceptor"
_PROMPT = "judge"
_GRADE: Mapping[str, Json] = {"extract": {"regex": r"(?i)\b(pass|fail)\b"}, "ignore_case": True}


def with_judge(draft: TaskDraft, backends: Backends) -> TaskDraft:
    """Return a task with the configurations of its judges: of its verifier, and of what accepts."""
    task, path = draft.task, draft.path
    if task.verifier is not None and task.verifier.type == JUDGE:
        judge = _configuration(task, JUDGE, task.verifier, (*path, "verifier"), backends)
        task = replace(task, judge=judge)
    if task.select is not None and task.select.verifier.type == JUDGE:
        judge = _configuration(task, ACCEPTOR, task.select.verifier, (*path, "select", "by"), backends)
        task = replace(task, select=replace(task.select, judge=judge))
    return replace(draft, task=task)


def _configuration(
    task: Task, role: str, verifier: VerifierSettings, path: KeyPath, backends: Backends
) -> Configuration | None:
    settings = cast("dict[str, Any]", dict(verifier.settings))
    name, slash, model = str(settings["model"]).partition("/")
    if not slash or not model:
        backends.faults.add(path, f"the judge's model '{settings['model']}' is not BACKEND/MODEL; write both")
        return None
    template = _template(settings)
    if wrong := next(filter(None, map(syntax_error, sources(template))), None):
        backends.faults.add(path, f"the judge's prompt is not a Jinja2 template: {wrong}")
        return None
    backend = backends.resolve(name, path)
    if backend is None:
        return None
    backends.check_prompt(backend, template, (*path, "prompt"))
    parameters = {key: value for key, value in settings.items() if key in PARAMETERS}
    backends.check_parameters(backend, dict.fromkeys(parameters, path), f"{role} of {task.name}")
    return Configuration(
        name=f"{role} of {task.name}",
        backend=backend.name,
        model=model,
        prompt=_PROMPT,
        parameters=parameters,
        extra={},
        variables={},
        system=None,
        tasks=(f"{task.name}/{role}",),
        max_samples=None,
        deterministic=None,
        revision=None,
        place=verifier.place,
    )


def judges(spec: Spec) -> Iterator[Configuration]:
    """Yield the configuration of each judge of a spec, of those included that accept in production."""
    for task in spec.tasks:
        yield from (one.judge for one in (task, task.select) if one is not None and one.judge is not None)


def samples_of(task: Task) -> int:
    """Return how many samples a judge gives each text."""
    return 0 if task.verifier is None else int(str(task.verifier.settings.get("samples", 1)))


def judging_task(task: Task) -> Task:
    """Return what a judge is asked, as a task: its problems are texts, its verifier reads PASS or FAIL."""
    if task.verifier is None:  # pragma: no cover - only a task with a judge is asked for
        raise ValueError(task.name)
    return Task(
        name=_task_name(task),
        train=(),
        held_out=(),
        group=None,
        fields=ProblemFields(),
        prompts={_PROMPT: _template(task.verifier.settings)},
        verifier=VerifierSettings("exact", _GRADE, task.verifier.place),
        outcomes=None,
        place=task.place,
    )


def to_judge(task: Task, problem: Problem, variables: dict[str, Json], response: str) -> Problem:
    """Return a text as a problem for the judge: the fields that its prompt sees, and what it should find."""
    fields = {**problem.fields, **variables, "reference": problem.reference, "response": response}
    return Problem(
        task=_task_name(task),
        id=f"{problem.id}/{digest(response)[:12]}",
        fields=fields,
        reference="pass",
    )


def _template(settings: Mapping[str, Json]) -> Template:
    prompt = settings["prompt"]
    if isinstance(prompt, Mapping):
        return CompletionTemplate(str(prompt["completion"]))
    return ChatTemplate((("user", str(prompt)),))


def _task_name(task: Task) -> str:
    if task.judge is None:  # pragma: no cover - a spec with such a task does not load
        raise ValueError(task.name)
    return task.judge.tasks[0]
