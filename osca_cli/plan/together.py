"""Plans of several tasks that share a budget, and what is claimed of all together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from osca_cli.allocate.limits import Limits
from osca_cli.allocate.solve import Solver, find
from osca_cli.estimate.rows import Rows
from osca_cli.outcomes.types import Ints, Outcomes
from osca_cli.plan.choice import Choice, Estimator
from osca_cli.plan.crossvalidation import FOLDS, cross_validate
from osca_cli.plan.extrapolation import Extrapolation
from osca_cli.plan.manner import ONE_BY_ONE, Manner
from osca_cli.plan.planner import costs_per_sample, described, pilot_of, usd_per_sample
from osca_cli.plan.result import SCHEMA_VERSION, Certificate, Expected, Gain, Measured, Plan
from osca_cli.plan.shared import allocate, at_level, joint, reaches, share_budget
from osca_cli.plan.shares import TaskShare, rest_of
from osca_cli.plan.weighted import weighted_expected, weighted_gain, weighted_rate
from osca_cli.plan.words import points
from osca_cli.spec.types import Budget


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """The plans of tasks that share a budget. What is said of all is weighted by their shares.

    Attributes:
        budget: Mean over the expected problems of all tasks.
        plans: One for each task; its budget is its level.
        shares: Of the expected problems, in the order of the plans.
        certificate: Of coverage under the estimates, weighted by the tasks' weights too.
        expected: On new problems.
        held_out: On held-out problems, where all plans have that.
        best_pure: What the best single configuration of each task does with the mean budget.
        uniform: The same of the even spread.
        over_best_pure: Gain over that.
        over_uniform: The same.
        because: What was chosen and what it brings, in a sentence.
        notes: What a reader must know.
    """

    budget: Budget
    plans: tuple[Plan, ...]
    shares: tuple[float, ...]
    certificate: Certificate
    expected: Expected | None
    held_out: Measured | None
    best_pure: Measured | None
    uniform: Measured | None
    over_best_pure: Gain | None
    over_uniform: Gain | None
    because: str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``osca plan --json`` prints."""
        return {
            "schema_version": SCHEMA_VERSION,
            "budget": {self.budget.kind: self.budget.amount, "share": self.budget.share},
            "expected": _json(self.expected),
            "held_out": _json(self.held_out),
            "baselines": {"best_pure": _json(self.best_pure), "uniform": _json(self.uniform)},
            "gain": {"over_best_pure": _json(self.over_best_pure), "over_uniform": _json(self.over_uniform)},
            "certificate": self.certificate.to_json(),
            "solver": self.plans[0].solver,
            "estimator": self.plans[0].estimator,
            "in_sample": any(plan.in_sample for plan in self.plans),
            "because": self.because,
            "notes": list(self.notes),
            "plans": [
                {**plan.to_json(), "share_of_problems": share}
                for plan, share in zip(self.plans, self.shares, strict=True)
            ],
        }


def make_shared_plan(
    tasks: Sequence[TaskShare],
    budget: Budget,
    *,
    estimator: Estimator = "auto",
    solver: Solver = "auto",
    seed: int = 0,
    time_limit_s: float = 60.0,
    clock: Callable[[], float] = time.perf_counter,
    notes: Sequence[str] = (),
    manner: Manner = ONE_BY_ONE,
) -> SharedPlan:
    """Plan how to share a budget between tasks.

    Claims come from 5-fold cross-validation by problem: every fold leaves out a fifth of each task, and
    estimates, levels and baselines are chosen anew on the rest of all tasks.

    Args:
        tasks: Their shares sum to 1.
        budget: Mean over the expected problems of all tasks.
        estimator: How pass rates are estimated.
        solver: As in planning one task.
        seed: Of the solvers that start at random.
        time_limit_s: How long the ``exact`` solver may search.
        clock: Seconds, for that limit and the certificates.
        notes: To be added to the plan's.
        manner: How the plans will be executed.

    Raises:
        UsageError: a task cannot be planned.
    """
    shared = share_budget(
        tasks,
        budget,
        estimator=estimator,
        solver=solver,
        seed=seed,
        time_limit_s=time_limit_s,
        clock=clock,
        manner=manner,
    )
    anew = _without_folds(
        tasks, budget, estimator, lambda rows, limits: find(rows, limits, solver, seed=seed), manner
    )
    plans, evenly = [], []
    for task, decision, learned, chosen in zip(tasks, shared.decisions, shared.learned, anew, strict=True):
        taking, level = task.taking, Budget(budget.kind, decision.limits.budget)
        usd, fold = usd_per_sample(taking), task.fold(taking)
        costs = costs_per_sample(taking, budget) if manner.shares else None
        validation = cross_validate(taking, usd, chosen.own, fold, costs=costs)
        plan = described(task.outcomes, level, task.name, decision, validation)
        pilot = pilot_of(task.learned_from)
        plans.append(replace(plan, pilot=pilot, where=task.where, over_pooled=task.over_pooled))
        # The same plan beside baselines that spend the mean budget on every problem.
        even = _even(decision.limits, budget)
        beside = learned.choice(decision.limits, decision.choice.counts, even)
        validation = cross_validate(taking, usd, chosen.beside_even, fold)
        evenly.append(
            described(task.outcomes, budget, task.name, replace(decision, choice=beside), validation)
        )
    shares = [task.share for task in tasks]
    over_best_pure = weighted_gain([plan.over_best_pure for plan in evenly], shares)
    return SharedPlan(
        budget=budget,
        plans=tuple(plans),
        shares=tuple(shares),
        certificate=shared.certificate,
        expected=weighted_expected([plan.expected for plan in plans], shares),
        held_out=weighted_rate([plan.held_out for plan in plans], shares),
        best_pure=weighted_rate([plan.best_pure.expected for plan in evenly], shares),
        uniform=weighted_rate([plan.uniform.expected for plan in evenly], shares),
        over_best_pure=over_best_pure,
        over_uniform=weighted_gain([plan.over_uniform for plan in evenly], shares),
        because=_because(plans, budget, over_best_pure),
        notes=tuple(notes),
    )


