"""What shares a budget, tasks and their strata, and what each of them is chosen by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from osca_cli.allocate.baselines import best_pure, by_pass_rate, uniform
from osca_cli.allocate.limits import Limits
from osca_cli.estimate.plugin import mean_rates
from osca_cli.estimate.rows import Rows
from osca_cli.model import Json
from osca_cli.outcomes.types import Ints, Mask, Outcomes
from osca_cli.plan.choice import Choice, Estimate, Estimator, choose, learn
from osca_cli.plan.crossvalidation import folds
from osca_cli.plan.result import Gain
from osca_cli.plan.strata import texts_of


@dataclass(frozen=True, slots=True, eq=False)
class TaskShare:
    """A plan that shares a budget: of a task, or of one of its strata.

    Attributes:
        name: Of the task.
        outcomes: Of the problems that take the plan, with their split.
        share: Of the expected problems; shares of all sum to 1.
        weight: What solving one of its problems counts for.
        whole: Of all problems of a task with strata, which are learned from and which choose the common plan
            and the baselines; ``None`` where these are its own.
        by: The field that makes the strata.
        where: The stratum; empty for a task's common plan.
        over_pooled: What the stratum gains over the common plan at the mean budget.
    """

    name: str
    outcomes: Outcomes
    share: float
    weight: float = 1.0
    whole: Outcomes | None = None
    by: str | None = None
    where: Mapping[str, Json] = field(default_factory=dict)
    over_pooled: Gain | None = None

    @property
    def taking(self) -> Outcomes:
        """The training problems that take the plan."""
        return self.outcomes.select(problems=self.outcomes.train)

    @property
    def learned_from(self) -> Outcomes:
        """The training problems that are learned from."""
        every = self.outcomes if self.whole is None else self.whole
        return every.select(problems=every.train)

    @property
    def train(self) -> Outcomes:
        """The training problems that the plan is chosen for."""
        return self.taking if self.where else self.learned_from

    def fold(self, outcomes: Outcomes) -> Ints:
        """Return the folds of some of its training problems, which are dealt value by value."""
        every = self.learned_from
        dealt = folds(every.problems, None if self.by is None else texts_of(every, self.by))
        number = dict(zip(every.problems, dealt.tolist(), strict=True))
        return np.array([number[problem] for problem in outcomes.problems], np.int64)

    def learn(self, estimator: Estimator, limits: Limits, without: int | None = None) -> Learned:
        """Learn what a plan is chosen by, from all problems or without those of a fold."""
        every, train = (
            outcomes if without is None else rest_of(outcomes, self.fold(outcomes) != without)
            for outcomes in (self.learned_from, self.train)
        )
        known = learn(every, estimator, limits)
        rows = known.narrowed(train) if self.where else known.rows
        return Learned(every, train, replace(known, rows=rows), known.rows)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What a plan is chosen by.

    Attributes:
        every: The problems that were learned from, and that choose the baselines.
        train: Those that the plan is chosen for.
        known: What was learned, with rows of the latter.
        rows: Of the former.
    """

    every: Outcomes
    train: Outcomes
    known: Estimate
    rows: Rows

    def choice(self, limits: Limits, counts: Ints, budget: Limits | None = None) -> Choice:
        """Return counts in their order, beside the baselines of the same limits, or of others."""
        made = choose(self.train, limits, self.known.rows, lambda *_: counts)
        at = limits if budget is None else budget
        even = uniform(by_pass_rate(mean_rates(self.every)), at)
        return replace(made, best_pure=best_pure(self.rows, at), uniform=even)


def rest_of(outcomes: Outcomes, rest: Mask) -> Outcomes:
    """Return what is left of problems; all of them where nothing would be."""
    some = outcomes.select(problems=rest)
    return some if some.problems and some.n.any() else outcomes
