"""From outcomes to a plan: estimate, allocate, certify, and evaluate on problems that chose nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from osca_cli.allocate.solve import Solver
from osca_cli.errors import UsageError
from osca_cli.estimate.heldout import coverage_per_problem, missing, samples_needed
from osca_cli.estimate.intervals import mean_interval, paired_interval
from osca_cli.outcomes.types import CostKind, Floats, Ints, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Choice, Estimator, learn
from osca_cli.plan.crossvalidation import CrossValidation, cross_validate
from osca_cli.plan.decision import Decision, Search, decide
from osca_cli.plan.extrapolation import Extrapolation
from osca_cli.plan.manner import Manner
from osca_cli.plan.result import (
    Baseline,
    ComputeFactor,
    Expected,
    Gain,
    Measured,
    Pilot,
    Plan,
    SharedBatch,
)
from osca_cli.plan.updating import learned_rates, update_notes
from osca_cli.plan.words import because
from osca_cli.spec.types import Budget

Counts: TypeAlias = Mapping[str, float]


def make_plan(
    outcomes: Outcomes,
    budget: Budget,
    *,
    task: str,
    estimator: Estimator = "auto",
    solver: Solver = "auto",
    seed: int = 0,
    require: Collection[str] = (),
    forbid: Collection[str] = (),
    time_limit_s: float = 60.0,
    clock: Callable[[], float] = time.perf_counter,
    rounds: int | None = None,
    give_up: float | None = None,
) -> Plan:
    """Plan how to spend a budget per problem.

    The allocation is chosen on the training problems. What is expected of it on new ones comes from 5-fold
    cross-validation over them, in which estimate, allocation and baselines are chosen anew without each
    fold; what it does on held-out problems is measured where these have the samples.

    Args:
        outcomes: What was sampled, with its split.
        budget: Per problem.
        task: Name of the task.
        estimator: How pass rates are estimated for choosing; ``auto`` is the hierarchical model.
        solver: How the allocation is found; ``auto`` picks.
        seed: Of the solvers that start at random.
        require: Configurations to draw at least once.
        forbid: Configurations not to draw.
        time_limit_s: How long the ``exact`` solver may search.
        clock: Seconds, for that limit and the certificate's ``seconds``; nothing else depends on it.
        rounds: Into how many rounds the schedule is cut at most; None for one sample at a time.
        give_up: What one more solved problem may cost; None where it may cost all.

    Raises:
        UsageError: nothing can be planned: no training problem, an unknown cost, a budget below a sample.
    """
    if not outcomes.train.any():
        raise UsageError("no training problem: a plan has nothing to learn from; change the split")
    shares = budget.share == "problems"
    if budget.kind == "samples" and budget.amount != int(budget.amount) and not shares:
        raise UsageError(f"a budget in samples is a whole number, not {budget.amount:g}")
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget, require=require, forbid=forbid)

    manner = Manner(rounds, shares, give_up)
    search = Search(solver, seed, time_limit_s, clock, manner)
    begun = clock()
    known = learn(train, estimator, manner.reach(limits))
    decision = decide(train, known, limits, search, begun)

    def choose_anew(rest: Outcomes) -> tuple[Choice, Extrapolation | None]:
        anew = learn(rest, estimator, manner.reach(limits))
        return search.chosen(rest, limits, anew.rows), anew.extrapolation

    validation = cross_validate(
        train, usd_per_sample(train), choose_anew, costs=costs_per_sample(train, budget) if shares else None
    )
    return described(outcomes, budget, task, decision, validation)


def described(
    outcomes: Outcomes, budget: Budget, task: str, decision: Decision, validation: CrossValidation | None
) -> Plan:
    """Say of a decision all that a plan says.

    Args:
        outcomes: With their split.
        budget: Per problem.
        task: Name of the task.
        decision: What was decided on the training problems.
        validation: What it does on problems that did not decide it.
    """
    train = outcomes.select(problems=outcomes.train)
    choice = decision.choice
    allocation = _by_name(outcomes, choice.counts)
    pure, even = _baselines(outcomes, choice, validation)
    over_pure, over_even = _gain(validation, "best_pure"), _gain(validation, "uniform")
    held_out = _held_out(outcomes, allocation)
    pure = replace(pure, needs=_needs_held_out(outcomes, budget, pure, held_out) or pure.needs)
    return Plan(
        task=task,
        budget=budget,
        allocation=allocation,
        schedule=tuple(outcomes.configurations[index] for index in choice.schedule),
        solver=decision.solver,
        estimator=decision.known.name,
        certificate=decision.certificate,
        expected=_expected(validation),
        held_out=held_out,
        best_pure=pure,
        uniform=even,
        over_best_pure=over_pure,
        over_uniform=over_even,
        pilot=pilot_of(train),
        pays_back_after=_pays_back_after(train, budget, pure.needs),
        in_sample=bool(outcomes.overlap.any()),
        because=because(
            allocation,
            int(np.sum(decision.limits.upper > 0)),
            pure,
            over_pure,
            over_even,
            passed=bool(train.c.any()),
        ),
        notes=_notes(outcomes, train, budget, decision, validation),
        pass_rates=learned_rates(train),
        beyond=tuple(outcomes.configurations[index] for index in choice.beyond),
        rounds=choice.rounds,
        gives_up_after=choice.gives_up_after,
    )


def _by_name(outcomes: Outcomes, counts: Ints) -> dict[str, int]:
    return {name: int(count) for name, count in zip(outcomes.configurations, counts, strict=True) if count}


def _baselines(
    outcomes: Outcomes, choice: Choice, validation: CrossValidation | None
) -> tuple[Baseline, Baseline]:
    index, count = choice.best_pure
    name = outcomes.configurations[index]
    pure: Counts = {name: int(count) if count == int(count) else count}
    even = _by_name(outcomes, choice.uniform)
    return (
        Baseline(
            name,
            pure,
            _expected_of(validation, "best_pure"),
            _held_out(outcomes, pure),
            validation.pure_needs if validation else None,
        ),
        Baseline(
            "uniform",
            even,
            _expected_of(validation, "uniform"),
            _held_out(outcomes, even),
            validation.uniform_needs if validation else None,
        ),
    )


def _expected_of(
    validation: CrossValidation | None, what: Literal["best_pure", "uniform"]
) -> Measured | None:
    if validation is None:
        return None
    return _measured(getattr(validation, what), getattr(validation.doubt, what))


def _measured(values: Floats, doubt: float = 0.0) -> Measured:
    mean, interval = mean_interval(values, doubt)
    return Measured(mean, interval, len(values))


def _expected(validation: CrossValidation | None) -> Expected | None:
    if validation is None:
        return None
    usd = float(validation.usd.mean())
    return Expected(
        _measured(validation.plan, validation.doubt.plan),
        float(validation.samples.mean()),
        None if np.isnan(usd) else usd,
        validation.left_out,
        _shared(validation),
    )


def _shared(validation: CrossValidation) -> SharedBatch | None:
    """Say what a batch does that shares the budget, where one does."""
    batch = validation.batch
    if batch is None:
        return None
    usd = None if np.isnan(batch.usd) else batch.usd
    measured = _measured(batch.values, validation.doubt.choosing + batch.doubt)
    return SharedBatch(measured, batch.samples, usd, batch.depth)


def _gain(validation: CrossValidation | None, over: Literal["best_pure", "uniform"]) -> Gain | None:
    if validation is None or len(validation.plan) < 2:
        return None
    doubt = getattr(validation.doubt, f"over_{over}")
    return Gain(*paired_interval(validation.plan, getattr(validation, over), doubt))


def _held_out(outcomes: Outcomes, counts: Counts) -> Measured | None:
    """Measure on the held-out problems, if there are any and all have the samples."""
    if not outcomes.held_out.any() or missing(outcomes, counts, outcomes.held_out):
        return None
    return _measured(coverage_per_problem(outcomes, counts, outcomes.held_out))


def _needs_held_out(
    outcomes: Outcomes, budget: Budget, pure: Baseline, held_out: Measured | None
) -> ComputeFactor | None:
    """Compare on held-out problems, without bias, where these have the samples."""
    if budget.kind != "samples" or held_out is None:
        return None
    needed = samples_needed(outcomes, pure.name, held_out.pass_rate, outcomes.held_out)
    if needed is not None:
        return ComputeFactor(needed / budget.amount, at_least=False)
    most = int(outcomes.n[outcomes.configurations.index(pure.name), outcomes.held_out].min())
    return ComputeFactor(most / budget.amount, at_least=True) if most > budget.amount else None


def _pays_back_after(train: Outcomes, budget: Budget, needs: ComputeFactor | None) -> int | None:
    """Divide what the pilot cost, in the budget's kind, by what the plan saves on a problem."""
    if needs is None or needs.value <= 1:
        return None
    pilot: dict[str, float | None] = {"samples": float(train.n.sum()), "usd": pilot_of(train).usd}
    cost = pilot.get(budget.kind)
    return None if cost is None else math.ceil(cost / ((needs.value - 1) * budget.amount))


