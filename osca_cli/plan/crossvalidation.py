"""Cross-validation by problem: what is claimed comes from problems that chose nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.choice import Choice, fraction
from osca_cli.plan.extrapolation import Extrapolation
from osca_cli.plan.replay import beyond, failure_of, replay, unknown

FOLDS = 5


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
    """

    plan: Floats
    best_pure: Floats
    uniform: Floats
    samples: Floats
    usd: Floats
    left_out: int
    extrapolated: int


def cross_validate(
    outcomes: Outcomes, usd: Floats, choose: Callable[[Outcomes], tuple[Choice, Extrapolation | None]]
) -> CrossValidation | None:
    """Refit and choose without each fold, and evaluate on it.

    Args:
        outcomes: The training problems.
        usd: Cost of one sample of each cell, shape ``(S, P)``; NaN where unknown.
        choose: Estimates and allocates, from training outcomes alone; says what extrapolates, too.

    Returns:
        None where no problem can be evaluated: there is only one, or all lack samples.
    """
    fold = folds(outcomes.problems)
    parts = []
    for index in range(fold.max() + 1):
        rest, left = fold != index, fold == index
        if not rest.any() or not outcomes.n[:, rest].any():
            continue
        choice, extrapolation = choose(outcomes.select(problems=rest))
        parts.append(_evaluate(outcomes.select(problems=left), usd[:, left], choice, extrapolation))
    if not any(part.plan.size for part in parts):
        return None
    return CrossValidation(
        plan=np.concatenate([part.plan for part in parts]),
        best_pure=np.concatenate([part.best_pure for part in parts]),
        uniform=np.concatenate([part.uniform for part in parts]),
        samples=np.concatenate([part.samples for part in parts]),
        usd=np.concatenate([part.usd for part in parts]),
        left_out=sum(part.left_out for part in parts),
        extrapolated=sum(part.extrapolated for part in parts),
    )


def folds(problems: tuple[str, ...]) -> Ints:
    """Deal problems to folds by the hash of their ids, so that neither order nor chance has part in it.

    Returns:
        Numbers below 5, shape ``(P,)``; folds differ in size by one at most.
    """
    order = sorted(range(len(problems)), key=lambda index: sha256(problems[index].encode()).digest())
    fold = np.zeros(len(problems), np.int64)
    fold[order] = np.arange(len(problems)) % FOLDS
    return fold


def _evaluate(
    outcomes: Outcomes, usd: Floats, choice: Choice, extrapolation: Extrapolation | None
) -> CrossValidation:
    pure = fraction(len(outcomes.configurations), choice.best_pure)
    out = unknown(outcomes, np.maximum(np.maximum(choice.counts, pure), choice.uniform), extrapolation)
    view = outcomes.select(problems=~out)
    model = extrapolation.to(view) if extrapolation is not None and view.problems else None
    drawn = replay(view, choice.schedule, usd[:, ~out], model)
    return CrossValidation(
        plan=1 - drawn.failure,
        best_pure=1 - failure_of(view, pure, model),
        uniform=1 - failure_of(view, choice.uniform.astype(float), model),
        samples=drawn.samples,
        usd=drawn.usd,
        left_out=int(out.sum()),
        extrapolated=int(beyond(view, choice.counts.astype(float)).sum()),
    )
