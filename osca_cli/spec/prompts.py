"""Prompts: Jinja2 over a problem's fields and a configuration's variables.

Templates come with specs that others wrote, so they are rendered in Jinja2's sandbox. A field that is not
there is an error and never an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import jinja2
from jinja2 import meta
from jinja2.sandbox import SandboxedEnvironment

from osca_cli.errors import UsageError
from osca_cli.model import Chat, Completion, Json, Message, Problem, Prompt
from osca_cli.registry import did_you_mean
from osca_cli.spec.types import ChatTemplate, CompletionTemplate, Configuration, Template

_ENVIRONMENT = SandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,  # prompts are not HTML
)

# What a template may raise besides Jinja2's own errors: it computes with values that it does not know.
_FAILURES = (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def render(template: Template, problem: Problem, configuration: Configuration) -> Prompt:
    """Return what is sent for a problem.

    A template sees the problem's fields and the configuration's variables by name (a variable goes before a
    field of the same name), and ``problem``: the fields with the ``id``, for names that Jinja2 cannot write.

    Raises:
        UsageError: the template cannot be rendered; the message names prompt, problem and its fields.
    """
    names = _names(problem, configuration.variables)
    try:
        if isinstance(template, CompletionTemplate):
            return Completion(_compiled(template.source).render(names))
        messages = [Message(role, _compiled(source).render(names)) for role, source in template.messages]
    except _FAILURES as error:
        raise UsageError(_failure(error, problem, configuration)) from None
    return Chat(_with_system(messages, configuration.system))


def syntax_error(source: str) -> str | None:
    """Return what is wrong with a template's syntax, or nothing."""
    try:
        _compiled(source)
    except jinja2.TemplateSyntaxError as error:
        return f"line {error.lineno} of the template: {error.message}"
    return None


def names_used(template: Template) -> frozenset[str]:
    """Return the names that a template looks up, whether or not it has defaults for them."""
    return frozenset().union(*(_names_in(source) for source in sources(template)))


def sources(template: Template) -> tuple[str, ...]:
    """Return the Jinja2 texts of a template."""
    if isinstance(template, ChatTemplate):
        return tuple(source for _, source in template.messages)
    return (template.source,)


@lru_cache(maxsize=1024)
def _compiled(source: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(source)


@lru_cache(maxsize=1024)
def _names_in(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(source)))


def _names(problem: Problem, variables: Mapping[str, Json]) -> dict[str, Json]:
    return {"problem": {**problem.fields, "id": problem.id}, **problem.fields, **variables}


def _with_system(messages: list[Message], system: str | None) -> tuple[Message, ...]:
    if system is None:
        return tuple(messages)
    if messages and messages[0].role == "system":
        return (Message("system", f"{system}\n\n{messages[0].content}"), *messages[1:])
    return (Message("system", system), *messages)


def _failure(error: Exception, problem: Problem, configuration: Configuration) -> str:
    where = f"prompt '{configuration.prompt}', problem '{problem.id}' of task '{problem.task}'"
    known = sorted({*problem.fields, *configuration.variables})
    undefined = re.match(r"'(\w+)' is undefined", str(error))
    if undefined is None:
        return f"{where}: {error}; change the template"
    hint = did_you_mean(undefined[1], known) or "; change the template"
    return f"{where}: no field or variable '{undefined[1]}'{hint} (there are: {', '.join(known)})"
