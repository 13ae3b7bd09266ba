"""Takes the verdict that a program gave of its own answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osca_cli.model import Json, Problem, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reported:
    """Stands for the verdict that comes with a sample: osca asks this class only where there is none."""

    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        """Take no settings."""

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return nothing: the verdict is there already."""
        return {}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:  # noqa: ARG002 - protocol
        """Return an error: a sample without a verdict of its own cannot be judged so."""
        return Verdict(
            passed=None,
            reason="the sample came without a verdict; its program must answer with verdict: {passed}",
        )
