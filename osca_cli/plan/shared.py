"""One budget for several tasks: the mean over expected problems is bounded, and each task gets its level."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.allocate.baselines import by_pass_rate
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.relaxation import relax
from osca_cli.allocate.schedule import round_robin
from osca_cli.allocate.solve import Solution, Solver, solve
from osca_cli.errors import UsageError
from osca_cli.estimate.plugin import mean_rates
from osca_cli.estimate.rows import Rows, coverage
from osca_cli.estimate.stacked import Stacked
from osca_cli.outcomes.types import Floats, Ints
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Estimator
from osca_cli.plan.decision import Decision
from osca_cli.plan.manner import ONE_BY_ONE, Manner
from osca_cli.plan.result import Certificate
from osca_cli.plan.shares import Learned, TaskShare
from osca_cli.spec.types import Budget

HIGHEST = 10
"""No task's level is more than so many times the mean budget: so far its curves must reach."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """A shared budget, allocated.

    Attributes:
        decisions: One for each task; the budget of its limits is its level, in the budget's kind.
        learned: What each was chosen by.
        certificate: Of the whole: of coverage weighted by share and weight.
        solver: What found it.
    """

    decisions: tuple[Decision, ...]
    learned: tuple[Learned, ...]
    certificate: Certificate
    solver: str


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """The one programme over all pairs of task and configuration.

    Attributes:
        rows: Of all tasks, each weighing share times weight.
        limits: A draw costs what it costs a problem of its task, times the task's share.
        preference: Pairs by pass rate per cost, the best first: who draws what is left, or is required.
        tasks: Which task each pair is of, shape ``(S,)``.
    """

    rows: Rows
    limits: Limits
    preference: list[int]
    tasks: Ints

    def split(self, counts: Ints) -> list[Ints]:
        """Return counts task by task."""
        return np.split(counts, np.flatnonzero(np.diff(self.tasks)) + 1)


def share_budget(
    tasks: Sequence[TaskShare],
    budget: Budget,
    *,
    estimator: Estimator = "auto",
    solver: Solver = "auto",
    seed: int = 0,
    time_limit_s: float = 60.0,
    clock: Callable[[], float] = time.perf_counter,
    manner: Manner = ONE_BY_ONE,
) -> Shared:
    """Allocate one budget to several tasks.

    Maximises ``sum_t share_t weight_t coverage_t(x_t)`` where ``sum_t share_t cost_t @ x_t`` is at most the
    budget. That is one convex programme over the pairs of task and configuration, so one certificate holds
    for all. Every task draws at least one sample, and what raises no task's estimate goes to all in turns.

    Args:
        tasks: Their shares sum to 1.
        budget: Mean over the expected problems of all tasks.
        estimator: How pass rates are estimated.
        solver: As in planning one task.
        seed: Of the solvers that start at random.
        time_limit_s: How long the ``exact`` solver may search.
        clock: Seconds, for that limit and the certificates.
        manner: How the plans will be executed.

    Raises:
        UsageError: shares do not sum to 1, or a task cannot be planned.
    """
    reach = reaches(tasks, budget)
    begun = clock()
    learned = [task.learn(estimator, limits) for task, limits in zip(tasks, reach, strict=True)]
    problem = joint(tasks, learned, reach, budget)
    found: list[Solution] = []

    def find(rows: Rows, limits: Limits) -> Ints:
        late = lambda: clock() - begun > time_limit_s  # noqa: E731
        found.append(solve(rows, limits, solver, seed=seed, out_of_time=late))
        return found[-1].counts

    counts = allocate(problem, find)
    value = coverage(problem.rows, counts)
    certificate = Certificate(value, max(found[-1].bound, value), clock() - begun)
    decisions = tuple(
        _decision(one, limits, each, found[-1].solver, clock, manner)
        for one, limits, each in zip(learned, reach, problem.split(counts), strict=True)
    )
    return Shared(decisions, tuple(learned), certificate, found[-1].solver)


def reaches(tasks: Sequence[TaskShare], budget: Budget) -> list[Limits]:
    """Return the limits of each task if it could spend what all others leave.

    Raises:
        UsageError: shares do not sum to 1, a task has nothing to learn from, or its budget buys nothing.
    """
    if abs(sum(task.share for task in tasks) - 1) > 1e-6:
        raise UsageError(f"shares of tasks must sum to 1, not {sum(task.share for task in tasks):g}")
    limits = []
    for task in tasks:
        most = Budget(budget.kind, budget.amount * min(HIGHEST, 1 / task.share))
        try:
            if not task.outcomes.train.any():
                raise UsageError("no training problem: a plan has nothing to learn from; change the split")
            limits.append(limits_of(task.train, most))
        except UsageError as error:
            raise UsageError(f"task '{task.name}': {error}") from error
    return limits


def joint(
    tasks: Sequence[TaskShare], learned: Sequence[Learned], reach: Sequence[Limits], budget: Budget
) -> Joint:
    """Return the programme over all tasks.

    Args:
        tasks: The tasks.
        learned: What each is chosen by.
        reach: Of :func:`reaches`.
        budget: Mean over the expected problems.
    """
    shares = np.array([task.share for task in tasks])
    weights = np.array([task.weight for task in tasks])
    sizes = [len(limits.costs) for limits in reach]
    rows = Stacked.of([one.known.rows for one in learned], sizes, shares * weights / float(shares @ weights))
    limits = Limits(
        np.concatenate([share * limits.costs for share, limits in zip(shares, reach, strict=True)]),
        float(budget.amount),
        np.concatenate([limits.lower for limits in reach]),
        np.concatenate([limits.most() for limits in reach]),
    )
    rates: Floats = np.concatenate(
        [
            weight * mean_rates(one.train) / limits.prices()
            for weight, one, limits in zip(weights, learned, reach, strict=True)
        ]
    )
    return Joint(rows, limits, by_pass_rate(rates), np.repeat(np.arange(len(sizes)), sizes))


def allocate(problem: Joint, find: Callable[[Rows, Limits], Ints]) -> Ints:
    """Choose the counts of all pairs.

    A task that the solver gives nothing must draw its best configuration once, and the solver goes again.

    Args:
        problem: The programme.
        find: The solver; its last call chooses.

    Raises:
        UsageError: the budget does not buy every task a sample.
    """
    lower = problem.limits.lower.copy()
    while True:
        limits = Limits(problem.limits.costs, problem.limits.budget, lower, problem.limits.upper)
        if limits.room(lower) < 0:
            raise UsageError(
                f"a shared budget of {limits.budget:g} does not buy every task a sample;"
                f" one of each costs {float(limits.costs @ lower):g} a problem"
            )
        counts = find(problem.rows, limits)
        without = [task for task, each in enumerate(problem.split(counts)) if not each.any()]
        if not without:
            return round_robin(problem.preference, limits, counts)
        allowed = [pair for pair in problem.preference if problem.limits.upper[pair]]
        for task in without:
            lower[next(pair for pair in allowed if problem.tasks[pair] == task)] = 1


def at_level(reach: Limits, counts: Ints) -> Limits:
    """Return the limits of a task that may spend what its counts cost."""
    return Limits(reach.costs, float(reach.costs @ counts), reach.lower, reach.upper)


def _decision(
    learned: Learned,
    reach: Limits,
    counts: Ints,
    solver: str,
    clock: Callable[[], float],
    manner: Manner,
) -> Decision:
    """Return what a task draws at its level, beside the baselines of that level."""
    begun = clock()
    limits, known = at_level(reach, counts), learned.known
    choice = manner.completed(learned.choice(limits, counts), known.rows, reach, final=True)
    value = coverage(known.rows, choice.counts)
    bound = max(value, relax(known.rows, limits, choice.counts).bound)
    return Decision(known, limits, choice, Certificate(value, bound, clock() - begun), solver)
