"""A plan for what accepts some wrong samples: right answers count, and wrong accepts cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from osca_cli.allocate.accept_first import accept_first, by_rows
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import in_turns
from osca_cli.errors import UsageError
from osca_cli.estimate.intervals import mean_interval, paired_interval
from osca_cli.outcomes.types import Floats, Outcomes
from osca_cli.plan.accepted import (
    NAMES,
    Mix,
    Sequences,
    Validation,
    Wrong,
    coverage,
    right_and_wrong,
    validate,
    worth_of,
)
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Choice, Estimate, Estimator, choose, learn
from osca_cli.plan.crossvalidation import CONTRASTS, IS_GAIN, CrossValidation, Doubt
from osca_cli.plan.decision import Decision, Search
from osca_cli.plan.planner import described, usd_per_sample
from osca_cli.plan.replay import beyond, unknown
from osca_cli.plan.result import Accepted, Baseline, Expected, FalseAccepts, Gain, Measured, Plan
from osca_cli.plan.selecting import accepting, by_right_answers, most_false_accepts, pure_mix
from osca_cli.plan.words import certified_because
from osca_cli.spec.types import Budget

SOLVER = "accept-first"
PLAN, NAIVE, BEST_PURE, UNIFORM = range(len(NAMES))
RIGHT, WRONG = np.split(np.eye(2 * len(NAMES)), 2)


class _Chosen(NamedTuple):
    known: Estimate
    naive: Choice
    sequences: Sequences


def make_certified_plan(
    outcomes: Outcomes,
    budget: Budget,
    rate: float | None,
    *,
    task: str,
    estimator: Estimator,
    search: Search,
    by: str = "",
) -> Plan:
    """Plan for what accepts wrong samples, at one known rate, or as the pilot tells.

    The sequence is worth most in right answers less wrong accepts. It is made for the estimate of what is
    accepted, and cut where the samples of the training problems say. Pass rates and gains of the plan are
    of right answers.

    Args:
        outcomes: With what the verifier accepted, and with their split. Without a rate, with what passed and
            with ``accepts``.
        budget: Per problem.
        rate: Probability that a wrong sample is accepted, above 0 and below 1; None where outcomes tell it.
        task: Name of the task.
        estimator: How rates of accepts are estimated.
        search: How the plan that trusts the verifier is found.
        by: What accepts, where the outcomes tell.

    Raises:
        UsageError: nothing can be planned.
    """
    if not outcomes.train.any():
        raise UsageError("no training problem: a plan has nothing to learn from; change the split")
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)

    def choose_from(some: Outcomes) -> _Chosen:
        return _chosen(some, limits, rate, estimator, search)

    known, naive, chosen = choose_from(train)
    order = chosen.mixes[PLAN][0][1]
    counts = np.bincount(np.array(order), minlength=len(outcomes.configurations))
    choice = replace(naive, counts=counts, schedule=tuple(order))
    decision = Decision(known, limits, choice, None, SOLVER)
    validation = validate(train, usd_per_sample(train), lambda rest: choose_from(rest).sequences)
    right = None if validation is None else _of_right_answers(validation)
    plan = described(outcomes, budget, task, decision, right)
    held_out = _held_out(outcomes, chosen)
    said = accepting(train, by) if rate is None else None
    plan = replace(
        plan,
        expected=_covered(plan.expected, validation),
        held_out=held_out[PLAN],
        best_pure=_with(plan.best_pure, held_out, validation, BEST_PURE),
        uniform=_with(plan.uniform, held_out, validation, UNIFORM),
        pays_back_after=None,
        because=certified_because(plan.allocation, int(np.sum(limits.upper > 0)), len(naive.schedule)),
        false_accepts=FalseAccepts(
            most_false_accepts(said, plan.allocation) if said is not None else rate or 0.0,
            len(naive.schedule),
            {} if validation is None else _said(validation),
            said,
        ),
    )
    return plan if rate is None else replace(plan, notes=(*plan.notes, *_refuted(train, rate)))


def _chosen(
    some: Outcomes, limits: Limits, rate: float | None, estimator: Estimator, search: Search
) -> _Chosen:
    """Choose from training problems: what is learned of accepts, the trusting plan, and all sequences."""
    seen = some.accepted()
    known = learn(seen, estimator, limits)
    naive = choose(seen, limits, known.rows, search.find)
    if rate is not None:
        wrong = Wrong.at(rate, len(some.configurations))
        order = certified_order(some, known, limits, [naive.schedule], wrong)
        return _Chosen(known, naive, Sequences(_mixes(naive, order), wrong.likely, known.extrapolation))
    wrong = Wrong.of(some)
    naive = by_right_answers(some, known, limits, naive, wrong)
    alone = [order for _, order in pure_mix(*naive.best_pure)][:1]
    order = certified_order(some, known, limits, [naive.schedule, *alone], wrong)
    mixes = _mixes(naive, order)
    chosen = Sequences(mixes, wrong.likely, known.extrapolation)
    if beyond(some, chosen.drawn(len(some.configurations))).any():
        chosen = replace(chosen, right=learn(some, estimator, limits).extrapolation)
    return _Chosen(known, naive, chosen)


def certified_order(
    train: Outcomes, known: Estimate, limits: Limits, begun: Sequence[Sequence[int]], wrong: Wrong
) -> tuple[int, ...]:
    """Return the sequence that is worth most by what was accepted on the training problems.

    Sequences are made for the estimate. Where they end is said by the samples of the training problems, as
    far as these reach: the estimate, made to bring out what more samples could solve, ends too late.

    Args:
        train: The training problems.
        known: What was learned of what is accepted on them.
        limits: What the sequence keeps.
        begun: The schedule of the plan that trusts the verifier, and what else may be good.
        wrong: Wrong accepts per rejected sample: at most so many are planned for.
    """
    begun = [order for order in begun if order]
    if not begun:
        return ()
    size = len(train.configurations)
    everything = np.max([np.bincount(np.array(order), minlength=size) for order in begun], axis=0)
    seen = train.select(problems=~unknown(train, everything.astype(float), known.extrapolation))
    measures = [by_rows(known.rows, wrong.most)]
    if seen.problems:
        model = known.extrapolation.to(seen.accepted()) if known.extrapolation else None
        worth = worth_of(seen, wrong, model)
        # Where each accept is known to be right or wrong, what was seen says all that an estimate could.
        measures = [worth, *measures] if train.accepts is None else [worth]
    return tuple(accept_first(known.rows, limits, wrong.most, begun, measures))


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
    even = in_turns(naive.turns, naive.uniform)
    return [[(1.0, order)], [(1.0, naive.schedule)], pure_mix(*naive.best_pure), [(1.0, even)]]


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


def _held_out(outcomes: Outcomes, chosen: Sequences) -> list[Measured | None]:
    """Measure right answers on the held-out problems, of the sequences that all have the samples for."""
    found: list[Measured | None] = []
    held_out = outcomes.select(problems=outcomes.held_out)
    for mix in chosen.mixes:
        drawn = replace(chosen, mixes=[mix], extrapolation=None, right=None)
        if not held_out.problems or beyond(held_out, drawn.drawn(len(outcomes.configurations))).any():
            found.append(None)
            continue
        values = right_and_wrong(held_out, [mix], chosen.wrong)[0]
        found.append(_with_coverage(Measured(*mean_interval(values), len(values)), coverage(held_out, drawn)))
    return found


def _covered(expected: Expected | None, validation: Validation | None) -> Expected | None:
    if expected is None or validation is None:
        return expected
    measured = _with_coverage(expected.measured, validation.replayed.coverage[[PLAN]])
    return replace(expected, measured=measured)


def _with(
    baseline: Baseline, held_out: Sequence[Measured | None], validation: Validation | None, index: int
) -> Baseline:
    expected = baseline.expected
    if expected is not None and validation is not None:
        expected = _with_coverage(expected, validation.replayed.coverage[[index]])
    return replace(baseline, expected=expected, held_out=held_out[index], needs=None)


def _with_coverage(measured: Measured, covered: Floats) -> Measured:
    """Return right answers with the share of problems that have a right sample at all, if that is known."""
    mean = float(covered.mean())
    return measured if np.isnan(mean) else replace(measured, coverage=mean)
