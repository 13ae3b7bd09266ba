"""What executing plans gave, beside what they had claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osca_cli.identity import canonical_json
from osca_cli.model import Split
from osca_cli.run.attempt import Answer
from osca_cli.run.execute import Execution
from osca_cli.spec.types import Budget, PlannedTask, Spec
from osca_cli.store.pool import Pool
from osca_cli.store.values import Run


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a plan expects of new problems; ``None`` where it does not say.

    Attributes:
        pass_rate: Share of problems solved; where problems share the budget, with that.
        interval: Of it, 95%.
        samples: For each problem.
        usd: The same.
    """

    pass_rate: float | None = None
    interval: tuple[float, float] | None = None
    samples: float | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Realised:
    """What a plan, or all plans of a task, did on the problems of a run.

    Attributes:
        label: The task, and the values of a plan's ``where``.
        task: Name of the task.
        where: The problems that the plan is for.
        split: Which problems these were.
        budget: For each problem; ``None`` where nobody said.
        answers: One for each problem that was begun.
        claimed: What was expected.
        predicted: Between which pass rates so many problems lie in 95 of 100 cases, if the claim holds.
    """

    label: str
    task: str
    where: Mapping[str, Any]
    split: Split
    budget: Budget | None
    answers: Sequence[Answer]
    claimed: Claimed
    predicted: tuple[float, float] | None

    @property
    def solved(self) -> int:
        """How many problems have an accepted answer."""
        return sum(answer.accepted for answer in self.answers)

    @property
    def pass_rate(self) -> float | None:
        """Which share of them."""
        return self.solved / len(self.answers) if self.answers else None

    @property
    def surprising(self) -> bool:
        """Whether the pass rate is outside what was predicted."""
        if self.predicted is None or self.pass_rate is None:
            return False
        return not self.predicted[0] <= self.pass_rate <= self.predicted[1]

    def sum(self, kind: str) -> float | None:
        """Return what all samples cost in a budget's kind; ``None`` where it is unknown."""
        amounts = [getattr(answer, kind) for answer in self.answers]
        known = [amount for amount in amounts if amount is not None]
        return sum(known) if len(known) == len(amounts) else None

    def per_problem(self, kind: str) -> float | None:
        """Return the same for each problem."""
        total = self.sum(kind)
        return None if total is None or not self.answers else total / len(self.answers)

    def per_solved(self, kind: str) -> float | None:
        """Return the same for each solved problem: the cost of a pass."""
        total = self.sum(kind)
        return None if total is None or not self.solved else total / self.solved

    @property
    def spent(self) -> float | None:
        """What all samples cost, in the budget's kind; ``None`` where it is unknown."""
        return None if self.budget is None else self.sum(self.budget.kind)

    def row(self) -> dict[str, str | int | float | None]:
        """Return what the pool keeps of it."""
        low, high = self.claimed.interval or (None, None)
        return {
            "task": self.task,
            "stratum": canonical_json(self.where) if self.where else "",
            "split": self.split,
            "problems": len(self.answers),
            "solved": self.solved,
            "samples": sum(answer.samples for answer in self.answers),
            "usd": self.sum("usd"),
            "output_tokens": self.sum("output_tokens") or 0.0,
            "seconds": self.sum("seconds") or 0.0,
            "gpu_seconds": self.sum("gpu_seconds"),
            "pass_rate": self.claimed.pass_rate,
            "low": low,
            "high": high,
        }


def realised(work: Sequence[Execution], answers: Sequence[Answer]) -> list[tuple[Realised, list[Realised]]]:
    """Return what each task's plans did: together, and where there are several, each of them."""
    by_problem = {(answer.task, answer.problem): answer for answer in answers}
    result: list[tuple[Realised, list[Realised]]] = []
    for name in dict.fromkeys(one.task.name for one in work):
        parts = [_of_plan(one, by_problem) for one in work if one.task.name == name]
        if len(parts) == 1 and not parts[0].where:
            result.append((parts[0], []))
        else:
            result.append((_together(name, parts), parts))
    return result


def keep_realised(
    spec: Spec, pool: Pool, run: Run, tasks: Sequence[tuple[Realised, Sequence[Realised]]]
) -> None:
    """Keep in the pool what each plan did, with the plan; an offline run only looked."""
    if not run.id:
        return
    plan = pool.add_plan(spec.path, spec.text)
    rows = [one.row() | {"run": run.id, "plan": plan} for whole, parts in tasks for one in parts or [whole]]
    pool.add_realised([row for row in rows if row["problems"]])


def claimed(plan: PlannedTask, *, shared: bool) -> Claimed:
    """Read what a plan file says of a plan, as far as it can be understood: anybody may have edited it."""
    block = plan.block.get("expected")
    if not isinstance(block, Mapping):
        return Claimed()
    ending = "_shared" if shared and "pass_rate_shared" in block else ""

    def number(key: str) -> float | None:
        value = block.get(key + ending)
        return float(value) if isinstance(value, int | float) else None

    spend = number("samples"), number("usd")
    if "selected" in block:  # what is claimed is right answers, and what a run sees is accepted ones
        return Claimed(None, None, *spend)
    return Claimed(number("pass_rate"), _ends(block.get("interval" + ending)), *spend)


def _ends(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    low, high = value
    numbers = isinstance(low, int | float) and isinstance(high, int | float)
    return (float(low), float(high)) if numbers and 0 <= low <= high <= 1 else None


def _of_plan(one: Execution, answers: Mapping[tuple[str, str], Answer]) -> Realised:
    places = [(one.task.name, problem.id) for problem in one.problems]
    own = [answers[place] for place in places if place in answers]
    claim = claimed(one.plan, shared=one.shares)
    return Realised(
        label=one.plan.label,
        task=one.task.name,
        where=one.plan.where,
        split=one.split,
        budget=one.budget,
        answers=own,
        claimed=claim,
        predicted=_predicted(claim, own),
    )


def _predicted(claim: Claimed, answers: Sequence[Answer]) -> tuple[float, float] | None:
    from osca_cli.estimate.intervals import prediction_interval  # scipy, which a pilot does not need

    return prediction_interval(claim.interval, len(answers)) if claim.interval and answers else None


def _together(name: str, parts: Sequence[Realised]) -> Realised:
    """Return what all plans of a task did; what they claim is weighted by the problems that took each."""
    took = [part for part in parts if part.answers]
    answers = [answer for part in parts for answer in part.answers]

    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        if not took or len(known) < len(took):
            return None
        return sum(len(part.answers) * value for part, value in zip(took, known, strict=True)) / len(answers)

    claims = [part.claimed for part in took]
    claim = Claimed(
        pass_rate=mean([one.pass_rate for one in claims]),
        samples=mean([one.samples for one in claims]),
        usd=mean([one.usd for one in claims]),
    )
    budgets = {part.budget for part in parts}
    budget = budgets.pop() if len(budgets) == 1 else None
    return Realised(name, name, {}, parts[0].split, budget, answers, claim, None)
