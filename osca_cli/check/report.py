"""What a check came to, as JSON and as one outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from osca_cli.check.judge import Judgement, Measured, Verdicts


def outcome_of(judged: Sequence[Verdicts], inconclusive: Literal["warn", "fail"]) -> bool | None:
    """Return whether a check passed: ``None`` where an assertion is inconclusive and that only warns."""
    outcomes = {judgement.outcome for verdicts in judged for judgement in verdicts.judgements}
    if "fail" in outcomes or ("inconclusive" in outcomes and inconclusive == "fail"):
        return False
    return None if "inconclusive" in outcomes else True


def to_json(judged: Sequence[Verdicts], passed: bool | None, total: Verdicts | None = None) -> dict[str, Any]:
    """Return the object that ``osca check --json`` prints."""
    objects = [_verdicts(verdicts) for verdicts in judged]
    head: dict[str, Any] = {"schema_version": 1, "passed": passed}
    if total is not None:
        head["total"] = _total(total)
    return head | (objects[0] if len(objects) == 1 else {"plans": objects})


def finite(value: float) -> float | None:
    """Return a number that JSON can hold; ``None`` for one without an end."""
    return value if math.isfinite(value) else None


def _verdicts(verdicts: Verdicts) -> dict[str, Any]:
    executed = verdicts.executed
    return {
        "task": verdicts.task,
        **({"where": dict(verdicts.where)} if verdicts.where else {}),
        "problems": verdicts.problems,
        **({"clusters": verdicts.clusters} if verdicts.clusters is not None else {}),
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
        "gain": _gains(verdicts),
        "spend": verdicts.spend
        and {
            "budget": {verdicts.spend.budget.kind: verdicts.spend.budget.amount},
            "held_out": verdicts.spend.held_out,
        },
        "executed": executed
        and {
            "samples": executed.samples,
            "usd": executed.usd and _measured(executed.usd),
            "cost_of_pass": executed.cost_of_pass and _measured(executed.cost_of_pass),
        },
        "assertions": [_judgement(judgement) for judgement in verdicts.judgements],
        **({"plans": [_verdicts(part) for part in verdicts.parts]} if verdicts.parts else {}),
    }


def _total(total: Verdicts) -> dict[str, Any]:
    return {
        "problems": total.problems,
        "pass_rate": total.pass_rate.value,
        "interval": list(total.pass_rate.interval),
        "gain": _gains(total),
        "assertions": [_judgement(judgement) for judgement in total.judgements],
    }


def _gains(verdicts: Verdicts) -> dict[str, Any]:
    return {f"over_{one.name}": _measured(one.gain) for one in verdicts.baselines}


def _measured(measured: Measured) -> dict[str, Any]:
    return {"value": finite(measured.value), "interval": [finite(end) for end in measured.interval]}


def _judgement(judgement: Judgement) -> dict[str, Any]:
    assertion = judgement.assertion
    bounds = {"at_least": assertion.at_least, "at_most": assertion.at_most}
    return {
        "task": "all" if assertion.total else assertion.task,
        "metric": assertion.metric,
        **{name: bound for name, bound in bounds.items() if bound is not None},
        "margin": assertion.margin,
        "confidence": assertion.confidence,
        **_measured(judgement.measured),
        "outcome": judgement.outcome,
        "decided_by": judgement.decided_by,
    }
