"""Plans for the values of a field, each where cross-validation shows that a plan of its own pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from osca_cli.allocate.limits import Limits
from osca_cli.errors import UsageError
from osca_cli.estimate.intervals import paired_interval
from osca_cli.model import Json
from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Choice, Estimate, Estimator, learn
from osca_cli.plan.crossvalidation import FOLDS, CrossValidation, cross_validate, folds
from osca_cli.plan.decision import Decision, Search, decide
from osca_cli.plan.extrapolation import Extrapolation
from osca_cli.plan.planner import costs_per_sample, usd_per_sample
from osca_cli.plan.result import Gain
from osca_cli.spec.strata import value_text
from osca_cli.spec.types import Budget

LEAST = 30
"""A value with fewer training problems keeps the common plan: so few cannot show that another is better."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """One value of the field, as the training problems have it.

    Attributes:
        value: The value.
        problems: Training problems with it.
        gain: Of a plan of its own over the common one, on problems that chose neither; ``None`` where there
            are too few to tell.
    """

    value: Json
    problems: int
    gain: Gain | None

    @property
    def own(self) -> bool:
        """Whether it gets a plan of its own."""
        return self.gain is not None and self.gain.interval[0] > 0

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        gain = None if self.gain is None else self.gain.to_json()
        return {"value": self.value, "problems": self.problems, "own": self.own, "over_pooled": gain}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The problems that take one plan.

    Attributes:
        where: Field and value; empty for the common plan.
        outcomes: Of these problems, with their split.
        decision: The plan, beside the task's baselines.
        validation: What it does on problems that did not choose it.
        gain: Over the common plan.
    """

    where: Mapping[str, Json]
    outcomes: Outcomes
    decision: Decision
    validation: CrossValidation | None
    gain: Gain | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stratified:
    """A task's plans: those of values that have their own, then the common one."""

    parts: tuple[Part, ...]
    strata: tuple[Stratum, ...]


Anew: TypeAlias = Callable[[Outcomes], tuple[Choice, Extrapolation | None]]


@dataclass(frozen=True, slots=True, eq=False)
class _Without:
    """What is learned and chosen without a fold of all training problems."""

    rest: Mask
    known: Estimate
    common: Choice


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A task's training problems, what is learned from all, and what without each fold."""

    train: Outcomes
    usd: Floats
    costs: Floats | None
    limits: Limits
    search: Search
    known: Estimate
    common: Decision
    fold: Ints
    without: Sequence[_Without]

    def validated(self, problems: Mask, choices: Sequence[Choice]) -> CrossValidation | None:
        """Evaluate choices, one made without each fold, on some of the problems."""
        made = {
            self.train.select(problems=problems & one.rest).problems: (choice, one.known.extrapolation)
            for one, choice in zip(self.without, choices, strict=True)
        }
        part = self.train.select(problems=problems)
        costs = None if self.costs is None else self.costs[:, problems]
        return cross_validate(
            part, self.usd[:, problems], lambda rest: made[rest.problems], self.fold[problems], costs=costs
        )

    def own(self, problems: Mask) -> tuple[Decision, list[Choice]]:
        """Choose for some of the problems, from what was learned of all; and again without each fold."""
        clock = self.search.clock
        part = self.train.select(problems=problems)
        known = replace(self.known, rows=self.known.narrowed(part))
        decision = decide(part, known, self.limits, self.search, clock())
        return replace(decision, choice=_beside(decision.choice, self.common.choice)), [
            _beside(self._anew(problems & one.rest, one.known), one.common) for one in self.without
        ]

    def _anew(self, problems: Mask, known: Estimate) -> Choice:
        rest = self.train.select(problems=problems)
        return self.search.chosen(rest, self.limits, known.narrowed(rest))


