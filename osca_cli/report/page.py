"""A report as one HTML page: nothing is loaded, nothing runs that is not written here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from osca_cli import __version__
from osca_cli.report.answer import Answer, answer
from osca_cli.report.charts.words import amount, rate
from osca_cli.report.findings import Findings
from osca_cli.report.parts import Section
from osca_cli.report.reader import CHARACTERS, Reading
from osca_cli.report.sections.alone import alone_section
from osca_cli.report.sections.budgets import budgets_section
from osca_cli.report.sections.costs import costs_section, dearest_section
from osca_cli.report.sections.errors import errors_section
from osca_cli.report.sections.expected import expected_section
from osca_cli.report.sections.laws import laws_section
from osca_cli.report.sections.provenance import provenance_section
from osca_cli.report.sections.rates import rates_section
from osca_cli.report.text import visible
from osca_cli.spec.types import Spec

BUILDERS = (
    budgets_section,
    expected_section,
    rates_section,
    alone_section,
    laws_section,
    costs_section,
    dearest_section,
    errors_section,
)


@dataclass(frozen=True, slots=True)
class TaskPart:
    """A task's part of the page."""

    id: str
    name: str
    answers: tuple[Answer, ...]
    sections: tuple[Section, ...]
    reading: Reading | None


def report_html(spec: Spec, found: Sequence[Findings], *, title: str) -> str:
    """Return the page.

    Args:
        spec: The spec, or plan file.
        found: What was found of each task.
        title: What it is about.
    """
    parts = [_part(spec, one, f"t{at}") for at, one in enumerate(found, 1)]
    style, script = _asset("style.css"), _asset("script.js")
    policy = (
        "default-src 'none'; img-src data:;"
        f" style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    page = _environment().from_string(_asset("page.html"))
    return page.render(
        title=title,
        parts=parts,
        policy=policy,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        version=__version__,
        characters=CHARACTERS,
    )


def _part(spec: Spec, found: Findings, prefix: str) -> TaskPart:
    built = [build(found, prefix) for build in BUILDERS]
    return TaskPart(
        id=prefix,
        name=found.task,
        answers=tuple(answer(found, plan, f"{prefix}-p{at}") for at, plan in enumerate(found.plans, 1)),
        sections=(*(one for one in built if one is not None), provenance_section(spec, found, prefix)),
        reading=found.pool.reading if found.pool else None,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["visible"] = visible
    environment.filters["rate"] = rate
    environment.filters["amount"] = amount
    return environment


def _asset(name: str) -> str:
    return (files("osca_cli") / "report" / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return what a content security policy calls a text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
