"""A plan for a verifier that accepts some wrong samples: right answers count, and wrong accepts cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from osca_cli.allocate.accept_first import accept_first
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import in_turns, survival
from osca_cli.errors import UsageError
from osca_cli.estimate.intervals import mean_interval, paired_interval
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.accepted import NAMES, Mix, Sequences, Validation, right_and_wrong, validate
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Choice, Estimate, Estimator, choose, learn
from osca_cli.plan.crossvalidation import CONTRASTS, IS_GAIN, CrossValidation, Doubt
from osca_cli.plan.decision import Decision, Search
from osca_cli.plan.planner import described, usd_per_sample
from osca_cli.plan.replay import unknown, unsolved_share
from osca_cli.plan.result import Accepted, Baseline, FalseAccepts, Gain, Measured, Plan
from osca_cli.plan.words import certified_because
from osca_cli.spec.types import Budget

SOLVER = "accept-first"
PLAN, NAIVE, BEST_PURE, UNIFORM = range(len(NAMES))
RIGHT, WRONG = np.split(np.eye(2 * len(NAMES)), 2)


def make_certified_plan(
    outcomes: Outcomes, budget: Budget, rate: float, *, task: str, estimator: Estimator, search: Search
) -> Plan:
    """Plan for a verifier that accepts wrong samples at a rate, each like the others.

    The sequence is worth most in right answers less wrong accepts. It is made for the estimate of what the
    verifier accepts, and cut where the samples of the training problems say. Pass
    rates and gains of the plan are of right answers.

    Args:
        outcomes: With what the verifier accepted, and with their split.
        budget: Per problem.
        rate: Probability that a wrong sample is accepted, above 0 and below 1.
        task: Name of the task.
        estimator: How rates of accepts are estimated.
        search: How the plan that trusts the verifier is found.

    Raises:
        UsageError: nothing can be planned.
    """
    if not outcomes.train.any():
        raise UsageError("no training problem: a plan has nothing to learn from; change the split")
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)

    def choose_from(some: Outcomes) -> tuple[Estimate, Choice, Sequences]:
        known = learn(some, estimator, limits)
        naive = choose(some, limits, known.rows, search.find)
        order = certified_order(some, known, limits, naive.schedule, rate)
        return known, naive, Sequences(_mixes(naive, order), known.extrapolation)

    known, naive, chosen = choose_from(train)
    order = chosen.mixes[PLAN][0][1]
    counts = np.bincount(np.array(order), minlength=len(outcomes.configurations))
    choice = replace(naive, counts=counts, schedule=tuple(order))
    decision = Decision(known, limits, choice, None, SOLVER)
    validation = validate(train, usd_per_sample(train), rate, lambda rest: choose_from(rest)[2])
    right = None if validation is None else _of_right_answers(validation)
    plan = described(outcomes, budget, task, decision, right)
    held_out = _held_out(outcomes, chosen, rate)
    return replace(
        plan,
        held_out=held_out[PLAN],
        best_pure=_with(plan.best_pure, held_out[BEST_PURE]),
        uniform=_with(plan.uniform, held_out[UNIFORM]),
        pays_back_after=None,
        notes=(*plan.notes, *_refuted(train, rate)),
        because=certified_because(plan.allocation, int(np.sum(limits.upper > 0)), len(naive.schedule)),
        false_accepts=FalseAccepts(
            rate, len(naive.schedule), {} if validation is None else _said(validation)
        ),
    )


def certified_order(
    train: Outcomes, known: Estimate, limits: Limits, naive: Sequence[int], rate: float
) -> tuple[int, ...]:
    """Return the sequence that is worth most by what the verifier accepted on the training problems.

    Sequences are made for the estimate. Where they end is said by the samples of the training problems, as
    far as these reach: the estimate, made to bring out what more samples could solve, ends too late.

    Args:
        train: The training problems.
        known: What was learned of them.
        limits: What the sequence keeps.
        naive: The schedule of the plan that trusts the verifier.
        rate: At which wrong samples are accepted.
    """
    if not naive:
        return ()
    everything = np.bincount(np.array(naive, np.int64), minlength=len(train.configurations)).astype(float)
    seen = train.select(problems=~unknown(train, everything, known.extrapolation))
    if not seen.problems:
        return tuple(accept_first(known.rows, limits, rate, naive, partial(survival, known.rows)))
    model = known.extrapolation.to(seen) if known.extrapolation else None
    unaccepted = partial(unsolved_share, seen, model=model)
    return tuple(accept_first(known.rows, limits, rate, naive, unaccepted))


def _refuted(train: Outcomes, rate: float) -> list[str]:
    """Note where more problems are without an accept than there could be at this rate."""
    samples, accepted = train.n.sum(axis=0), train.c.sum(axis=0)
    without = (accepted == 0) & (samples > 0)
    most = float(np.sum((1 - rate) ** samples[samples > 0]))
    if without.sum() <= most + 3 * np.sqrt(most) + 1:
        return []
    drawn = int(samples[without].sum())
    note = (
        f"{int(without.sum())} training problems have no accept among {drawn:,} samples: the verifier accepts"
        f" fewer wrong ones than {rate:.2%}, so wrong accepts are overstated"
    )
    return [note]


def _mixes(naive: Choice, order: Sequence[int]) -> list[Mix]:
    """Return the sequences of :data:`NAMES`."""
    index, count = naive.best_pure
    low, share = int(count), count % 1
    pure = [(1 - share, (index,) * low), (share, (index,) * (low + 1))]
    even = in_turns(naive.turns, naive.uniform)
    return [[(1.0, order)], [(1.0, naive.schedule)], pure[: 2 if share else 1], [(1.0, even)]]


def _of_right_answers(validation: Validation) -> CrossValidation:
    """Return the validation of right answers in the form of that of passes."""
    replayed = validation.replayed
    right = RIGHT[[PLAN, BEST_PURE, UNIFORM]]
    doubt = [
        validation.doubt(contrast @ right, gain=bool(gain))
        for contrast, gain in zip(CONTRASTS, IS_GAIN, strict=True)
    ]
    plan, best_pure, uniform = right @ replayed.values
    return CrossValidation(
        plan=plan,
        best_pure=best_pure,
        uniform=uniform,
        samples=replayed.samples,
        usd=replayed.usd,
        left_out=replayed.left_out,
        extrapolated=replayed.extrapolated,
        doubt=Doubt(*doubt),
        pure_needs=None,
        uniform_needs=None,
    )


def _said(validation: Validation) -> dict[str, Accepted]:
    net = RIGHT - WRONG
    return {
        name: Accepted(
            right=_measured(validation, RIGHT[index]),
            wrong=_measured(validation, WRONG[index]),
            net_gain=None if index == PLAN else _gain(validation, net[PLAN] - net[index]),
        )
        for index, name in enumerate(NAMES)
    }


def _measured(validation: Validation, contrast: Floats) -> Measured:
    values = contrast @ validation.replayed.values
    return Measured(*mean_interval(values, validation.doubt(contrast, gain=False)), len(values))


def _gain(validation: Validation, contrast: Floats) -> Gain | None:
    values = contrast @ validation.replayed.values
    if len(values) < 2:
        return None
    return Gain(*paired_interval(values, np.zeros_like(values), validation.doubt(contrast, gain=True)))


def _held_out(outcomes: Outcomes, chosen: Sequences, rate: float) -> list[Measured | None]:
    """Measure right answers on the held-out problems, of the sequences that all have the samples for."""
    found: list[Measured | None] = []
    held_out = outcomes.select(problems=outcomes.held_out)
    for mix in chosen.mixes:
        drawn = Sequences([mix], None).drawn(len(outcomes.configurations))
        if not held_out.problems or np.any(held_out.n < drawn[:, None]):
            found.append(None)
            continue
        values = right_and_wrong(held_out, [mix], rate)[0]
        found.append(Measured(*mean_interval(values), len(values)))
    return found


def _with(baseline: Baseline, held_out: Measured | None) -> Baseline:
    return replace(baseline, held_out=held_out, needs=None)
