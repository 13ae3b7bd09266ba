"""An earlier allocation beside the one that would be made now, on problems that chose neither anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osca_cli.estimate.multiple import LEVEL, holm
from osca_cli.estimate.spread import Spread, difference_of
from osca_cli.outcomes.types import Floats, Mask, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Choice, Estimator, choose, learn
from osca_cli.plan.crossvalidation import CORRELATED, cross_validate, folds
from osca_cli.plan.decision import Search
from osca_cli.plan.extrapolation import Extrapolated, Extrapolation
from osca_cli.plan.planner import usd_per_sample
from osca_cli.plan.replay import failure_of, unknown
from osca_cli.plan.result import Gain
from osca_cli.spec.types import Budget


@dataclass(frozen=True, slots=True)
class Marginal:
    """What a configuration that neither allocation draws would add.

    Attributes:
        name: The configuration.
        gain: Of its samples in the place of the new plan's last one, at the same spend.
        pays: Whether that is above 0, corrected for the number of configurations that are looked at.
    """

    name: str
    gain: Gain
    pays: bool

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        return {"configuration": self.name, **self.gain.to_json(), "pays": self.pays}


@dataclass(frozen=True, slots=True)
class Against:
    """A new allocation beside an old one.

    Attributes:
        task: Name of the task.
        old: The old allocation.
        new: The new one.
        gain: Of choosing anew over the old allocation, by cross-validation; ``None`` where there are too few
            problems, or the old allocation cannot be evaluated.
        gone: What the old one draws and there are no samples of.
        learned_from: Problems that chose the old allocation, too, which flatters it.
        marginals: Of each configuration in neither.
    """

    task: str
    old: Mapping[str, int]
    new: Mapping[str, int]
    gain: Gain | None
    gone: tuple[str, ...]
    learned_from: int
    marginals: tuple[Marginal, ...]

    @property
    def changes(self) -> bool:
        """Whether choosing anew solves more, with an interval above 0."""
        return self.gain is not None and self.gain.interval[0] > 0

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        return {
            "task": self.task,
            "allocation": dict(self.old),
            "gain": self.gain and self.gain.to_json(),
            "changes": self.changes,
            "gone": list(self.gone),
            "learned_from": self.learned_from,
            "marginal": [one.to_json() for one in self.marginals],
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Anew:
    """What is chosen without a fold."""

    choice: Choice
    extrapolation: Extrapolation | None


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Problems that a choice is looked at on.

    Attributes:
        failing: Probability that all samples of the choice fail, shape ``(J,)``.
    """

    view: Outcomes
    anew: _Anew
    model: Extrapolated | None
    failing: Floats

    @classmethod
    def of(cls, view: Outcomes, anew: _Anew) -> _Seen:
        """Look at a choice on these problems."""
        model = anew.extrapolation.to(view) if anew.extrapolation is not None and view.problems else None
        return cls(view, anew, model, failure_of(view, anew.choice.counts.astype(float), model))

    def exchanged(self, row: int) -> Floats:
        """Return what a configuration adds to each problem in the place of the choice's last sample.

        Problems that nothing is known of are left out.
        """
        choice, limits = self.anew.choice, self.anew.choice.limits
        last = choice.schedule[-1]
        counts = choice.counts.astype(float)
        counts[last] -= 1
        room = max(0.0, float(limits.upper[row]) - counts[row])
        counts[row] += min(room, float(limits.costs[last] / limits.prices()[row]))
        most = np.maximum(counts, choice.counts)
        known = ~unknown(self.view, most, self.anew.extrapolation)
        gained: Floats = (self.failing - failure_of(self.view, counts, self.model))[known]
        return gained


