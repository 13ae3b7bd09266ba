"""A plan as the ``allocation:`` block of a plan file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osca_cli import __version__
from osca_cli.model import Json
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.planfile import runs
from osca_cli.plan.result import Gain, Plan
from osca_cli.spec.types import Budget

DIGITS = 4


@dataclass(frozen=True, slots=True)
class Made:
    """What a task's plan was made from.

    Attributes:
        outcomes: What it was learned from.
        definitions: A short hash of each configuration that it draws: whether it has changed under the plan.
        verifier: The same of the verifier.
    """

    plan: Plan
    outcomes: Outcomes
    definitions: Mapping[str, str]
    verifier: str | None


def allocation_block(budget: Budget, made: Sequence[Made], spec_hash: str) -> dict[str, Json]:
    """Return the block. It has no clock in it: equal pools give equal bytes."""
    plans = [one.plan for one in made]
    usd = [plan.pilot.usd for plan in plans]
    return {
        "budget": {budget.kind: _number(budget.amount)},
        "plans": [_plan(one) for one in made],
        "made_from": {
            "spec": spec_hash,
            "pool": pool_hash([one.outcomes for one in made]),
            "problems": sum(plan.pilot.problems for plan in plans),
            "samples": sum(plan.pilot.samples for plan in plans),
            **({} if None in usd else {"usd": round(sum(cost or 0.0 for cost in usd), 6)}),
            "estimator": plans[0].estimator,
            "solver": plans[0].solver,
            "osca": __version__,
        },
    }


def pool_hash(outcomes: Sequence[Outcomes]) -> str:
    """Return 8 hexadecimal digits of the counts that a plan was learned from."""
    state = hashlib.sha256()
    for one in outcomes:
        state.update("\n".join((*one.configurations, "", *one.problems)).encode())
        state.update(one.n.astype("<i8").tobytes() + one.c.astype("<i8").tobytes())
    return state.hexdigest()[:8]


def _plan(made: Made) -> dict[str, Json]:
    plan, outcomes = made.plan, made.outcomes
    block: dict[str, Json] = {
        "task": plan.task,
        "counts": dict(plan.allocation),
        "schedule": runs(plan.schedule),
        "because": plan.because,
    }
    if plan.expected is not None:
        measured = plan.expected.measured
        block["expected"] = {
            "pass_rate": round(measured.pass_rate, DIGITS),
            "interval": _interval(measured.interval),
            "samples": round(plan.expected.samples, 2),
            **({} if plan.expected.usd is None else {"usd": round(plan.expected.usd, 6)}),
        }
    gains = {
        "over_best_pure": _gain(plan.over_best_pure, name=plan.best_pure.name),
        "over_uniform": _gain(plan.over_uniform),
    }
    block["gain"] = {name: gain for name, gain in gains.items() if gain is not None}
    block["certificate"] = {
        "upper_bound": round(plan.certificate.upper_bound, 6),
        "gap": round(plan.certificate.gap, 6),
    }
    if plan.in_sample:
        block["in_sample"] = True
    if plan.notes:
        block["notes"] = list(plan.notes)
    if made.definitions:
        block["definitions"] = dict(made.definitions)
    if made.verifier:
        block["verifier"] = made.verifier
    block["learned_from"] = [
        problem for problem, train in zip(outcomes.problems, outcomes.train, strict=True) if train
    ]
    return block


def _gain(gain: Gain | None, **more: Json) -> Json:
    if gain is None:
        return None
    return {**more, "value": round(gain.value, DIGITS), "interval": _interval(gain.interval)}


def _interval(interval: Sequence[float]) -> list[Json]:
    return [round(end, DIGITS) for end in interval]


def _number(amount: float) -> Json:
    return int(amount) if amount == int(amount) else amount
