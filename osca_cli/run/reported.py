"""Verdicts that need no verifier: those that a program gave itself, and those of answers that never came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osca_cli.model import Check, Sample, Verdict
from osca_cli.run.worker import ANSWER_LIMIT, REASON_LIMIT

TIMEOUT = "timeout"
"""The finish reason of a sample whose program reached its time limit."""


def verdict_without_verifier(check: Check, sample: Sample) -> Verdict | None:
    """Return the verdict of a sample that no verifier need look at, else ``None``.

    Args:
        check: How the sample is verified; the type ``reported`` takes what its program said.
        sample: The sample.
    """
    if sample.finish_reason == TIMEOUT and not sample.text:
        return Verdict(passed=False, reason="no answer within the time limit")
    if check.type != "reported" or not sample.details:
        return None
    said: Any = sample.details.get("verdict")
    if not isinstance(said, Mapping) or not isinstance(said.get("passed"), bool):
        return None
    score, reason = said.get("score"), said.get("reason")
    return Verdict(
        passed=said["passed"],
        answer=sample.text[:ANSWER_LIMIT],
        score=None if score is None else float(score),
        reason="" if reason is None else str(reason)[:REASON_LIMIT],
    )
