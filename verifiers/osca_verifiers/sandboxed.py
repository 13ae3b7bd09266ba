"""What the verifiers that run code have in common: they need a sandbox, or the user's word to do without."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from osca_cli.model import Json, Verdict
from osca_verifiers.sandbox import plain
from osca_verifiers.sandbox.examination import Examined
from osca_verifiers.sandbox.level import level


class Sandboxed:
    """A verifier that runs code.

    Attributes:
        time_limit_s: How long all tests of a program together may take, where the spec does not say.
    """

    time_limit_s = 300.0

    def ready(self) -> str:
        """Return a warning where code will run without a sandbox.

        Raises:
            UsageError: there is none here, and nobody said to do without.
        """
        if level() == plain.NAME:
            return "--sandbox none: code that a model wrote is run as you, and can do whatever you can"
        return ""

    @classmethod
    def facts(cls) -> Mapping[str, str]:
        """Return what this machine's sandboxes withstand, by attacking them."""
        from osca_verifiers.sandbox.proof import proof

        return proof()


def verdict_of(examined: Examined, answer: str) -> Verdict:
    """Return the verdict of a program's tests; that it ran without a sandbox is said in it."""
    failed = "" if examined.all else f"{examined.passed} of {examined.tests} tests: {examined.reason}"
    warning = plain.WARNING if level() == plain.NAME else ""
    reason = "; ".join(filter(None, (warning, failed)))
    return Verdict(passed=examined.all, answer=answer, score=examined.score, reason=reason)


class TimeLimit:
    """How long a program may take over one test.

    What the spec says; else from the time of the problem's reference, where that is a solution that passes: a
    multiple of it, within bounds; else a few seconds.
    """

    def __init__(self, written: float | None) -> None:
        self._written = written

    def seconds(self, given: Mapping[str, Json], examined: Callable[[str, float], Examined]) -> float:
        """Return the limit for one problem.

        Args:
            given: What the verifier reads of it, its ``reference`` among it.
            examined: Runs the tests of a program under a limit.
        """
        if self._written is not None:
            return self._written
        reference = given["reference"]
        if not isinstance(reference, str):
            return _WITHOUT_REFERENCE_S
        key = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
        if key not in _measured:
            _measured[key] = _scaled(examined(reference, _LONGEST_S))
        return _measured[key]


_WITHOUT_REFERENCE_S = 5.0
_SHORTEST_S, _LONGEST_S, _TIMES = 2.0, 60.0, 10.0
_measured: dict[str, float] = {}
"""Limits by what the verifier reads: the reference of a problem runs once in each process that verifies."""


def _scaled(reference: Examined) -> float:
    if not reference.all:
        return _WITHOUT_REFERENCE_S
    return min(_LONGEST_S, max(_SHORTEST_S, _TIMES * reference.slowest_s))
