"""A model decides whether a text passes: this module reads its settings, the run asks it."""

from __future__ import annotations

from collections.abc import Mapping

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict


class Judge:
    """Says what a judge's verdict depends on; the run draws the judge's samples like any others."""

    version = 2

    def __init__(self, settings: Mapping[str, Json]) -> None:
        prompt = settings.get("prompt", "")
        self._shows = _names(str(prompt["completion"] if isinstance(prompt, Mapping) else prompt))
        if int(str(settings.get("samples", 1))) % 2 == 0:
            raise UsageError("samples: the majority of an even number may be a tie; write an odd one")

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return what the judge's prompt shows of the problem and the variables."""
        known = {**problem.fields, **variables, "reference": problem.reference}
        return {name: known[name] for name in sorted(self._shows & known.keys())}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:  # noqa: ARG002 - protocol
        """Return an error: a judge costs money, so it is asked by a run alone."""
        return Verdict(passed=None, reason="a judge is asked by osca run alone, as a verifier by itself")


def _names(prompt: str) -> frozenset[str]:
    """Return the names that a template uses; none of what is no template, whose fault others tell."""
    from jinja2 import TemplateSyntaxError, meta
    from jinja2.sandbox import SandboxedEnvironment

    try:
        return frozenset(meta.find_undeclared_variables(SandboxedEnvironment().parse(prompt)))
    except TemplateSyntaxError:
        return frozenset()
