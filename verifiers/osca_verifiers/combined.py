"""Verdicts of several verifiers as one: all must pass, or any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_cli.protocols import Verifier
from osca_cli.registry import verifier_class


class _Combined:
    """Asks each verifier of ``of`` in turn, until one decides."""

    version = 1
    decides: ClassVar[bool]
    """The verdict that settles the whole as soon as one verifier gives it."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        members = settings.get("of")
        if not isinstance(members, list | tuple) or not members:
            raise UsageError("of: name the verifiers that are combined, or write them in place")
        self._members = [_member(member) for member in members]

    @property
    def time_limit_s(self) -> float | None:
        """The longest that one of the members declares for itself."""
        limits = [getattr(member, "time_limit_s", None) for _, member in self._members]
        return max((limit for limit in limits if limit is not None), default=None)

    def ready(self) -> str:
        """Ask the members that have to be asked whether they can work here.

        Raises:
            UsageError: one cannot.
        """
        asked = [getattr(member, "ready", None) for _, member in self._members]
        notes = [ready() for ready in asked if ready is not None]
        return next(filter(None, notes), "")

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return what each member reads, and its version: a new version of one is a new one of the whole.

        Raises:
            UsageError: the problem lacks what one of them needs.
        """
        return {
            "of": [
                {"version": member.version, "given": member.reads(problem, variables)}
                for _, member in self._members
            ]
        }

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Return the first verdict that decides, else an error if there is one, else the last verdict.

        A deciding verdict stands whatever the others would say, so an error of another one does not matter.
        """
        each = cast("Sequence[Mapping[str, Mapping[str, Json]]]", given["of"])
        verdicts = []
        for (kind, member), read in zip(self._members, each, strict=True):
            verdict = _named(kind, member.verify(text, read["given"]))
            if verdict.passed is self.decides:
                return verdict
            verdicts.append(verdict)
        return next((verdict for verdict in verdicts if verdict.passed is None), verdicts[-1])


class All(_Combined):
    """Passes a text that every verifier of ``of`` passes; the first fail is the verdict."""

    decides = False


class Any(_Combined):
    """Passes a text that one verifier of ``of`` passes; the first pass is the verdict."""

    decides = True


def _member(settings: Json) -> tuple[str, Verifier]:
    if not isinstance(settings, Mapping) or not isinstance(settings.get("type"), str):
        raise UsageError("of: each verifier is a name from verifiers:, or {type: …}")
    kind = str(settings["type"])
    return kind, verifier_class(kind)({key: value for key, value in settings.items() if key != "type"})


def _named(kind: str, verdict: Verdict) -> Verdict:
    reason = f"{kind}: {verdict.reason}" if verdict.reason else ""
    return Verdict(verdict.passed, verdict.answer, verdict.score, reason)