def usd_per_sample(outcomes: Outcomes) -> Floats:
    """Return the cost of one sample of each cell, a configuration's mean where a cell's is unknown."""
    return _per_sample(outcomes, "usd")


def costs_per_sample(outcomes: Outcomes, budget: Budget) -> Floats:
    """Return the same in the kind of a budget."""
    return np.ones(outcomes.n.shape) if budget.kind == "samples" else _per_sample(outcomes, budget.kind)


def _per_sample(outcomes: Outcomes, kind: CostKind) -> Floats:
    if kind not in outcomes.costs:
        return np.full(outcomes.n.shape, np.nan)
    cost = outcomes.costs[kind]
    known = ~np.isnan(cost)
    total, number = np.where(known, cost, 0.0).sum(axis=1), known.sum(axis=1)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return np.where(known, cost, mean[:, None])


def pilot_of(train: Outcomes) -> Pilot:
    """Return what training problems were learned from: samples, and their cost."""
    drawn, _ = train.all_samples
    usd = float(np.sum(np.where(drawn > 0, usd_per_sample(train) * drawn, 0.0)))
    executed = None if train.stopped is None else int(train.stopped.executed.sum())
    return Pilot(len(train.problems), int(drawn.sum()), None if np.isnan(usd) else usd, executed)


