"""Cross-validation by problem: what is claimed comes from problems that chose nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.choice import Choice, fraction
from osca_cli.plan.extrapolation import TRUST, Extrapolated, Extrapolation
from osca_cli.plan.factor import compute_factor, pure_at, uniform_at
from osca_cli.plan.pooled import Batch, Part, batch_of
from osca_cli.plan.replay import beyond, failure_of, replay, unknown
from osca_cli.plan.result import ComputeFactor

FOLDS = 5
CONTRASTS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [1, 0, -1]])
"""What is claimed, of coverage by plan, best pure and uniform: each of them, and the plan's two gains."""

IS_GAIN = np.array([False, False, False, True, True])
CORRELATED = 0.6
"""What the correlation of folds adds to the variance of a mean gain, as a share of it.

Folds choose from problems that other folds are evaluated on. Nadeau and Bengio (2003) add 1.25; on made
matrices the errors of gains had 1.4 to 1.6 times the variance that their spread over problems shows.
"""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Variances of claimed means that the spread over problems does not show.

    Choices differ between folds, and the one that is claimed of is another: the jackknife over folds tells
    by how much (Efron 1982). Gains of folds are correlated. And where samples end, the model says how much
    more is solved: a third of that is taken for a standard deviation. ``choosing`` is the first part of the
    plan's.
    """

    plan: float
    best_pure: float
    uniform: float
    over_best_pure: float
    over_uniform: float
    choosing: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """Coverage of each evaluated problem, chosen without it, shape ``(J,)`` each.

    Attributes:
        plan: By the allocation.
        best_pure: By the best single configuration.
        uniform: By the even spread.
        samples: Samples that the schedule draws when stopping at the first pass.
        usd: Their cost; NaN where a price is unknown.
        left_out: Problems without any sample in a cell that they needed.
        extrapolated: Problems with a cell of fewer samples than the allocation draws.
        doubt: Of the means of the first three and of their differences.
        batch: What all problems do as one batch that shares the budget; None where none does.
        pure_needs: How many budgets the best single configuration needs to cover as much as the plan; None
            where that is not asked.
        uniform_needs: The same of the even spread.
    """

    plan: Floats
    best_pure: Floats
    uniform: Floats
    samples: Floats
    usd: Floats
    left_out: int
    extrapolated: int
    doubt: Doubt
    pure_needs: ComputeFactor | None
    uniform_needs: ComputeFactor | None
    batch: Batch | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One fold evaluated.

    Attributes:
        view: Its problems, those that can be evaluated.
        choice: Made without them.
        extrapolated_by: What extrapolates.
        costs: Of one sample of each cell in the budget's kind, where problems share it.
        usd_each: The same in USD.
        coverage: By plan, best pure and uniform, shape ``(3, J)``.
        least: The same if nothing is solved beyond the samples.
        most: The same if the model is right.
    """

    view: Outcomes
    choice: Choice
    extrapolated_by: Extrapolated | None
    costs: Floats | None
    usd_each: Floats
    coverage: Floats
    least: Floats
    most: Floats
    samples: Floats
    usd: Floats
    left_out: int
    extrapolated: int


def cross_validate(
    outcomes: Outcomes,
    usd: Floats,
    choose: Callable[[Outcomes], tuple[Choice, Extrapolation | None]],
    fold: Ints | None = None,
    *,
    factors: bool = True,
    costs: Floats | None = None,
) -> CrossValidation | None:
    """Refit and choose without each fold, and evaluate on it.

    Args:
        outcomes: The training problems.
        usd: Cost of one sample of each cell, shape ``(S, P)``; NaN where unknown.
        choose: Estimates and allocates, from training outcomes alone; says what extrapolates, too.
        fold: The fold of each problem, where they are not dealt by :func:`folds`.
        factors: Whether to ask how many budgets the baselines need, which takes a search.
        costs: Of one sample of each cell in the budget's kind, shape ``(S, P)``, where problems share it.

    Returns:
        None where no problem can be evaluated: there is only one, or all lack samples.
    """
    fold = folds(outcomes.problems) if fold is None else fold
    parts, everywhere = [], []
    for index in range(fold.max() + 1):
        rest, left = fold != index, fold == index
        if not (rest.any() and left.any() and outcomes.n[:, rest].any()):
            continue
        choice, extrapolation = choose(outcomes.select(problems=rest))
        own = None if costs is None else costs[:, left]
        parts.append(_evaluate(outcomes.select(problems=left), usd[:, left], choice, extrapolation, own))
        coverage = _evaluate(outcomes, usd, choice, extrapolation).coverage
        if coverage.size:
            everywhere.append(coverage.mean(axis=1))
    if not any(part.samples.size for part in parts):
        return None
    plan, best_pure, uniform = np.concatenate([part.coverage for part in parts], axis=1)
    return CrossValidation(
        plan=plan,
        best_pure=best_pure,
        uniform=uniform,
        samples=np.concatenate([part.samples for part in parts]),
        usd=np.concatenate([part.usd for part in parts]),
        left_out=sum(part.left_out for part in parts),
        extrapolated=sum(part.extrapolated for part in parts),
        doubt=_doubt(parts, everywhere),
        pure_needs=_needs(parts, pure_at, float(plan.mean())) if factors else None,
        uniform_needs=_needs(parts, uniform_at, float(plan.mean())) if factors else None,
        batch=None if costs is None else _batch(parts),
    )


