"""From a spec to what is asked: the request that each configuration makes of each problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osca_cli.errors import UsageError
from osca_cli.identity import digest, request_hash, request_identity
from osca_cli.model import Chat, Check, Json, Problem, Prompt, Request
from osca_cli.registry import verifier_class
from osca_cli.spec.prompts import render
from osca_cli.spec.types import Configuration, Spec, Task

if TYPE_CHECKING:
    from osca_cli.protocols import Backend, Verifier


@dataclass(frozen=True, slots=True)
class Cell:
    """A configuration on a problem: what it asks, and how its samples are verified.

    Attributes:
        deterministic: Whether every sample of it is the same, so that one is enough.
    """

    problem: Problem
    configuration: Configuration
    request: Request
    check: Check
    request_id: str
    check_id: str
    problem_id: str
    configuration_id: str
    deterministic: bool

    @property
    def body(self) -> Mapping[str, Json]:
        """The request as identity hashes it."""
        return request_identity(self.request)

    @property
    def definition(self) -> Mapping[str, Json]:
        """The configuration as the pool records it."""
        return definition(self.configuration)


class CellMaker:
    """Makes the cells of a spec, each request rendered once.

    Args:
        spec: The spec.
        backends: The spec's backends, by name.
    """

    def __init__(self, spec: Spec, backends: Mapping[str, Backend]) -> None:
        self._spec = spec
        self._backends = backends
        self._models: dict[tuple[str, str], str] = {}
        self._verifiers: dict[str, tuple[Verifier, str, Mapping[str, Json]]] = {}

    def cells(
        self, task: Task, problems: Iterable[Problem], configurations: Sequence[Configuration]
    ) -> Iterator[Cell]:
        """Yield the cells of a task, problem by problem, lazily."""
        ids = {configuration.name: digest(definition(configuration)) for configuration in configurations}
        for problem in problems:
            problem_id = digest({"task": problem.task, "id": problem.id, "fields": problem.fields})
            for configuration in configurations:
                yield self._cell(task, problem, configuration, problem_id, ids[configuration.name])

    def _cell(
        self, task: Task, problem: Problem, configuration: Configuration, problem_id: str, name_id: str
    ) -> Cell:
        request = self._request(task, problem, configuration)
        check = self._check(task, problem, configuration)
        return Cell(
            problem=problem,
            configuration=configuration,
            request=request,
            check=check,
            request_id=request_hash(request),
            check_id=digest(
                {
                    "type": check.type,
                    "version": check.version,
                    "settings": check.settings,
                    "given": check.given,
                }
            ),
            problem_id=problem_id,
            configuration_id=name_id,
            deterministic=self.deterministic(configuration),
        )

    def deterministic(self, configuration: Configuration) -> bool:
        """Return whether every sample of a configuration is the same."""
        if configuration.deterministic is not None:
            return configuration.deterministic
        backend = self._backends[configuration.backend]
        return backend.deterministic_at_zero and configuration.parameters.get("temperature") == 0

    def _request(self, task: Task, problem: Problem, configuration: Configuration) -> Request:
        backend = self._backends[configuration.backend]
        prompt = render(task.prompts[configuration.prompt], problem, configuration)
        _refuse_wrong_kind(prompt, backend, configuration)
        return Request(
            provider=self._spec.backends[configuration.backend].provider,
            model=self._identify(configuration),
            prompt=prompt,
            parameters=backend.sent(configuration.parameters),
            extra=configuration.extra,
            revision=configuration.revision,
        )

    def _identify(self, configuration: Configuration) -> str:
        place = (configuration.backend, configuration.model)
        if place not in self._models:
            self._models[place] = self._backends[configuration.backend].identify(configuration.model)
        return self._models[place]

    def _check(self, task: Task, problem: Problem, configuration: Configuration) -> Check:
        if task.verifier is None:
            raise UsageError(f"task '{task.name}' has no verifier; it can be planned, not run")
        if task.name not in self._verifiers:
            kind = verifier_class(task.verifier.type)
            self._verifiers[task.name] = (
                kind(task.verifier.settings),
                task.verifier.type,
                task.verifier.settings,
            )
        verifier, type_name, settings = self._verifiers[task.name]
        given = verifier.reads(problem, configuration.variables)
        return Check(type=type_name, version=verifier.version, settings=settings, given=given)


def _refuse_wrong_kind(prompt: Prompt, backend: Backend, configuration: Configuration) -> None:
    kind = "chat" if isinstance(prompt, Chat) else "completion"
    if kind not in backend.prompts:
        raise UsageError(
            f"configuration '{configuration.name}': backend '{configuration.backend}' takes no {kind} prompt"
        )


def definition(configuration: Configuration) -> dict[str, Json]:
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
