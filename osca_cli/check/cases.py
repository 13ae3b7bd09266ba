"""The outcome of a check as cases, one for each thing that was judged: what CI shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from osca_cli.check.drift import Drift
from osca_cli.check.judge import Outcome, Verdicts
from osca_cli.check.words import asserted, concluded, moved_text
from osca_cli.spec.types import Place


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was judged.

    Attributes:
        suite: What it is about: a task.
        name: What should hold.
        outcome: What came of it.
        message: That in words, with the figures.
        place: Where the spec asks for it; ``None`` where it does not.
        failed: Whether it fails the check.
    """

    suite: str
    name: str
    outcome: Outcome
    message: str
    place: Place | None
    failed: bool


def cases_of(judged: Sequence[Verdicts], inconclusive: Literal["warn", "fail"]) -> list[Case]:
    """Return a case for each assertion."""
    failing = {"fail", "inconclusive"} if inconclusive == "fail" else {"fail"}
    return [
        Case(
            suite=verdicts.label,
            name=asserted(one.assertion),
            outcome=one.outcome,
            message=concluded(one),
            place=one.assertion.place,
            failed=one.outcome in failing,
        )
        for verdicts in judged
        for one in verdicts.judgements
    ]


def cases_of_drift(drift: Drift, old: str) -> list[Case]:
    """Return a case for each model: it fails where the model moved."""
    return [
        Case(
            suite=one.task,
            name=f"{one.name} is as in {old}",
            outcome="fail" if one.moved else "pass",
            message=moved_text(one),
            place=None,
            failed=one.moved,
        )
        for one in drift.models
    ]
