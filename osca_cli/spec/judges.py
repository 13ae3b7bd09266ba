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
from osca_cli.spec.prompts import syntax_error
from osca_cli.spec.tasks import TaskDraft
from osca_cli.spec.types import ChatTemplate, Configuration, ProblemFields, Spec, Task, VerifierSettings
from osca_cli.spec.yaml12 import KeyPath

JUDGE = "judge"
_PROMPT = "judge"
_GRADE: Mapping[str, Json] = {"extract": {"regex": r"(?i)\b(pass|fail)\b"}, "ignore_case": True}


def with_judge(draft: TaskDraft, backends: Backends) -> TaskDraft:
    """Return a task with the configuration of its judge, where its verifier is one."""
    verifier = draft.task.verifier
    if verifier is None or verifier.type != JUDGE:
        return draft
    path: KeyPath = (*draft.path, "verifier")
    judge = _configuration(draft.task, verifier, path, backends)
    return draft if judge is None else replace(draft, task=replace(draft.task, judge=judge))


def _configuration(
    task: Task, verifier: VerifierSettings, path: KeyPath, backends: Backends
) -> Configuration | None:
    settings = cast("dict[str, Any]", dict(verifier.settings))
    name, slash, model = str(settings["model"]).partition("/")
    if not slash or not model:
        backends.faults.add(path, f"the judge's model '{settings['model']}' is not BACKEND/MODEL; write both")
        return None
    if wrong := syntax_error(settings["prompt"]):
        backends.faults.add(path, f"the judge's prompt is not a Jinja2 template: {wrong}")
        return None
    backend = backends.resolve(name, path)
    if backend is None:
        return None
    parameters = {key: value for key, value in settings.items() if key in PARAMETERS}
    backends.check_parameters(backend, dict.fromkeys(parameters, path), f"judge of {task.name}")
    return Configuration(
        name=f"judge of {task.name}",
        backend=backend.name,
        model=model,
        prompt=_PROMPT,
        parameters=parameters,
        extra={},
        variables={},
        system=None,
        tasks=(_task_name(task),),
        max_samples=None,
        deterministic=None,
        revision=None,
        place=verifier.place,
    )


def judges(spec: Spec) -> Iterator[Configuration]:
    """Yield the configuration of each judge of a spec."""
    yield from (task.judge for task in spec.tasks if task.judge)


def samples_of(task: Task) -> int:
    """Return how many samples a judge gives each text."""
    return 0 if task.verifier is None else int(str(task.verifier.settings.get("samples", 1)))


def judging_task(task: Task) -> Task:
    """Return what a judge is asked, as a task: its problems are texts, its verifier reads PASS or FAIL."""
    if task.verifier is None:
        raise ValueError(task.name)
    prompt = str(task.verifier.settings["prompt"])
    return Task(
        name=_task_name(task),
        train=(),
        held_out=(),
        group=None,
        fields=ProblemFields(),
        prompts={_PROMPT: ChatTemplate((("user", prompt),))},
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


def _task_name(task: Task) -> str:
    return f"{task.name}/{JUDGE}"