def _batch(parts: Sequence[_Part]) -> Batch:
    """Replay all problems as one batch, each by an order that was chosen without it."""
    some = [
        Part(part.view, part.choice, part.costs, part.usd_each, part.extrapolated_by)
        for part in parts
        if part.costs is not None and part.samples.size
    ]
    return batch_of(some, some[0].choice.limits.budget)


def folds(
    problems: Sequence[str], values: Sequence[str | None] | None = None, *, number: int = FOLDS
) -> Ints:
    """Deal problems to folds by the hash of their ids, so that neither order nor chance has part in it.

    Args:
        problems: Their ids.
        values: What they are dealt by, one after the other, if by anything.
        number: Of folds.

    Returns:
        Numbers below ``number``, shape ``(P,)``; folds differ in size by one at most, of every value as in
        all.
    """
    values = [None] * len(problems) if values is None else values
    keys = [
        (value is None, value or "", sha256(id_.encode()).digest())
        for id_, value in zip(problems, values, strict=True)
    ]
    fold = np.zeros(len(problems), np.int64)
    fold[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys)) % number
    return fold


def _evaluate(
    outcomes: Outcomes,
    usd: Floats,
    choice: Choice,
    extrapolation: Extrapolation | None,
    costs: Floats | None = None,
) -> _Part:
    pure = fraction(len(outcomes.configurations), choice.best_pure)
    drawn_by = (choice.counts.astype(float), pure, choice.uniform.astype(float))
    # Cells that schedules stopped in say nothing without bias, so a model alone would judge there.
    stand_in = extrapolation if outcomes.stopped is None else None
    out = unknown(outcomes, np.max(drawn_by, axis=0), stand_in)
    view = outcomes.select(problems=~out)
    model = extrapolation.to(view) if extrapolation is not None and view.problems else None
    coverage = least = most = _coverage(view, drawn_by, model, TRUST)
    if model is not None and beyond(view, np.max(drawn_by, axis=0)).any():
        least, most = (_coverage(view, drawn_by, model, trust) for trust in (0.0, 1.0))
    rounds = choice.rounds if sum(choice.rounds) == len(choice.schedule) else ()
    drawn = replay(view, choice.schedule, usd[:, ~out], model, rounds=rounds)
    return _Part(
        view=view,
        choice=choice,
        extrapolated_by=model,
        costs=None if costs is None else costs[:, ~out],
        usd_each=usd[:, ~out],
        coverage=coverage,
        least=least,
        most=most,
        samples=drawn.samples,
        usd=drawn.usd,
        left_out=int(out.sum()),
        extrapolated=int(beyond(view, drawn_by[0]).sum()),
    )


def _coverage(
    outcomes: Outcomes, drawn_by: Sequence[Floats], model: Extrapolated | None, trust: float
) -> Floats:
    return np.stack([1 - failure_of(outcomes, counts, model, trust) for counts in drawn_by])


def _needs(
    parts: Sequence[_Part], counts_at: Callable[[Choice, float], Floats], reached: float
) -> ComputeFactor:
    """Return how many budgets the baselines of the folds need to cover as much on the problems left out."""

    def coverage(times: float) -> float:
        failures = [
            failure_of(part.view, counts_at(part.choice, times), part.extrapolated_by) for part in parts
        ]
        return float(1 - np.concatenate(failures).mean())

    return compute_factor(parts[0].choice.limits, coverage, reached - 1e-9)


def _doubt(parts: Sequence[_Part], everywhere: Sequence[Floats]) -> Doubt:
    """Add the variance of choosing to that of extrapolating.

    Args:
        parts: The folds.
        everywhere: Mean coverage of each fold's choice over all problems, shape ``(3,)`` each.
    """
    choices = CONTRASTS @ np.array(everywhere).T
    number = len(everywhere)
    choosing = (number - 1) * np.var(choices, axis=1)
    least = np.concatenate([part.least for part in parts], axis=1).mean(axis=1)
    most = np.concatenate([part.most for part in parts], axis=1).mean(axis=1)
    extrapolating = (CONTRASTS @ (most - least) / 3) ** 2
    coverage = np.concatenate([part.coverage for part in parts], axis=1)
    spread = np.var(CONTRASTS @ coverage, axis=1) / coverage.shape[1]
    correlated = np.where(IS_GAIN, CORRELATED * spread, 0.0)
    plan, pure, even, over_pure, over_even = (choosing + extrapolating + correlated).tolist()
    return Doubt(plan, pure, even, over_pure, over_even, float(choosing[0]))
