"""Tries, before anything is drawn, whether each prompt can be rendered and each answer verified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from osca_cli.errors import UsageError
from osca_cli.identity import canonical_json
from osca_cli.model import Problem
from osca_cli.spec.backends import Backends
from osca_cli.spec.faults import Faults
from osca_cli.spec.prompts import names_used, render
from osca_cli.spec.select import unselectable
from osca_cli.spec.tasks import TaskDraft
from osca_cli.spec.templates import Placed, Prompts
from osca_cli.spec.types import CompletionTemplate, Configuration, Template
from osca_cli.spec.verifiers import unverifiable


def rehearse(
    draft: TaskDraft,
    configurations: Sequence[Configuration],
    inline: Prompts,
    backends: Backends,
) -> None:
    """Add what would go wrong while a task is run with its configurations.

    Every prompt is rendered with every set of variables on the first problem, and on one problem for each
    further combination of the fields that it uses. So a field that any problem lacks is found, at the price
    of a few renderings.
    """
    faults, task, path = backends.faults, draft.task, draft.path
    problems = (*task.train, *task.held_out)
    if not configurations and problems:
        faults.add(path, f"no configuration applies to task '{task.name}'; add one to configurations:")
    typical: dict[str, list[Problem]] = {}
    rendered: set[str] = set()
    lacking: set[str] = set()
    for configuration in configurations:
        if configuration.prompt is None:
            continue
        placed = (draft.prompts | inline).get(configuration.prompt)
        if placed is None and configuration.prompt not in lacking:
            lacking.add(configuration.prompt)
            message = (
                f"has no prompt '{configuration.prompt}', which configuration '{configuration.name}' uses"
            )
            faults.add(path, f"task '{task.name}' {message}; add it to the task's prompts:")
        if placed is None or placed.template is None:
            continue
        _check_kind(configuration, placed, backends)
        key = canonical_json([configuration.prompt, configuration.variables])
        if key not in rendered:
            rendered.add(key)
            if configuration.prompt not in typical:
                typical[configuration.prompt] = _typical(placed.template, problems)
            _check_rendering(configuration, placed, placed.template, typical[configuration.prompt], backends)
    _check_verdicts(draft, configurations, faults)


def _check_verdicts(draft: TaskDraft, configurations: Sequence[Configuration], faults: Faults) -> None:
    """Add what the verifier, or what accepts, misses in the problems or may not read of them."""
    task, path = draft.task, draft.path
    if task.verifier is not None and configurations:
        problems = (*task.train, *task.held_out)
        if missing := unverifiable(task.verifier, problems, configurations[0].variables):
            faults.add((*path, "verifier"), missing)
    if wrong := unselectable(task, (one.variables for one in configurations)):
        faults.add((*path, "select", "by"), wrong)


def _check_kind(configuration: Configuration, placed: Placed, backends: Backends) -> None:
    backend = backends.known.get(configuration.backend)
    if backend is None or placed.template is None:
        return
    backends.check_prompt(backend, placed.template, placed.path)
    if configuration.system is not None and isinstance(placed.template, CompletionTemplate):
        message = "a completion has no system message, but a configuration adds one; write it into the text"
        backends.faults.add(placed.path, message)


def _check_rendering(
    configuration: Configuration,
    placed: Placed,
    template: Template,
    problems: Iterable[Problem],
    backends: Backends,
) -> None:
    for problem in problems:
        try:
            render(template, problem, configuration)
        except UsageError as error:
            backends.faults.add(placed.path, str(error))


def _typical(template: Template, problems: Sequence[Problem]) -> list[Problem]:
    """Return one problem for each combination of the names in the template that problems have as fields."""
    names = names_used(template)
    found: dict[frozenset[str], Problem] = {}
    for problem in problems:
        found.setdefault(names.intersection(problem.fields), problem)
    return list(found.values())
