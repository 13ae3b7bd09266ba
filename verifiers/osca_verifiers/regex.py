"""Passes a text in which a regular expression is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.extract import captured, compile_pattern, compile_steps, extract
from osca_verifiers.reference import name, text_reference

if TYPE_CHECKING:
    from collections.abc import Mapping


class Regex:
    """Searches what ``extract`` leaves for ``pattern``, or for the reference where there is no ``pattern``.

    Python's syntax; found anywhere unless anchored with ``^`` and ``$``. The answer is the first group, else
    the whole match.
    """

    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._steps = compile_steps(settings.get("extract"))
        self._flags = re.IGNORECASE if settings.get("ignore_case", False) else re.NOFLAG
        pattern = settings.get("pattern")
        self._pattern = None if pattern is None else compile_pattern(str(pattern), self._flags)

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return the reference where it is the pattern, else nothing.

        Raises:
            UsageError: the reference is needed and absent, or not a regular expression.
        """
        if self._pattern is not None:
            return {}
        pattern = text_reference(problem, "regex")
        try:
            compile_pattern(pattern, self._flags)
        except UsageError as error:
            raise UsageError(f"{name(problem)}: reference {error}") from None
        return {"pattern": pattern}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Pass a text in which the pattern is found."""
        found, reason = extract(text, self._steps)
        if found is None:
            return Verdict(passed=False, reason=reason)
        pattern = self._pattern or compile_pattern(str(given["pattern"]), self._flags)
        match = pattern.search(found)
        if match is None:
            return Verdict(passed=False, reason="the pattern is not found")
        return Verdict(passed=True, answer=captured(match))