def against(
    outcomes: Outcomes,
    budget: Budget,
    old: Mapping[str, int],
    new: Mapping[str, int],
    *,
    task: str,
    learned_from: frozenset[str] = frozenset(),
    estimator: Estimator = "auto",
    search: Search | None = None,
) -> Against:
    """Compare an old allocation with what is chosen now, and look at what neither draws.

    By 5-fold cross-validation over the training problems: each fold is judged by the old allocation as it
    is, and by one that is chosen without the fold.

    Args:
        outcomes: What was sampled, with its split.
        budget: Of the new allocation, per problem.
        old: The old allocation by name.
        new: The new one.
        task: Name of the task.
        learned_from: Ids of the problems that chose the old one.
        estimator: How pass rates are estimated.
        search: How allocations are found.

    Raises:
        UsageError: nothing can be planned.
    """
    find = (search or Search()).find
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)
    fold = folds(train.problems)
    made: dict[tuple[str, ...], _Anew] = {}

    def choose_anew(rest: Outcomes) -> _Anew:
        if rest.problems not in made:
            anew = learn(rest, estimator, limits)
            made[rest.problems] = _Anew(choose(rest, limits, anew.rows, find), anew.extrapolation)
        return made[rest.problems]

    has_samples = {name: bool(n.any()) for name, n in zip(train.configurations, train.n, strict=True)}
    known = {name: count for name, count in old.items() if has_samples.get(name)}
    gone = tuple(name for name in old if name not in known)
    sampled = [name for name, some in has_samples.items() if some and name not in {**old, **new}]
    parts = [
        (choose_anew(train.select(problems=fold != index)), fold == index)
        for index in range(int(fold.max(initial=-1)) + 1)
        if (fold != index).any() and train.n[:, fold != index].any()
    ]
    return Against(
        task=task,
        old=old,
        new=new,
        gain=None if gone else _over_old(train, known, choose_anew),
        gone=gone,
        learned_from=len(learned_from & set(train.problems)),
        marginals=_marginals(train, sampled, parts),
    )


def _over_old(
    train: Outcomes, old: Mapping[str, int], choose_anew: Callable[[Outcomes], _Anew]
) -> Gain | None:
    """Return the gain over the old allocation, which takes the place of the even spread."""
    counts = np.array([old.get(name, 0) for name in train.configurations])

    def rivals(rest: Outcomes) -> tuple[Choice, Extrapolation | None]:
        anew = choose_anew(rest)
        return replace(anew.choice, uniform=counts), anew.extrapolation

    validation = cross_validate(train, usd_per_sample(train), rivals)
    if validation is None or len(validation.plan) < 2:
        return None
    spread = difference_of(validation.plan, validation.uniform)
    return _gain(spread, validation.doubt.over_uniform)


def _marginals(
    train: Outcomes, names: Sequence[str], parts: Sequence[tuple[_Anew, Mask]]
) -> tuple[Marginal, ...]:
    """Say what each configuration adds, judged on each fold by what was chosen without it."""
    apart = [_Seen.of(train.select(problems=left), anew) for anew, left in parts]
    everywhere = [_Seen.of(train, anew) for anew, _ in parts]
    found = []
    for name in names:
        row = train.configurations.index(name)
        gains = np.concatenate([np.zeros(0), *(seen.exchanged(row) for seen in apart)])
        if len(gains) < 2:
            continue
        means = [float(np.mean(seen.exchanged(row))) for seen in everywhere]
        choosing = (len(parts) - 1) * float(np.var(means))
        doubt = choosing + CORRELATED * float(np.var(gains)) / len(gains)
        found.append((name, difference_of(gains, np.zeros(len(gains))), doubt))
    adjusted = holm([spread.p_value(doubt) for _, spread, doubt in found])
    return tuple(
        Marginal(name, _gain(spread, doubt), spread.mean > 0 and p_value < LEVEL)
        for (name, spread, doubt), p_value in zip(found, adjusted, strict=True)
    )


def _gain(spread: Spread, doubt: float) -> Gain:
    low, high = spread.interval(doubt=doubt)
    return Gain(spread.mean, (max(-1.0, low), min(1.0, high)))
