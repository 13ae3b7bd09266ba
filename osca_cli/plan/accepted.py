"""Right answers and wrong accepts on problems that chose nothing, by cross-validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from osca_cli.allocate.accept_first import Worth, WrongAccepts, net_utility, wrong_per_reject
from osca_cli.estimate.accepts import shrunk_rates
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.crossvalidation import CORRELATED, folds
from osca_cli.plan.extrapolation import TRUST, Extrapolated, Extrapolation
from osca_cli.plan.replay import beyond, failure_of, failures, replay, unknown

NAMES = ("plan", "naive", "best_pure", "uniform")
"""The sequences that are compared, in their order everywhere."""

Mix: TypeAlias = Sequence[tuple[float, Sequence[int]]]
"""Sequences with the share of problems that each is drawn on."""


@dataclass(frozen=True, slots=True, eq=False)
class Wrong:
    """Wrong accepts that a rejected sample stands for: as many as is likely, and at most."""

    likely: WrongAccepts
    most: WrongAccepts

    @classmethod
    def at(cls, rate: float, size: int) -> Wrong:
        """Return those of one rate at which wrong samples of all configurations are accepted."""
        every = WrongAccepts(wrong_per_reject(np.full(size, rate)))
        return cls(every, every)

    @classmethod
    def of(cls, outcomes: Outcomes) -> Wrong:
        """Return those that a pilot tells, in which two verifiers have judged every sample."""
        if outcomes.accepts is None:
            raise ValueError("outcomes that do not say what is accepted")
        accepts = outcomes.accepts
        # Of what is no right answer: a right sample that is rejected ends nothing either.
        shares = shrunk_rates(accepts.wrong, outcomes.n - accepts.right)
        likely, most = wrong_per_reject(shares.likely), wrong_per_reject(shares.most)
        return cls(WrongAccepts(likely, shares.strength), WrongAccepts(most, shares.strength))


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """What was chosen: the four mixes of :data:`NAMES`, and what tells how they do.

    Attributes:
        wrong: Likely wrong accepts per rejected sample.
        extrapolation: Of what is accepted.
        right: Of what is right, where the outcomes tell both.
    """

    mixes: Sequence[Mix]
    wrong: WrongAccepts
    extrapolation: Extrapolation | None
    right: Extrapolation | None = None

    def drawn(self, size: int) -> Floats:
        """Return the most that any of them draws of each of so many configurations, shape ``(S,)``."""
        most: Floats = np.max([_counts(order, size) for mix in self.mixes for _, order in mix], axis=0)
        return most


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """Problems that chose nothing, J of them.

    Attributes:
        values: Probability of a right answer by each sequence, and then of a wrong accept, ``(8, J)``. Of a
            single problem both may leave [0, 1]: their means are what is without bias.
        least: The same if nothing is accepted beyond the samples.
        most: The same if the model is right.
        coverage: Probability that each sequence has a right sample, accepted or not, ``(4, J)``; NaN where
            the outcomes do not tell.
        samples: That the plan draws, shape ``(J,)``.
        usd: Their cost; NaN where a price is unknown.
        left_out: Problems without any sample in a cell that they needed.
        extrapolated: Problems with a cell of fewer samples than a sequence draws.
    """

    values: Floats
    least: Floats
    most: Floats
    coverage: Floats
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


def validate(outcomes: Outcomes, usd: Floats, choose: Callable[[Outcomes], Sequences]) -> Validation | None:
    """Choose without each fold, and replay on it.

    Args:
        outcomes: The training problems, with what was accepted.
        usd: Cost of one sample of each cell, shape ``(S, P)``; NaN where unknown.
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
        parts.append(_replayed(outcomes.select(problems=left), usd[:, left], chosen))
        values = _replayed(outcomes, usd, chosen).values
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
        coverage=np.concatenate([part.coverage for part in parts], axis=1),
        samples=np.concatenate([part.samples for part in parts]),
        usd=np.concatenate([part.usd for part in parts]),
        left_out=sum(part.left_out for part in parts),
        extrapolated=sum(part.extrapolated for part in parts),
    )


