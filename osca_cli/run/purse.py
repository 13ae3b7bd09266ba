"""What the problems of a run may spend together, in the kind of their budget."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from osca_cli.model import Json, Sample, Verdict
from osca_cli.spec.budgets import KINDS
from osca_cli.spec.types import AllocationBlock, Budget, BudgetKind, PlannedTask, Spec

SLACK = 1 + 1e-9  # rounding is forgiven, as where the plan was made


@dataclass(frozen=True, slots=True)
class Cost:
    """What a sample cost, its verdict included, in every kind; ``None`` where unknown."""

    usd: float | None
    output_tokens: float
    seconds: float
    gpu_seconds: float | None

    @classmethod
    def of(cls, sample: Sample, verdict: Verdict, gpus: float | None) -> Cost:
        """Add up what a sample and the model that judged it cost.

        Args:
            sample: The sample.
            verdict: Its verdict.
            gpus: How many its backend keeps busy.
        """
        busy = sample.busy_seconds
        return cls(
            usd=None if sample.usd is None else sample.usd + (verdict.usd or 0.0),
            output_tokens=(sample.output_tokens or 0) + (verdict.output_tokens or 0),
            seconds=(sample.seconds or 0.0) + (verdict.seconds or 0.0),
            gpu_seconds=None if gpus is None or busy is None else gpus * busy,
        )

    def amount(self, kind: BudgetKind) -> float:
        """Return what a budget of this kind counts; nothing where it is unknown."""
        return 1.0 if kind == "samples" else float(getattr(self, kind) or 0.0)


class Purse:
    """A sum that is shared by the problems of one run.

    A draw is let through while its expected cost, the mean of its configuration so far, fits beside those of
    the draws under way. So what is spent passes the sum only by how much dearer these are than expected.

    Args:
        kind: What it is counted in.
        total: How much there is; ``None`` where nothing bounds it.

    Attributes:
        spent: On the samples that problems were given, those already in the pool included.
        short: Whether it was empty before a schedule that it should pay for had ended.
    """

    def __init__(self, kind: BudgetKind, total: float | None) -> None:
        self.kind = kind
        self.total = total
        self.spent = 0.0
        self.short = False
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._numbers: Counter[str] = Counter()
        self._reserved = 0.0

    @property
    def left(self) -> float:
        """What is neither spent nor set aside."""
        return math.inf if self.total is None else self.total * SLACK - self.spent - self._reserved

    def expected(self, configuration: str) -> float:
        """Return what a sample is expected to cost; 0 where none has come yet."""
        if self.kind == "samples":
            return 1.0
        return self._sums[configuration] / max(1, self._numbers[configuration])

    def reserve(self, configuration: str, *, beside: float = 0.0) -> float | None:
        """Set aside what a draw is expected to cost; ``None`` where not so much is left.

        Args:
            configuration: Whose sample is drawn.
            beside: What must be left besides, for others.
        """
        usual = self.expected(configuration)
        if self.left <= beside or usual + beside > self.left:
            return None
        self._reserved += usual
        return usual

    def settle(self, configuration: str, cost: Cost | None, reserved: float = 0.0) -> None:
        """Count what a draw cost; ``None`` where it gave no sample."""
        self._reserved -= reserved
        if cost is not None:
            amount = cost.amount(self.kind)
            self.spent += amount
            self._sums[configuration] += amount
            self._numbers[configuration] += 1


def budget_of(spec: Spec, allocation: AllocationBlock, plan: PlannedTask) -> Budget | None:
    """Return what a plan was made for, per problem, and whether the problems of a run share it.

    It is the plan's own budget, else that of all plans, else, of a plan written by hand, the spec's.
    """
    of_all = _written(allocation.block.get("budget"))
    own = _written(plan.block.get("budget"))
    if own is not None and of_all is not None and spec.task(plan.task).budget is None:
        return replace(own, share=of_all.share)  # its level of what all share
    return own or of_all or spec.task(plan.task).budget or spec.budget


def _written(block: Json) -> Budget | None:
    """Return a budget as a plan file has it, which anybody may have edited."""
    if not isinstance(block, Mapping):
        return None
    share: Any = block.get("share", "none")
    for kind in KINDS:
        amount = block.get(kind)
        if isinstance(amount, int | float) and amount > 0:
            return Budget(kind, float(amount), share)
    return None
