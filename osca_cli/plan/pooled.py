"""What a batch of problems does that share a budget, replayed on problems that did not choose its orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.choice import Choice
from osca_cli.plan.extrapolation import TRUST, Extrapolated
from osca_cli.plan.replay import failures


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some problems of a batch, and the order that they are drawn by.

    Attributes:
        outcomes: The problems.
        choice: The order, with its rounds.
        costs: Of one sample of each cell in the budget's kind, shape ``(S, J)``.
        usd: The same in USD; NaN where a price is unknown.
        model: What extrapolates beyond their samples.
    """

    outcomes: Outcomes
    choice: Choice
    costs: Floats
    usd: Floats
    model: Extrapolated | None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a batch does.

    Attributes:
        values: Their mean is the pass rate; their spread is that of its error, which counts that a harder
            batch reaches less far: ``1 - failure - h (spend - budget)``, where ``h`` is what a unit more of
            budget would solve. Shape ``(J,)``.
        depth: How many samples the unsolved problems get.
        samples: Mean samples of a problem.
        usd: Mean cost of a problem; NaN where a price is unknown.
        doubt: Variance of the mean that comes of extrapolating.
    """

    values: Floats
    depth: float
    samples: float
    usd: float
    doubt: float = 0.0


def batch_of(parts: Sequence[Part], budget: float) -> Batch:
    """Replay a large batch: its problems are drawn in turns until the mean spend is the budget.

    Args:
        parts: All problems, each with an order that it did not choose.
        budget: Mean per problem, in the kind of the costs.
    """
    batch = _replayed(parts, budget, TRUST)
    beyond = [part for part in parts if part.model is not None and _reaches_beyond(part, batch.depth)]
    if not beyond:
        return batch
    least, most = (float(_replayed(parts, budget, trust).values.mean()) for trust in (0.0, 1.0))
    return Batch(batch.values, batch.depth, batch.samples, batch.usd, ((most - least) / 3) ** 2)


def _reaches_beyond(part: Part, depth: float) -> bool:
    drawn = np.bincount(part.choice.order[: int(np.ceil(depth))], minlength=len(part.outcomes.n))
    return bool(np.any(part.outcomes.n < drawn[:, None]))


def _replayed(parts: Sequence[Part], budget: float, trust: float) -> Batch:
    failure = np.ones(sum(len(part.outcomes.problems) for part in parts))
    drawn_for = failure.copy()  # unsolved when the round began
    samples, usd, spend = np.zeros_like(failure), np.zeros_like(failure), np.zeros_like(failure)
    depth, hazard = 0.0, 0.0
    for step in _steps(parts, trust):
        drawn_for = np.where(step.begins, failure, drawn_for)
        cost = drawn_for * step.cost
        mean = float(cost.mean())
        if mean == 0.0 and not step.cost.any():
            break
        room = budget - float(spend.mean())
        share = 1.0 if mean <= room else max(0.0, room / mean)
        solved = failure - step.failure
        failure = failure - share * solved
        samples += share * drawn_for * (step.cost > 0)
        usd += share * drawn_for * step.usd
        spend += share * cost
        depth += share
        if share < 1.0:
            hazard = float(solved.mean()) / mean
            break
    values = 1.0 - failure - hazard * (spend - spend.mean())
    return Batch(values, depth, float(samples.mean()), float(usd.mean()))


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """One more sample for every problem; of those whose order has ended nothing changes.

    Attributes:
        failure: Probability that all samples so far fail, shape ``(J,)``.
        cost: What it costs, shape ``(J,)``; 0 where there is none.
        usd: The same in USD.
        begins: Whether a round begins with it, shape ``(J,)``.
    """

    failure: Floats
    cost: Floats
    usd: Floats
    begins: Floats


def _steps(parts: Sequence[Part], trust: float) -> Iterator[_Step]:
    walks = [_walk(part, trust) for part in parts]
    while True:
        each = [next(walk) for walk in walks]
        yield _Step(*(np.concatenate(column) for column in zip(*each, strict=True)))


def _walk(part: Part, trust: float) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
    """Yield the steps of one part, without end."""
    order = part.choice.order
    width = len(part.outcomes.problems)
    # The last round goes on as long as the budget lasts.
    starts = {0, *list(accumulate(part.choice.rounds))[:-1]} if part.choice.rounds else None
    failure = np.ones(width)
    for step, (s, failure) in enumerate(
        zip(order, failures(part.outcomes, order, part.model, trust), strict=True)
    ):
        begins = np.full(width, starts is None or step in starts)
        yield failure, part.costs[s], part.usd[s], begins
    nothing = np.zeros(width)
    while True:
        yield failure, nothing, nothing, np.full(width, fill_value=True)
