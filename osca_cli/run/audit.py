"""Audits a verifier: does it pass what is right, and fail what is wrong?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from osca_cli.errors import UsageError
from osca_cli.estimate.intervals import share_interval
from osca_cli.identity import digest
from osca_cli.model import Check, Json, Problem, Verdict
from osca_cli.run.concurrency import for_each
from osca_cli.run.readiness import make_ready
from osca_cli.run.session import VERIFY_TIME_LIMIT_S
from osca_cli.run.verification import Verification
from osca_cli.spec.problems import read_rows
from osca_cli.spec.types import Spec, Task
from osca_cli.spec.verifiers import make_verifier

ANOTHER = "the answer to another problem"
LABELLED = "labelled"


@dataclass(frozen=True, slots=True)
class Text:
    """A text whose verdict is known beforehand.

    Attributes:
        kind: What sort of text it is.
        right: Whether a right verifier passes it.
    """

    problem: Problem
    text: str
    kind: str
    right: bool


@dataclass(frozen=True, slots=True)
class Audited:
    """What a verifier said of a text."""

    text: Text
    verdict: Verdict

    @property
    def wrong(self) -> bool:
        """Whether the verdict is not the one that it should be; an error is."""
        return self.verdict.passed is not self.text.right


def planted(task: Task, problems: Sequence[Problem], template: str) -> Iterator[Text]:
    """Yield the reference of each problem as a model's text, and wrong texts in its place.

    Wrong are the reference of another problem that has another one, nothing, and a refusal.

    Args:
        task: The task.
        problems: Which of its problems.
        template: A Jinja2 template that writes a reference as a model would, such as
            ``"Answer: {{ reference }}"``; it knows the problem's fields too.

    Raises:
        UsageError: the template is none, or uses what a problem lacks; or no problem has a reference.
    """
    known = [problem for problem in problems if problem.reference is not None]
    if not known:
        raise UsageError(
            f"task '{task.name}' has no references to audit its verifier with; give --labels FILE"
        )
    write = _writer(template)
    for problem, other in zip(known, _others(known), strict=True):
        yield Text(problem, write(problem, problem.reference), "the reference", right=True)
        if other is not None:
            yield Text(problem, write(problem, other.reference), ANOTHER, right=False)
        yield Text(problem, "", "nothing", right=False)
        yield Text(problem, "I am sorry, I cannot answer this.", "a refusal", right=False)


def labelled(task: Task, problems: Sequence[Problem], path: Path) -> Iterator[Text]:
    """Yield texts that people have judged: lines of ``{problem, text, passed}``.

    Raises:
        SpecError: what is no JSON, each at its line.
        UsageError: a line is not one of these, or names no problem of the task; or the file cannot be read.
    """
    known = {problem.id: problem for problem in problems}
    for row in read_rows(path, "jsonl"):
        fields = row.fields
        if fields.get("task", task.name) != task.name:
            continue
        problem, text, passed = (
            known.get(str(fields.get("problem"))),
            fields.get("text"),
            fields.get("passed"),
        )
        if problem is None or not isinstance(text, str) or not isinstance(passed, bool):
            raise UsageError(
                f"{path}:{row.place.line}:{row.place.column}: needs a problem of task '{task.name}', a text,"
                " and passed: true or false"
            )
        yield Text(problem, text, LABELLED, right=passed)


def audit(spec: Spec, task: Task, texts: Iterable[Text]) -> list[Audited]:
    """Return what the task's verifier says of each text, judged as in a run: in worker processes, timed.

    Raises:
        UsageError: a problem lacks what the verifier reads, or the task has no verifier.
    """
    if task.verifier is None:
        raise UsageError(f"task '{task.name}' has no verifier to audit")
    make_ready([task])
    verifier, settings = make_verifier(task.verifier), task.verifier
    variables = spec.configurations_of(task.name)[0].variables

    def check_of(problem: Problem) -> Check:
        given = verifier.reads(problem, variables)
        return Check(settings.type, verifier.version, settings.settings, given, settings.time_limit_s)

    return anyio.run(_judge, [(text, check_of(text.problem)) for text in texts], spec.path.parent)


def false_accepts(audited: Sequence[Audited]) -> tuple[int, int, float]:
    """Return how many wrong texts were accepted, of how many, and at most which share that allows.

    The limit is the upper end of the exact 95% interval. An error of the verifier is no verdict.
    """
    judged = [one for one in audited if not one.text.right and one.verdict.passed is not None]
    wrong = sum(one.wrong for one in judged)
    return wrong, len(judged), share_interval(wrong, len(judged))[1][1]


async def _judge(work: Sequence[tuple[Text, Check]], folder: Path) -> list[Audited]:
    workers = os.cpu_count() or 1
    found: list[Audited | None] = [None] * len(work)
    async with Verification(workers, VERIFY_TIME_LIMIT_S, folder) as verification:

        async def judge(item: tuple[int, tuple[Text, Check]]) -> None:
            number, (text, check) = item
            found[number] = Audited(text, await verification.verify(check, text.text))

        await for_each(iter(enumerate(work)), judge, at_once=2 * workers, stopping=anyio.Event())
    return [one for one in found if one is not None]


def _others(problems: Sequence[Problem]) -> list[Problem | None]:
    """Return, for each problem, the next one in the order of their hashes that has another reference."""
    order = sorted(problems, key=lambda problem: digest(problem.id))
    spelled = [digest(problem.reference) for problem in order]
    found: dict[str, Problem | None] = {}
    for place, problem in enumerate(order):
        around = (*range(place + 1, len(order)), *range(place))
        other = next((at for at in around if spelled[at] != spelled[place]), None)
        found[problem.id] = None if other is None else order[other]
    return [found[problem.id] for problem in problems]


def _writer(source: str) -> Callable[[Problem, Json], str]:
    try:
        template = SandboxedEnvironment(undefined=StrictUndefined).from_string(source)
    except TemplateError as error:
        raise UsageError(f"--write: '{source}' is not a Jinja2 template: {error}") from None

    def write(problem: Problem, reference: Json) -> str:
        try:
            return template.render({**problem.fields, "reference": reference})
        except TemplateError as error:
            raise UsageError(f"--write: problem '{problem.id}': {error}") from None

    return write
