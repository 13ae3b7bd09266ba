"""What the verifiers that run code have in common: they need a sandbox, or the user's word to do without."""

from __future__ import annotations

from collections.abc import Mapping

from osca_cli.model import Verdict
from osca_verifiers.sandbox import plain
from osca_verifiers.sandbox.examination import Examined
from osca_verifiers.sandbox.level import level


class Sandboxed:
    """A verifier that runs code."""

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
