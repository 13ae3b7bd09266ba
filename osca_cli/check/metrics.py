"""What may be asserted, as numbers with intervals: functions of what held-out problems show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.check.facts import Facts
from osca_cli.estimate.intervals import mean_interval
from osca_cli.estimate.spread import (
    Interval,
    Spread,
    difference_of,
    rate_of,
    ratio_interval,
    spread_of,
    together,
)
from osca_cli.outcomes.types import Floats
from osca_cli.spec.checks import EXPECTED, GAIN


@dataclass(frozen=True, slots=True)
class Metric:
    """A number over held-out problems.

    Attributes:
        value: The number; infinite where nothing is solved and it is a cost.
        interval: The two-sided interval at a confidence.
    """

    value: float
    interval: Callable[[float], Interval]


def metrics_of(tasks: Sequence[Facts], weights: Sequence[float]) -> dict[str, Metric]:
    """Return what can be said of a task, or of the weighted total of several, by name.

    What is unknown of one of them is left out: without prices there is no ``spend.usd``.

    Args:
        tasks: What the problems of each task show.
        weights: Of the tasks; they sum to 1.
    """

    def total(spreads: Sequence[Spread]) -> Spread:
        return together(spreads, weights)

    found = {"pass_rate": _rate(tasks, [task.ours for task in tasks], total)}
    for name in tasks[0].theirs:
        if all(name in task.theirs for task in tasks):
            gains = [difference_of(task.ours, task.theirs[name], task.clusters) for task in tasks]
            found[GAIN + name] = _clipped(total(gains), -1.0, 1.0)
    if not any(np.isnan(task.usd).any() for task in tasks):
        spend = total([spread_of(task.usd, task.clusters) for task in tasks])
        found["spend.usd"] = _clipped(spend, 0.0, np.inf)
        found["cost_of_pass"] = _cost_of_pass(tasks, spend, total)
    promised = [task.promised for task in tasks if task.promised is not None]
    if len(promised) == len(tasks):
        held_out = total([rate_of(task.ours, task.clusters) for task in tasks])
        found[EXPECTED] = _clipped(together([held_out, total(promised)], [1.0, -1.0]), -1.0, 1.0)
    if all(task.best is not None for task in tasks):
        found["regret"] = _regret(tasks, total)
    return found


def rates_of(tasks: Sequence[Facts], weights: Sequence[float]) -> dict[str, Metric]:
    """Return the pass rates of what the plans of all these tasks are compared with, by name.

    The arguments are those of :func:`metrics_of`.
    """

    def total(spreads: Sequence[Spread]) -> Spread:
        return together(spreads, weights)

    names = [name for name in tasks[0].theirs if all(name in task.theirs for task in tasks)]
    return {name: _rate(tasks, [task.theirs[name] for task in tasks], total) for name in names}


def _clipped(spread: Spread, low: float, high: float) -> Metric:
    def interval(confidence: float) -> Interval:
        below, above = spread.interval(confidence)
        return max(low, below), min(high, above)

    return Metric(spread.mean, interval)


def _rate(
    tasks: Sequence[Facts], solved: Sequence[Floats], total: Callable[[Sequence[Spread]], Spread]
) -> Metric:
    """Return a mean of what is solved of each problem; of one task by Wilson's interval."""
    if len(tasks) > 1:
        rates = [rate_of(values, task.clusters) for values, task in zip(solved, tasks, strict=True)]
        return _clipped(total(rates), 0.0, 1.0)
    values, clusters = solved[0], tasks[0].clusters

    def interval(confidence: float) -> Interval:
        return mean_interval(values, clusters=clusters, confidence=confidence)[1]

    return Metric(float(values.mean()), interval)


def _cost_of_pass(
    tasks: Sequence[Facts], spend: Spread, total: Callable[[Sequence[Spread]], Spread]
) -> Metric:
    passes = total([spread_of(task.ours, task.clusters) for task in tasks])
    both = total([spread_of(task.usd + task.ours, task.clusters) for task in tasks])
    value = spend.mean / passes.mean if passes.mean > 0 else np.inf
    return Metric(value, lambda confidence: ratio_interval(spend, passes, both, confidence))


def _regret(tasks: Sequence[Facts], total: Callable[[Sequence[Spread]], Spread]) -> Metric:
    """Return what the best allocation solves more, between what is too little and what is too much."""
    best = [(task, task.best) for task in tasks if task.best is not None]
    most = total([difference_of(one.fitted, task.ours, task.clusters) for task, one in best])
    least = total([difference_of(one.crossed, task.ours, task.clusters) for task, one in best])

    def interval(confidence: float) -> Interval:
        # There is never less than nothing to regret: the plan itself was to be had.
        low, high = least.interval(confidence)[0], most.interval(confidence)[1]
        return max(0.0, low), min(1.0, max(0.0, high))

    return Metric(max(0.0, (most.mean + least.mean) / 2), interval)