_Rest: TypeAlias = tuple[str, ...]
"""The problems that a choice was made on: all of a task's but one fold."""


@dataclass(frozen=True, slots=True, eq=False)
class _Anew:
    """What a task gets when the budget is shared without a fold, by what is left of its problems.

    Attributes:
        choices: With the baselines of the level.
        beside: The same beside the baselines of the mean budget.
        extrapolations: What was learned from the same problems.
    """

    choices: dict[_Rest, Choice]
    beside: dict[_Rest, Choice]
    extrapolations: dict[_Rest, Extrapolation | None]

    def own(self, rest: Outcomes) -> tuple[Choice, Extrapolation | None]:
        return self.choices[rest.problems], self.extrapolations[rest.problems]

    def beside_even(self, rest: Outcomes) -> tuple[Choice, Extrapolation | None]:
        return self.beside[rest.problems], self.extrapolations[rest.problems]


def _without_folds(
    tasks: Sequence[TaskShare],
    budget: Budget,
    estimator: Estimator,
    solver: Callable[[Rows, Limits], Ints],
    manner: Manner,
) -> list[_Anew]:
    """Share the budget once without each fold of every task."""
    reach = reaches(tasks, budget)
    anew = [_Anew({}, {}, {}) for _ in tasks]
    for index in range(FOLDS):
        learned = [task.learn(estimator, limits, index) for task, limits in zip(tasks, reach, strict=True)]
        problem = joint(tasks, learned, reach, budget)
        counts = problem.split(allocate(problem, solver))
        for task, made, one, limits, each in zip(tasks, anew, learned, reach, counts, strict=True):
            level = at_level(limits, each)
            rest = rest_of(task.taking, task.fold(task.taking) != index).problems
            made.choices[rest] = manner.completed(one.choice(level, each), one.known.rows, limits)
            made.beside[rest] = one.choice(level, each, _even(level, budget))
            made.extrapolations[rest] = one.known.extrapolation
    return anew


def _even(level: Limits, budget: Budget) -> Limits:
    """Return the limits of the mean budget for every problem."""
    return Limits(level.costs, float(budget.amount), level.lower, level.upper)


def _because(plans: Sequence[Plan], budget: Budget, gain: Gain | None) -> str:
    """Say what each task gets, and what that brings."""
    separator = "; " if any(plan.where for plan in plans) else ", "
    levels = separator.join(f"{plan.label} {plan.budget.amount:.4g}" for plan in plans)
    chosen = f"Of {budget} per problem on average, {levels}"
    rival = f"the best single configuration of each task at {budget.amount:g}"
    if gain is None:
        return f"{chosen}; there are too few training problems to tell what that gains over {rival}."
    if gain.distinguishable:
        more = "more" if gain.value > 0 else "less"
        return f"{chosen}; expected to solve {points(gain)} points {more} than {rival}."
    low, high = (100 * end for end in gain.interval)
    return (
        f"{chosen}; a gain over {rival} is not distinguishable from none ({low:+.1f} to {high:+.1f} points)."
    )


def _json(value: Expected | Measured | Gain | None) -> dict[str, Any] | None:
    return None if value is None else value.to_json()
