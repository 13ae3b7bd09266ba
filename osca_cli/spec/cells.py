"""From a spec to what is asked: the request that each configuration makes of each problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from osca_cli.errors import UsageError
from osca_cli.identity import around_prompt, between, canonical_json, digest, prompt_identity, text_digest
from osca_cli.model import Chat, Check, Json, Problem, Prompt, Request
from osca_cli.registry import verifier_class
from osca_cli.spec.blame import blaming
from osca_cli.spec.prices import Price, price_of
from osca_cli.spec.prompts import render
from osca_cli.spec.types import ChatTemplate, Configuration, Spec, Task, Template, VerifierSettings

if TYPE_CHECKING:
    from osca_cli.protocols import Backend, Verifier

_NO_PROMPT = Chat(())

_PromptId: TypeAlias = "tuple[str | None, str, str | None]"


@dataclass(frozen=True, slots=True)
class Cell:
    """A configuration on a problem: what it asks, and how its samples are verified.

    Attributes:
        body: The request in canonical JSON, as identity hashes it.
        definition: The configuration in canonical JSON, as the pool records it.
        deterministic: Whether every sample of it is the same, so that one is enough.
        accepting: The same with the check of what accepts in production, where that is another one.
        accepts: Whether this is that one: its verdicts say what is accepted, not what is right.
    """

    problem: Problem
    configuration: Configuration
    request: Request
    check: Check
    body: str
    definition: str
    request_id: str
    check_id: str
    problem_id: str
    configuration_id: str
    deterministic: bool
    accepting: Cell | None = None
    accepts: bool = False

    @property
    def checks(self) -> tuple[Cell, ...]:
        """The cell, and the one with the check of what accepts, if there is one."""
        return (self,) if self.accepting is None else (self, self.accepting)

    @property
    def deciding(self) -> Cell:
        """The cell whose verdicts decide where production stops."""
        return self.accepting or self


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all cells of a configuration have in common.

    Attributes:
        request: With an empty prompt.
        before: What its identity is made of before the prompt, in canonical JSON.
        after: The same after the prompt.
        variables: In canonical JSON: what is read of a problem is the same for equal ones.
        prompt: Equal where two configurations render the same prompt of a problem.
        reads_problem: Whether the request holds the problem itself.
    """

    configuration: Configuration
    template: Template
    request: Request
    before: str
    after: str
    variables: str
    prompt: _PromptId
    reads_problem: bool
    definition: str
    id: str
    deterministic: bool


class _Reader(NamedTuple):
    """A verifier that tells what its verdicts depend on, with its settings."""

    verifier: Verifier
    settings: VerifierSettings


class _Asked(NamedTuple):
    """A configuration's request of a problem, its canonical JSON, and its checks with their ids."""

    frame: _Frame
    prompt: Prompt
    body: str
    checks: tuple[tuple[Check, str], ...]


