"""What a pilot tells of what accepts in production, and the baselines of right answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from osca_cli.allocate.baselines import affordable, by_pass_rate, uniform
from osca_cli.allocate.limits import Limits
from osca_cli.estimate.accepts import shrunk_rates
from osca_cli.estimate.plugin import mean_rates
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.accepted import Mix, Wrong, right_and_wrong
from osca_cli.plan.choice import Choice, Estimate
from osca_cli.plan.replay import unknown
from osca_cli.plan.result import Accepting, AcceptRate

MOST_PURE = 32
"""Configurations that are compared for the best single one: those that pass most."""


def pure_mix(index: int, count: float) -> Mix:
    """Return one configuration alone; a fraction of a sample is drawn on that share of the problems."""
    low, share = int(count), count % 1
    mix = [(1 - share, (index,) * low), (share, (index,) * (low + 1))]
    return mix[: 2 if share else 1]


def by_right_answers(some: Outcomes, known: Estimate, limits: Limits, naive: Choice, wrong: Wrong) -> Choice:
    """Return a choice with the baselines of a user who looks at right answers.

    The best single configuration is the one that answers most problems rightly with the whole budget,
    stopping at the first accept; an even spread begins with what passes most.

    Args:
        some: Training problems, with what was accepted.
        known: What was learned of accepts.
        limits: What allocations keep.
        naive: The choice that trusts what accepts.
        wrong: Wrong accepts per rejected sample.
    """
    turns, counts = by_pass_rate(mean_rates(some)), np.minimum(affordable(limits), float(known.rows.horizon))
    tried = [s for s in turns if counts[s] > 0 and some.n[s].any()][:MOST_PURE]
    right = [_right(some, known, pure_mix(s, float(counts[s])), wrong) for s in tried]
    best = tried[int(np.argmax(right))] if tried else naive.best_pure[0]
    return replace(
        naive,
        best_pure=(best, float(counts[best])),
        uniform=uniform(turns, limits),
        turns=tuple(turns),
    )


def _right(some: Outcomes, known: Estimate, mix: Mix, wrong: Wrong) -> float:
    """Return the mean of right answers by a mix on the problems that it was chosen from."""
    drawn = np.zeros(len(some.configurations))
    for _, order in mix:
        drawn[list(order)] = len(order)
    view = some.select(problems=~unknown(some, drawn, known.extrapolation))
    if not view.problems:
        return 0.0
    model = known.extrapolation.to(view.accepted()) if known.extrapolation else None
    return float(right_and_wrong(view, [mix], wrong.likely, model)[0].mean())


def accepting(train: Outcomes, by: str) -> Accepting:
    """Return what the pilot tells of what accepts.

    Args:
        train: Training problems, with what was accepted.
        by: Its name.
    """
    if train.accepts is None:
        raise ValueError("outcomes that do not say what is accepted")
    right, wrong = train.accepts.right, train.accepts.wrong
    rates = shrunk_rates(wrong, train.n - train.c)
    passed = int(train.c.sum())
    return Accepting(
        by=by,
        right_accepted=float(right.sum()) / passed if passed else None,
        rates={
            name: AcceptRate(int(wrong[s].sum()), int((train.n - train.c)[s].sum()), *both)
            for s, (name, *both) in enumerate(
                zip(train.configurations, rates.likely.tolist(), rates.most.tolist(), strict=True)
            )
        },
    )


def most_false_accepts(accepting: Accepting, counts: Mapping[str, int]) -> float:
    """Return the upper limit of false accepts, the mean over the samples of an allocation."""
    total = sum(counts.values())
    return sum((accepting.rates[name].at_most * count for name, count in counts.items()), 0.0) / total
