"""The plans of a task with strata, and what is claimed of all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from osca_cli.errors import UsageError
from osca_cli.model import Json
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.choice import Estimator
from osca_cli.plan.decision import Search
from osca_cli.plan.planner import described, pilot_of
from osca_cli.plan.result import Expected, Gain, Measured, Plan
from osca_cli.plan.strata import Part, Stratified, Stratum, stratify, texts_of
from osca_cli.plan.weighted import weighted_expected, weighted_gain, weighted_rate
from osca_cli.plan.words import kept_because, own_because
from osca_cli.spec.strata import OTHERS, value_text
from osca_cli.spec.types import Budget


@dataclass(frozen=True, slots=True)
class StrataPlan:
    """The plans of a task with strata. What is said of all is weighted by their shares.

    Attributes:
        task: Name of the task.
        field: The field whose values are strata.
        plans: Those of values that have their own, then the common one.
        shares: Of the task's expected problems, in the order of the plans; they sum to 1.
        strata: All values of the training problems, and what plans of their own would gain.
        expected: On new problems.
        best_pure: What the task's best single configuration does.
        uniform: The same of the even spread.
        over_best_pure: Gain over that.
        over_uniform: The same.
    """

    task: str
    field: str
    plans: tuple[Plan, ...]
    shares: tuple[float, ...]
    strata: tuple[Stratum, ...]
    expected: Expected | None
    best_pure: Measured | None
    uniform: Measured | None
    over_best_pure: Gain | None
    over_uniform: Gain | None

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json`` that says how strata were judged."""
        return {
            "task": self.task,
            "field": self.field,
            "expected": self.expected and self.expected.to_json(),
            "baselines": {
                "best_pure": self.best_pure and self.best_pure.to_json(),
                "uniform": self.uniform and self.uniform.to_json(),
            },
            "gain": {
                "over_best_pure": self.over_best_pure and self.over_best_pure.to_json(),
                "over_uniform": self.over_uniform and self.over_uniform.to_json(),
            },
            "values": [stratum.to_json() for stratum in self.strata],
        }


def make_strata_plan(
    outcomes: Outcomes,
    budget: Budget,
    field: str,
    *,
    task: str,
    volumes: Mapping[str, float] | None = None,
    estimator: Estimator = "auto",
    search: Search,
) -> StrataPlan:
    """Plan a task whose values of a field may have plans of their own; see :func:`stratify`.

    Args:
        outcomes: What was sampled, with tags and split.
        budget: Per problem.
        field: The tag.
        task: Name of the task.
        volumes: Problems expected of each value, ``*`` standing for all others; as they train where not
            given.
        estimator: As in planning without strata.
        search: How allocations are found.

    Raises:
        UsageError: no training problem has the tag, no problem a value that has a volume, or nothing can be
            planned.
    """
    made, shares = shared_out(outcomes, budget, field, task, volumes or {}, estimator, search)
    pilot = pilot_of(outcomes.select(problems=outcomes.train))
    plans = [
        replace(
            described(part.outcomes, budget, task, part.decision, part.validation),
            pilot=pilot,
            where=part.where,
            over_pooled=part.gain,
        )
        for part in made.parts
    ]
    return strata_plan(task, field, made.strata, plans, shares)


def shared_out(
    outcomes: Outcomes,
    budget: Budget,
    field: str,
    task: str,
    volumes: Mapping[str, float],
    estimator: Estimator,
    search: Search,
) -> tuple[Stratified, tuple[float, ...]]:
    """Plan a task by strata, and return which share of its expected problems takes each plan.

    Raises:
        UsageError: as :func:`make_strata_plan`.
    """
    if not outcomes.train.any():
        raise UsageError("no training problem: a plan has nothing to learn from; change the split")
    _refuse_unknown(outcomes, field, volumes, task)
    made = stratify(outcomes, budget, field, estimator, search)
    return made, _shares(made.parts, outcomes, field, volumes)


def strata_plan(
    task: str, field: str, strata: Sequence[Stratum], plans: Sequence[Plan], shares: Sequence[float]
) -> StrataPlan:
    """Say of a task's plans what they do together, and of each why there is one.

    Args:
        task: Name of the task.
        field: The field whose values are strata.
        strata: The values.
        plans: Those of values that have their own, then the common one.
        shares: Of the task's expected problems.
    """
    counted = [(plan, share) for plan, share in zip(plans, shares, strict=True) if share > 0]
    weights = [share for _, share in counted]
    return StrataPlan(
        task=task,
        field=field,
        plans=tuple(replace(plan, because=f"{plan.because} {_why(plan, strata)}".strip()) for plan in plans),
        shares=tuple(shares),
        strata=tuple(strata),
        expected=weighted_expected([plan.expected for plan, _ in counted], weights),
        best_pure=weighted_rate([plan.best_pure.expected for plan, _ in counted], weights),
        uniform=weighted_rate([plan.uniform.expected for plan, _ in counted], weights),
        over_best_pure=weighted_gain([plan.over_best_pure for plan, _ in counted], weights),
        over_uniform=weighted_gain([plan.over_uniform for plan, _ in counted], weights),
    )


def _refuse_unknown(outcomes: Outcomes, field: str, volumes: Mapping[str, float], task: str) -> None:
    known = {value_text(tags.get(field)) for tags in outcomes.tags.values()} | {OTHERS}
    if unknown := [name for name in volumes if name not in known]:
        raise UsageError(
            f"task '{task}': volume has '{unknown[0]}', but no problem has that {field};"
            f" '{OTHERS}' stands for values not seen yet"
        )


def _why(plan: Plan, strata: Sequence[Stratum]) -> str:
    """Say why a value has its plan: of the common one, of all values that keep it."""
    if plan.over_pooled is not None:
        return own_because(plan.over_pooled)
    few = [_text(stratum.value) for stratum in strata if stratum.gain is None]
    same = {_text(stratum.value): stratum.gain for stratum in strata if stratum.gain and not stratum.own}
    return kept_because(few, same)


def _text(value: Json) -> str:
    return value_text(value) or ""


def _shares(
    parts: Sequence[Part], outcomes: Outcomes, field: str, volumes: Mapping[str, float]
) -> tuple[float, ...]:
    """Return the share of the expected problems that takes each plan; the common one takes what is left."""
    texts = texts_of(outcomes.select(problems=outcomes.train), field)
    others = sum(text not in volumes for text in texts)
    total = sum(volumes.values()) if volumes else len(texts)
    shares = []
    for part in parts[:-1]:
        text = _text(part.where[field])
        number = float(texts.count(text))
        if volumes:
            number = volumes.get(text, volumes.get(OTHERS, 0.0) * number / max(others, 1))
        shares.append(round(number / total, 6))
    return (*shares, max(0.0, round(1 - sum(shares), 6)))
