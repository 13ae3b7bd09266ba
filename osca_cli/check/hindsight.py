"""The best that a budget could have bought, as the held-out problems themselves tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.estimate.plugin import plugin
from osca_cli.outcomes.types import Floats, Mask, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import choose
from osca_cli.plan.crossvalidation import FOLDS, folds
from osca_cli.plan.decision import Search
from osca_cli.spec.types import Budget


@dataclass(frozen=True, slots=True, eq=False)
class Hindsight:
    """What allocations that the held-out problems chose solve of them, shape ``(J,)`` each.

    The best possible allocation lies between the two: what is chosen by the problems that judge it has
    fitted their noise and looks too good; what is chosen by some of them for others knows less.

    Attributes:
        fitted: Chosen by the problems that judge it.
        crossed: Chosen by four fifths of them, and judged by the fifth.
    """

    fitted: Floats
    crossed: Floats

    @classmethod
    def joined(cls, parts: Sequence[Hindsight]) -> Hindsight:
        """Return the hindsight of several plans, each on its problems."""
        fitted = np.concatenate([part.fitted for part in parts])
        return cls(fitted, np.concatenate([part.crossed for part in parts]))


def hindsight(outcomes: Outcomes, budget: Budget, problems: Mask, known: Sequence[Floats]) -> Hindsight:
    """Look for the best allocations that the samples of held-out problems can judge.

    No configuration is drawn more often than every one of these problems has samples of it.

    Args:
        outcomes: What was sampled.
        budget: Per problem, at the costs of the training problems.
        problems: The held-out problems, shape ``(P,)``.
        known: What allocations solve that are among the candidates in any case, shape ``(J,)`` each.
    """
    view = outcomes.select(problems=problems)
    limits = limits_of(outcomes.select(problems=outcomes.train), budget)
    limits = replace(limits, upper=np.minimum(limits.upper, view.n.min(axis=1)))
    everywhere = np.ones(len(view.problems), bool)

    def chosen(by: Mask) -> Floats:
        some = view.select(problems=by)
        counts = choose(some, limits, plugin(some), Search().find).counts
        named = {name: int(count) for name, count in zip(view.configurations, counts, strict=True) if count}
        return coverage_per_problem(view, named, everywhere)

    def best(candidates: Sequence[Floats], by: Mask) -> Floats:
        return max(candidates, key=lambda solved: float(solved[by].mean()))

    fitted = best([chosen(everywhere), *known], everywhere)
    crossed = np.zeros(len(view.problems))
    fold = folds(view.problems)
    for index in range(FOLDS):
        left, rest = fold == index, fold != index
        if left.any():
            by = rest if rest.any() else everywhere
            crossed[left] = best([chosen(by), *known], by)[left]
    return Hindsight(fitted, crossed)