def _replayed(outcomes: Outcomes, usd: Floats, chosen: Sequences) -> Replayed:
    drawn = chosen.drawn(len(outcomes.configurations))
    # Cells that schedules stopped in say nothing without bias, so a model alone would judge there.
    stand_in = chosen.extrapolation if outcomes.stopped is None else None
    out = unknown(outcomes, drawn, stand_in)
    view, usd = outcomes.select(problems=~out), usd[:, ~out]
    seen = view.accepted()
    model = chosen.extrapolation.to(seen) if chosen.extrapolation and view.problems else None
    values = least = most = right_and_wrong(view, chosen.mixes, chosen.wrong, model)
    far = beyond(view, drawn)
    if model is not None and far.any():
        least, most = (
            right_and_wrong(view, chosen.mixes, chosen.wrong, model, trust) for trust in (0.0, 1.0)
        )
    plan = replay(seen, chosen.mixes[0][0][1], usd, model)
    return Replayed(
        values, least, most, coverage(view, chosen), plan.samples, plan.usd, int(out.sum()), int(far.sum())
    )


def coverage(outcomes: Outcomes, chosen: Sequences) -> Floats:
    """Return the probability that a sample of each mix is right, shape ``(M, J)``; NaN if nothing tells."""
    width = len(outcomes.problems)
    if outcomes.accepts is None or not width:
        return np.full((len(chosen.mixes), width), np.nan)
    model = chosen.right.to(outcomes) if chosen.right else None
    size = len(outcomes.configurations)
    failure = np.zeros((len(chosen.mixes), width))
    for m, mix in enumerate(chosen.mixes):
        for share, order in mix:
            failure[m] += share * failure_of(outcomes, _counts(order, size), model)
    return 1 - failure


def _counts(order: Sequence[int], size: int) -> Floats:
    return np.bincount(np.array(order, np.int64), minlength=size).astype(float)


def right_and_wrong(
    outcomes: Outcomes,
    mixes: Sequence[Mix],
    wrong: WrongAccepts,
    model: Extrapolated | None = None,
    trust: float = TRUST,
) -> Floats:
    """Return what each mix comes to on every problem: right answers, and below them wrong accepts.

    Args:
        outcomes: With what was accepted.
        mixes: M of them.
        wrong: Wrong accepts that a rejected sample stands for.
        model: What extrapolates what is accepted beyond the samples.
        trust: What it counts for.

    Returns:
        Shape ``(2 M, J)``. Where there are samples enough it is without bias: whatever is accepted, if the
        outcomes tell what of it is right, else if the rates are the verifier's.
    """
    right, amiss = np.zeros((2, len(mixes), len(outcomes.problems)))
    for m, mix in enumerate(mixes):
        for share, order in mix:
            total, left = np.zeros(len(outcomes.problems)), np.ones(len(outcomes.problems))
            for after, step in _draws(outcomes, order, wrong, model, trust):
                total, left = total + step, after
            right[m] += share * (1 - left - total)
            amiss[m] += share * total
    return np.concatenate([right, amiss])


def worth_of(outcomes: Outcomes, wrong: Wrong, model: Extrapolated | None) -> Worth:
    """Return what sequences are worth on problems, if as much more is wrong as the pilot leaves possible.

    Args:
        outcomes: With what was accepted.
        wrong: Wrong accepts per rejected sample.
        model: What extrapolates.
    """

    def worth(order: Sequence[int]) -> Floats:
        unseen = wrong.most.of(order) - wrong.likely.of(order)
        unaccepted, accepts = [1.0], []
        draws = _draws(outcomes, order, wrong.likely, model, TRUST)
        for more, (after, step) in zip(unseen, draws, strict=True):
            unaccepted.append(float(after.mean()))
            accepts.append(float(step.mean() + more * after.mean()))
        return net_utility(np.array(unaccepted), np.array(accepts))

    return worth


def _draws(
    outcomes: Outcomes, order: Sequence[int], wrong: WrongAccepts, model: Extrapolated | None, trust: float
) -> Iterator[tuple[Floats, Floats]]:
    """Yield for each draw of a sequence the chance that nothing is accepted by then, and of a wrong accept.

    Where a cell has the sample, and the outcomes tell what of its accepts is right, these say it: samples of
    a cell are exchangeable, so the first accept is right in the share of its accepts that are. Elsewhere a
    rejected sample stands for its configuration's wrong accepts.
    """
    drawn: Counter[int] = Counter()
    before = np.ones(len(outcomes.problems))
    accepts = outcomes.accepts
    unaccepted = failures(outcomes.accepted(), order, model, trust)
    for s, per_reject, after in zip(order, wrong.of(order), unaccepted, strict=True):
        drawn[s] += 1
        step = per_reject * after
        if accepts is not None:
            share = accepts.wrong[s] / np.maximum(accepts.right[s] + accepts.wrong[s], 1)
            step = np.where(drawn[s] <= outcomes.n[s], share * (before - after), step)
        yield after, step
        before = after
