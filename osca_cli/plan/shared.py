"""One budget for several tasks: the mean over expected problems is bounded, and each task gets its level."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.allocate.baselines import by_pass_rate
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.schedule import schedule
from osca_cli.allocate.solve import Solver, solve
from osca_cli.errors import UsageError
from osca_cli.estimate.plugin import mean_rates
from osca_cli.estimate.rows import CurveRows, RateRows, Rows, coverage
from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Estimator, estimate
from osca_cli.plan.result import Certificate
from osca_cli.spec.types import Budget


@dataclass(frozen=True, slots=True, eq=False)
class TaskShare:
    """A task that shares a budget.

    Attributes:
        name: Of the task, or of its stratum.
        outcomes: With its split; the training problems are planned on.
        share: Of the expected problems; shares of all tasks sum to 1.
    """

    name: str
    outcomes: Outcomes
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class SharedAllocation:
    """What a shared budget gives a task.

    Attributes:
        counts: Samples by configuration, those above 0.
        schedule: The order they are drawn in.
        level: What the task may spend per problem, in the budget's kind.
        value: Coverage of its training problems as estimated.
    """

    name: str
    share: float
    counts: dict[str, int]
    schedule: tuple[str, ...]
    level: float
    value: float


def share_budget(
    tasks: Sequence[TaskShare],
    budget: Budget,
    *,
    estimator: Estimator = "plugin",
    solver: Solver = "auto",
    seed: int = 0,
    time_limit_s: float = 60.0,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[tuple[SharedAllocation, ...], Certificate]:
    """Allocate one budget to several tasks.

    Maximises ``sum_t share_t coverage_t(x_t)`` where ``sum_t share_t cost_t @ x_t`` is at most the budget.
    That is one convex programme over the pairs of task and configuration, so one certificate holds for all.
    What raises no task's estimate is not spent.

    Args:
        tasks: Their shares sum to 1.
        budget: Mean over the expected problems of all tasks.
        estimator: How pass rates are estimated.
        solver: As in planning one task.
        seed: Of the solvers that start at random.
        time_limit_s: How long the ``exact`` solver may search.
        clock: Seconds, for that limit and the certificate.

    Raises:
        UsageError: shares do not sum to 1, or a task cannot be planned.
    """
    if abs(sum(task.share for task in tasks) - 1) > 1e-6:
        raise UsageError(f"shares of tasks must sum to 1, not {sum(task.share for task in tasks):g}")
    begun = clock()
    trains = [task.outcomes.select(problems=task.outcomes.train) for task in tasks]
    # Alone, a task could spend what all others leave; so far its curves must reach.
    alone = [
        limits_of(train, Budget(budget.kind, budget.amount / task.share))
        for task, train in zip(tasks, trains, strict=True)
    ]
    parts = [estimate(train, estimator, limits) for train, limits in zip(trains, alone, strict=True)]
    shares = np.array([task.share for task in tasks])
    limits = _joined(alone, shares, float(budget.amount))
    solution = solve(
        stack(parts, shares), limits, solver, seed=seed, out_of_time=lambda: clock() - begun > time_limit_s
    )
    certificate = Certificate(solution.value, solution.bound, clock() - begun)
    ends = np.cumsum([len(train.configurations) for train in trains])[:-1]
    each = np.split(solution.counts, ends)
    return tuple(map(_allocation, tasks, trains, parts, alone, each)), certificate


def stack(parts: Sequence[Rows], shares: Floats) -> Rows:
    """Join estimates of several tasks: configurations of one do nothing for the rows of another.

    Args:
        parts: One estimate a task.
        shares: Of the expected problems, shape ``(T,)``.
    """
    weights = np.concatenate([share * part.weights for part, share in zip(parts, shares, strict=True)])
    horizon = max(0 if part.linear else part.horizon for part in parts)
    tables = [_table(part, horizon) for part in parts]
    size = sum(len(table) for table in tables)
    joined = np.zeros((size, tables[0].shape[1], len(weights)))
    row = column = 0
    for table in tables:
        joined[row : row + len(table), :, column : column + table.shape[2]] = table
        row, column = row + len(table), column + table.shape[2]
    return CurveRows(weights, joined) if horizon else RateRows(weights, joined[:, 0])


def _table(rows: Rows, horizon: int) -> Floats:
    """Return curves up to a horizon, shape ``(S, K + 1, R)``; with horizon 0 the one step of linear rows."""
    if horizon == 0:
        size = len(rows.slopes(rows.weights))
        return rows.steps(np.zeros(size, np.int64))[:, None, :]
    size = len(rows.slopes(rows.weights))
    reach = min(horizon, rows.horizon)
    table = np.stack([[rows.curve(s, k) for k in range(reach + 1)] for s in range(size)])
    last = np.repeat(table[:, -1:], horizon - reach, axis=1)
    return np.concatenate([table, last], axis=1)


def _joined(alone: Sequence[Limits], shares: Floats, budget: float) -> Limits:
    """Return the limits over pairs: a draw costs what it costs a problem of its task, times the share."""
    costs = np.concatenate([share * limits.costs for limits, share in zip(alone, shares, strict=True)])
    lower: Ints = np.concatenate([limits.lower for limits in alone])
    upper: Ints = np.concatenate([np.minimum(limits.upper, limits.most()) for limits in alone])
    return Limits(costs, budget, lower, upper)


def _allocation(
    task: TaskShare, train: Outcomes, rows: Rows, limits: Limits, counts: Ints
) -> SharedAllocation:
    preference = by_pass_rate(mean_rates(train) / limits.prices())
    order = schedule(rows, counts, limits.costs, preference)
    return SharedAllocation(
        name=task.name,
        share=task.share,
        counts={name: int(count) for name, count in zip(train.configurations, counts, strict=True) if count},
        schedule=tuple(train.configurations[index] for index in order),
        level=float(limits.costs @ counts),
        value=coverage(rows, counts),
    )
