"""What a check came to, as JSON and as one outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from osca_cli.check.judge import Judgement, Verdicts


def outcome_of(judged: Sequence[Verdicts], inconclusive: Literal["warn", "fail"]) -> bool | None:
    """Return whether a check passed: ``None`` where an assertion is inconclusive and that only warns."""
    outcomes = {judgement.outcome for verdicts in judged for judgement in verdicts.judgements}
    if "fail" in outcomes or ("inconclusive" in outcomes and inconclusive == "fail"):
        return False
    return None if "inconclusive" in outcomes else True


def to_json(judged: Sequence[Verdicts], passed: bool | None) -> dict[str, Any]:
    """Return the object that ``osca check --json`` prints."""
    objects = [_verdicts(verdicts) for verdicts in judged]
    head = {"schema_version": 1, "passed": passed}
    return head | (objects[0] if len(objects) == 1 else {"plans": objects})


def _verdicts(verdicts: Verdicts) -> dict[str, Any]:
    return {
        "task": verdicts.task,
        **({"where": dict(verdicts.where)} if verdicts.where else {}),
        "problems": verdicts.problems,
        "allocation": None if verdicts.counts is None else dict(verdicts.counts),
        "pass_rate": verdicts.pass_rate.value,
        "interval": list(verdicts.pass_rate.interval),
        "baselines": {
            one.name: {
                "allocation": dict(one.counts),
                "pass_rate": one.pass_rate.value,
                "interval": list(one.pass_rate.interval),
            }
            for one in verdicts.baselines
        },
        "gain": {
            f"over_{one.name}": {"value": one.gain.value, "interval": list(one.gain.interval)}
            for one in verdicts.baselines
        },
        "spend": verdicts.spend
        and {
            "budget": {verdicts.spend.budget.kind: verdicts.spend.budget.amount},
            "held_out": verdicts.spend.held_out,
        },
        "assertions": [_judgement(judgement) for judgement in verdicts.judgements],
        **({"plans": [_verdicts(part) for part in verdicts.parts]} if verdicts.parts else {}),
    }


def _judgement(judgement: Judgement) -> dict[str, Any]:
    assertion = judgement.assertion
    bounds = {"at_least": assertion.at_least, "at_most": assertion.at_most}
    return {
        "task": assertion.task,
        "metric": assertion.metric,
        **{name: bound for name, bound in bounds.items() if bound is not None},
        "margin": assertion.margin,
        "value": judgement.measured.value,
        "interval": list(judgement.measured.interval),
        "outcome": judgement.outcome,
        "decided_by": judgement.decided_by,
    }
