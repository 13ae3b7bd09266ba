"""Passes a text that is the reference, letter by letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.reference import text_reference

if TYPE_CHECKING:
    from collections.abc import Mapping


class Exact:
    """Compares what ``extract`` leaves with the reference, white space around either left out."""

    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._steps = compile_steps(settings.get("extract"))
        self._ignore_case = bool(settings.get("ignore_case", False))

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return the reference as text.

        Raises:
            UsageError: the problem has none, or it is a list or an object.
        """
        return {"reference": text_reference(problem, "exact")}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Pass a text equal to the reference."""
        found, reason = extract(text, self._steps)
        if found is None:
            return Verdict(passed=False, reason=reason)
        answer = found.strip()
        equal = self._folded(answer) == self._folded(str(given["reference"]).strip())
        return Verdict(passed=equal, answer=answer, reason="" if equal else "differs from the reference")

    def _folded(self, text: str) -> str:
        return text.casefold() if self._ignore_case else text
