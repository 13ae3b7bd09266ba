"""Right answers and wrong accepts on problems that chose nothing, by cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.allocate.accept_first import wrong_per_reject
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.crossvalidation import CORRELATED, folds
from osca_cli.plan.extrapolation import TRUST, Extrapolated, Extrapolation
from osca_cli.plan.replay import beyond, replay, unknown

NAMES = ("plan", "naive", "best_pure", "uniform")
"""The sequences that are compared, in their order everywhere."""

Mix = Sequence[tuple[float, Sequence[int]]]
"""Sequences with the share of problems that each is drawn on."""


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """What was chosen: the four mixes of :data:`NAMES`, and what extrapolates."""

    mixes: Sequence[Mix]
    extrapolation: Extrapolation | None

    def drawn(self, size: int) -> Floats:
        """Return the most that any of them draws of each of so many configurations, shape ``(S,)``."""
        orders = [order for mix in self.mixes for _, order in mix]
        counts = [np.bincount(np.array(order, np.int64), minlength=size) for order in orders]
        most: Floats = np.max(counts, axis=0).astype(float)
        return most


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """Problems that chose nothing, J of them.

    Attributes:
        values: Probability of a right answer by each sequence, and then of a wrong accept, ``(8, J)``. Of a
            single problem both may leave [0, 1]: their means are what is without bias.
        least: The same if nothing is accepted beyond the samples.
        most: The same if the model is right.
        samples: That the plan draws, shape ``(J,)``.
        usd: Their cost; NaN where a price is unknown.
        left_out: Problems without any sample in a cell that they needed.
        extrapolated: Problems with a cell of fewer samples than a sequence draws.
    """

    values: Floats
    least: Floats
    most: Floats
    samples: Floats
    usd: Floats
    left_out: int
    extrapolated: int


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """All folds.

    Attributes:
        replayed: The folds together.
        everywhere: Means of ``values`` over all problems, by what each fold chose, shape ``(F, 8)``.
    """

    replayed: Replayed
    everywhere: Floats

    def doubt(self, contrast: Floats, *, gain: bool) -> float:
        """Return the variance of a mean that the spread over problems does not show.

        Args:
            contrast: What is claimed, as weights of the values, shape ``(8,)``.
            gain: Whether it is a difference between sequences; see :class:`Doubt`.
        """
        choices = self.everywhere @ contrast
        choosing = (len(choices) - 1) * float(np.var(choices))
        apart = contrast @ (self.replayed.most - self.replayed.least).mean(axis=1)
        values = contrast @ self.replayed.values
        spread = float(np.var(values)) / len(values)
        return choosing + float(apart / 3) ** 2 + (CORRELATED * spread if gain else 0.0)


def validate(
    outcomes: Outcomes, usd: Floats, rate: float, choose: Callable[[Outcomes], Sequences]
) -> Validation | None:
    """Choose without each fold, and replay on it.

    Args:
        outcomes: The training problems, with what the verifier accepted.
        usd: Cost of one sample of each cell, shape ``(S, P)``; NaN where unknown.
        rate: At which wrong samples are accepted.
        choose: Chooses from training outcomes alone.

    Returns:
        None where no problem can be evaluated.
    """
    fold = folds(outcomes.problems)
    parts, everywhere = [], []
    for index in range(fold.max() + 1):
        rest, left = fold != index, fold == index
        if not (rest.any() and left.any() and outcomes.n[:, rest].any()):
            continue
        chosen = choose(outcomes.select(problems=rest))
        parts.append(_replayed(outcomes.select(problems=left), usd[:, left], chosen, rate))
        values = _replayed(outcomes, usd, chosen, rate).values
        if values.size:
            everywhere.append(values.mean(axis=1))
    if not any(part.samples.size for part in parts):
        return None
    return Validation(_together(parts), np.array(everywhere))


def _together(parts: Sequence[Replayed]) -> Replayed:
    return Replayed(
        values=np.concatenate([part.values for part in parts], axis=1),
        least=np.concatenate([part.least for part in parts], axis=1),
        most=np.concatenate([part.most for part in parts], axis=1),
        samples=np.concatenate([part.samples for part in parts]),
        usd=np.concatenate([part.usd for part in parts]),
        left_out=sum(part.left_out for part in parts),
        extrapolated=sum(part.extrapolated for part in parts),
    )


def _replayed(outcomes: Outcomes, usd: Floats, chosen: Sequences, rate: float) -> Replayed:
    drawn = chosen.drawn(len(outcomes.configurations))
    # Cells that schedules stopped in say nothing without bias, so a model alone would judge there.
    stand_in = chosen.extrapolation if outcomes.stopped is None else None
    out = unknown(outcomes, drawn, stand_in)
    view, usd = outcomes.select(problems=~out), usd[:, ~out]
    model = chosen.extrapolation.to(view) if chosen.extrapolation and view.problems else None
    values = least = most = right_and_wrong(view, chosen.mixes, rate, model)
    far = beyond(view, drawn)
    if model is not None and far.any():
        least, most = (right_and_wrong(view, chosen.mixes, rate, model, trust) for trust in (0.0, 1.0))
    plan = replay(view, chosen.mixes[0][0][1], usd, model)
    return Replayed(values, least, most, plan.samples, plan.usd, int(out.sum()), int(far.sum()))


def right_and_wrong(
    outcomes: Outcomes,
    mixes: Sequence[Mix],
    rate: float,
    model: Extrapolated | None = None,
    trust: float = TRUST,
) -> Floats:
    """Return what each mix comes to on every problem: right answers, and below them wrong accepts.

    Args:
        outcomes: With what the verifier accepted.
        mixes: M of them.
        rate: At which wrong samples are accepted.
        model: What extrapolates beyond the samples.
        trust: What it counts for.

    Returns:
        Shape ``(2 M, J)``, without bias where there are samples enough and the rate is the verifier's.
    """
    free = np.zeros(outcomes.n.shape)
    accepted, rejected = np.zeros((2, len(mixes), len(outcomes.problems)))
    for m, mix in enumerate(mixes):
        for share, order in mix:
            drawn = replay(outcomes, order, free, model, trust)
            accepted[m] += share * (1 - drawn.failure)
            rejected[m] += share * (drawn.samples - (1 - drawn.failure))
    wrong = wrong_per_reject(rate) * rejected
    return np.concatenate([accepted - wrong, wrong])