class CellMaker:
    """Makes the cells of a spec; what several cells have in common is rendered, read and spelled once.

    Args:
        spec: The spec.
        backends: The spec's backends, by name.
    """

    def __init__(self, spec: Spec, backends: Mapping[str, Backend]) -> None:
        self._spec = spec
        self._backends = backends
        self._models: dict[tuple[str, str], str] = {}
        self._prices: dict[tuple[str, str], Price | None] = {}

    def cells(
        self, task: Task, problems: Iterable[Problem], configurations: Sequence[Configuration]
    ) -> Iterator[Cell]:
        """Yield the cells of a task, problem by problem, lazily.

        Raises:
            UsageError: a prompt cannot be rendered, or a problem lacks what the verifier reads.
            UnavailableError: a model cannot be had.
        """
        frames = [self._frame(task, configuration) for configuration in configurations]
        readers = _readers(task)
        for problem in problems:
            problem_id = digest({"task": problem.task, "id": problem.id, "fields": problem.fields})
            for asked in self._asked(problem, frames, readers):
                yield _cell(problem, problem_id, asked)

    def ids(
        self, task: Task, problems: Iterable[Problem], configurations: Sequence[Configuration]
    ) -> Iterator[tuple[str, str]]:
        """Yield the ids of the request and the check of each cell alone, in the order of :meth:`cells`."""
        frames = [self._frame(task, configuration) for configuration in configurations]
        readers = _readers(task)
        for problem in problems:
            for asked in self._asked(problem, frames, readers):
                yield text_digest(asked.body), asked.checks[0][1]

    def deterministic(self, configuration: Configuration) -> bool:
        """Return whether every sample of a configuration is the same."""
        if configuration.deterministic is not None:
            return configuration.deterministic
        backend = self._backends[configuration.backend]
        return backend.deterministic_at_zero and configuration.parameters.get("temperature") == 0

    def price(self, configuration: Configuration, *, pilot: bool = False) -> Price | None:
        """Return what a configuration's samples cost today, or ``None`` where nobody knows.

        Args:
            configuration: The configuration.
            pilot: Whether they are drawn without stopping: by batches, where its backend's entry says so.
        """
        place = (configuration.backend, configuration.model)
        if place not in self._prices:
            backend: Any = self._backends[configuration.backend]
            # What a program does is as little known as what somebody else's machine costs.
            hosted = getattr(backend, "hosted", False) or getattr(backend, "reads_problem", False)
            entry = self._spec.backends[configuration.backend]
            self._prices[place] = price_of(entry, configuration.model, hosted=hosted)
        price = self._prices[place]
        batched = pilot and self._spec.backends[configuration.backend].batch
        return price.in_batch() if price is not None and batched else price

    @staticmethod
    def _asked(problem: Problem, frames: Sequence[_Frame], readers: Sequence[_Reader]) -> Iterator[_Asked]:
        prompts: dict[_PromptId, tuple[Prompt, str]] = {}
        given = canonical_json(_given(problem)) if any(frame.reads_problem for frame in frames) else None
        checks: dict[str, tuple[tuple[Check, str], ...]] = {}
        for frame in frames:
            if frame.prompt not in prompts:
                prompt = render(frame.template, problem, frame.configuration)
                prompts[frame.prompt] = prompt, canonical_json(prompt_identity(prompt))
            if frame.variables not in checks:
                variables = frame.configuration.variables
                checks[frame.variables] = tuple(_check(reader, problem, variables) for reader in readers)
            prompt, spelled = prompts[frame.prompt]
            middle = between(given if frame.reads_problem else None, spelled)
            yield _Asked(frame, prompt, frame.before + middle + frame.after, checks[frame.variables])

    def _frame(self, task: Task, configuration: Configuration) -> _Frame:
        backend = self._backends[configuration.backend]
        template = task.template(configuration.prompt)
        reads_problem = getattr(backend, "reads_problem", False)
        _refuse_wrong_kind(template, backend, configuration)
        entry = self._spec.backends[configuration.backend]
        with blaming(entry):
            sent = backend.sent(configuration.parameters)
        request = Request(
            provider=entry.provider,
            model=self._identify(configuration),
            prompt=_NO_PROMPT,
            parameters=sent,
            extra=configuration.extra,
            revision=configuration.revision,
            logprobs=configuration.logprobs,
            problem={} if reads_problem else None,
            variables=configuration.variables if reads_problem else {},
        )
        before, after = around_prompt(request)
        variables = canonical_json(configuration.variables)
        definition = canonical_json(definition_of(configuration))
        return _Frame(
            configuration=configuration,
            template=template,
            request=request,
            before=before,
            after=after,
            variables=variables,
            prompt=(configuration.prompt, variables, configuration.system),
            reads_problem=reads_problem,
            definition=definition,
            id=text_digest(definition),
            deterministic=self.deterministic(configuration),
        )

    def _identify(self, configuration: Configuration) -> str:
        place = (configuration.backend, configuration.model)
        if place not in self._models:
            with blaming(self._spec.backends[configuration.backend]):
                self._models[place] = self._backends[configuration.backend].identify(configuration.model)
        return self._models[place]


def _readers(task: Task) -> list[_Reader]:
    """Return the verifiers of a task: that of its verdicts, and what accepts where that is another one."""
    if task.verifier is None:
        raise UsageError(f"task '{task.name}' has no verifier; it can be planned, not run")
    every = [task.verifier] if task.select is None else [task.verifier, task.select.verifier]
    return [_Reader(verifier_class(one.type)(one.settings), one) for one in every]


def _check(reader: _Reader, problem: Problem, variables: Mapping[str, Json]) -> tuple[Check, str]:
    """Return what verdicts on a problem depend on, and its hash."""
    verifier, settings = reader
    given = verifier.reads(problem, variables)
    check = Check(settings.type, verifier.version, settings.settings, given, settings.time_limit_s)
    identity: dict[str, Json] = {
        "type": check.type,
        "version": check.version,
        "settings": check.settings,
        "given": check.given,
    }
    return check, digest(identity)


def _cell(problem: Problem, problem_id: str, asked: _Asked) -> Cell:
    frame, common = asked.frame, asked.frame.request
    (check, check_id), *others = asked.checks
    cell = Cell(
        problem=problem,
        configuration=frame.configuration,
        request=replace(
            common, prompt=asked.prompt, problem=_given(problem) if frame.reads_problem else None
        ),
        check=check,
        body=asked.body,
        definition=frame.definition,
        request_id=text_digest(asked.body),
        check_id=check_id,
        problem_id=problem_id,
        configuration_id=frame.id,
        deterministic=frame.deterministic,
    )
    for check, check_id in others:
        return replace(cell, accepting=replace(cell, check=check, check_id=check_id, accepts=True))
    return cell


def _given(problem: Problem) -> dict[str, Json]:
    """Return a problem as programs and prompts see it: its fields and its id."""
    return {**problem.fields, "id": problem.id}


def _refuse_wrong_kind(template: Template, backend: Backend, configuration: Configuration) -> None:
    kind = "chat" if isinstance(template, ChatTemplate) else "completion"
    if kind not in backend.prompts:
        raise UsageError(
            f"configuration '{configuration.name}': backend '{configuration.backend}' takes no {kind} prompt"
        )


def definition_of(configuration: Configuration) -> dict[str, Json]:
    """Return a configuration as the pool records it, and as plans tell whether it has changed."""
    return {
        "name": configuration.name,
        "model": f"{configuration.backend}/{configuration.model}",
        "prompt": configuration.prompt,
        "parameters": configuration.parameters,
        "system": configuration.system,
        "extra": configuration.extra,
        "vars": configuration.variables,
        "revision": configuration.revision,
    }