def stratify(
    outcomes: Outcomes, budget: Budget, field: str, estimator: Estimator, search: Search
) -> Stratified:
    """Plan a task for a budget per problem, with plans for the values of a field where these pay.

    One model is fitted to all training problems. A value with 30 of them or more is planned for its own
    problems as that model sees them; it keeps the common plan unless its own solves more, by 5-fold
    cross-validation in which model and both plans are made anew, with an interval above 0.

    Args:
        outcomes: What was sampled, with tags and split.
        budget: Per problem.
        field: The tag.
        estimator: How pass rates are estimated.
        search: How allocations are found.

    Raises:
        UsageError: no training problem has the tag, or nothing can be planned.
    """
    texts = texts_of(outcomes, field)
    values = _values(outcomes, field, texts)
    task = _learned(outcomes, budget, estimator, search, texts)
    own, strata = [], []
    kept = outcomes.train | outcomes.held_out
    for text, value in values.items():
        every = np.array([other == text for other in texts])
        problems = every[outcomes.train]
        if problems.sum() < LEAST:
            strata.append(Stratum(value, int(problems.sum()), None))
            continue
        decision, choices = task.own(problems)
        stratum = Stratum(value, int(problems.sum()), _over_common(task, problems, choices))
        strata.append(stratum)
        if stratum.own:
            validation = task.validated(problems, choices)
            part = outcomes.select(problems=every)
            own.append(Part({field: value}, part, decision, validation, stratum.gain))
            kept &= ~every
    return Stratified((*own, _common(task, outcomes, kept)), tuple(strata))


def texts_of(outcomes: Outcomes, field: str) -> list[str | None]:
    """Return the value of a field of each problem as text; ``None`` where it has none."""
    return [value_text(outcomes.tags.get(problem, {}).get(field)) for problem in outcomes.problems]


def _values(outcomes: Outcomes, field: str, texts: Sequence[str | None]) -> dict[str, Json]:
    """Return the values of the training problems by their text, in the order of the problems."""
    found: dict[str, Json] = {}
    for problem, text, train in zip(outcomes.problems, texts, outcomes.train, strict=True):
        if train and text is not None:
            found.setdefault(text, outcomes.tags[problem][field])
    if not found:
        raise UsageError(
            f"strata: no training problem has the tag '{field}'; name another, or tag the problems"
        )
    return found


def _learned(
    outcomes: Outcomes, budget: Budget, estimator: Estimator, search: Search, texts: Sequence[str | None]
) -> _Task:
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)
    begun = search.clock()
    shares = budget.share == "problems"
    search = replace(search, manner=replace(search.manner, shares=shares))
    reach = search.manner.reach(limits)
    known = learn(train, estimator, reach)
    common = decide(train, known, limits, search, begun)
    fold = folds(train.problems, [text for text, trains in zip(texts, outcomes.train, strict=True) if trains])
    without = []
    for index in range(FOLDS):
        rest = train.select(problems=fold != index)
        if not rest.problems or not rest.n.any():
            rest = train
        anew = learn(rest, estimator, reach)
        without.append(_Without(fold != index, anew, search.chosen(rest, limits, anew.rows)))
    costs = costs_per_sample(train, budget) if shares else None
    return _Task(train, usd_per_sample(train), costs, limits, search, known, common, fold, without)


def _beside(choice: Choice, common: Choice) -> Choice:
    """Return a choice beside the baselines of the whole task: what one would do without strata."""
    return replace(choice, best_pure=common.best_pure, uniform=common.uniform)


def _over_common(task: _Task, problems: Mask, choices: Sequence[Choice]) -> Gain | None:
    """Return the gain of own choices over the common ones that were made without the same folds."""
    # The common plan takes the place of the even spread, so that it is evaluated in the same way.
    rivals = [
        replace(choice, uniform=one.common.counts) for choice, one in zip(choices, task.without, strict=True)
    ]
    validation = task.validated(problems, rivals)
    if validation is None:
        return None
    return Gain(*paired_interval(validation.plan, validation.uniform, validation.doubt.over_uniform))


def _common(task: _Task, outcomes: Outcomes, kept: Mask) -> Part:
    """Return the common plan, evaluated on the problems that take it: on all where none does."""
    some = kept if (kept & outcomes.train).any() else outcomes.train | outcomes.held_out
    validation = task.validated(some[outcomes.train], [one.common for one in task.without])
    return Part({}, outcomes.select(problems=some), task.common, validation)