def _notes(
    outcomes: Outcomes,
    train: Outcomes,
    budget: Budget,
    decision: Decision,
    validation: CrossValidation | None,
) -> tuple[str, ...]:
    choice, upper = decision.choice, decision.limits.upper
    extrapolation = decision.known.extrapolation
    notes = []
    if overlap := int(outcomes.overlap.sum()):
        notes.append(f"{overlap} held-out problems are training problems too: what is held out is in sample")
    if unsampled := [name for name, n in zip(train.configurations, train.n, strict=True) if not n.any()]:
        notes.append(f"not planned, for lack of any sample on the training problems: {', '.join(unsampled)}")
    notes.extend(update_notes(train))
    drawn = int(choice.counts.sum())
    if budget.kind == "samples" and drawn < int(budget.amount) and np.all(choice.counts >= upper):
        notes.append(f"caps leave room for {drawn} of the {budget.amount:g} samples")
    if validation is None:
        notes.append("too few training problems with samples to say what to expect on new ones")
        return tuple(notes)
    if validation.extrapolated:
        stand_in = (
            "(1 - c/n)^x stands in, which understates coverage"
            if extrapolation is None
            else "the mean of (1 - c/n)^x and of what the model expects stands in"
        )
        notes.append(
            f"the plan draws more samples than {validation.extrapolated} of {len(validation.plan)} problems "
            f"have: there {stand_in}"
        )
    if validation.left_out:
        notes.append(
            f"{validation.left_out} training problems lack samples to be evaluated on and are left out"
        )
    return tuple(notes)
