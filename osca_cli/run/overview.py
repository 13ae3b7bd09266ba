"""The pool in numbers, configuration by configuration."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from osca_cli.backends import open_backends
from osca_cli.errors import MissingSamplesError
from osca_cli.outcomes.types import CostKind, Mask, Outcomes
from osca_cli.run.missing import Filter, lacking, pilot_asks
from osca_cli.run.screening import rest, screenings
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.types import Spec, Task
from osca_cli.store.counts import pool_outcomes
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Line:
    """What the pool has of one configuration of a task.

    Attributes:
        samples: Samples with a verdict, on training and held-out problems.
        missing: What the pilot still lacks on training problems.
        pass_rate: Mean over the training problems of each problem's pass rate; ``None`` if unknown.
        held_out: The same over the held-out problems.
        solved: Training problems with at least one pass.
        output_tokens: Mean of a sample.
        seconds: Mean of a sample.
    """

    task: str
    configuration: str
    samples: int
    missing: int
    pass_rate: float | None
    held_out: float | None
    solved: int
    output_tokens: float | None
    seconds: float | None


def overview(spec: Spec, pool: Pool, chosen: Filter) -> list[Line]:
    """Return the lines of every configuration, in spec order."""
    maker = CellMaker(spec, open_backends(spec))
    return [line for task in chosen.sampled(spec) for line in task_lines(spec, pool, task, chosen, maker)]


def task_lines(
    spec: Spec, pool: Pool, task: Task, chosen: Filter, maker: CellMaker, outcomes: Outcomes | None = None
) -> list[Line]:
    """Return the lines of a task's configurations.

    Args:
        spec: The spec.
        pool: What there is.
        task: One of the spec's tasks.
        chosen: Which configurations.
        maker: Makes the spec's cells.
        outcomes: What the pool has of the task, if that was read before.
    """
    missing = _missing(spec, pool, Filter(task=task.name, only=chosen.only), maker)
    names = [configuration.name for configuration in chosen.configurations(spec, task)]
    try:
        known = pool_outcomes(pool, spec, task, maker)[0] if outcomes is None else outcomes
    except MissingSamplesError:
        return [Line(task.name, name, 0, missing[name], None, None, 0, None, None) for name in names]
    return [line_of(task.name, known, name, missing[name]) for name in names]


def line_of(task: str, outcomes: Outcomes, name: str, missing: int) -> Line:
    """Return the line of one configuration."""
    row = outcomes.configurations.index(name)
    return Line(
        task=task,
        configuration=name,
        samples=int(outcomes.n[row].sum()),
        missing=missing,
        pass_rate=_pass_rate(outcomes, row, outcomes.train),
        held_out=_pass_rate(outcomes, row, outcomes.held_out),
        solved=int((outcomes.c[row] * outcomes.train > 0).sum()),
        output_tokens=_mean_cost(outcomes, row, "output_tokens"),
        seconds=_mean_cost(outcomes, row, "seconds"),
    )


def _missing(spec: Spec, pool: Pool, chosen: Filter, maker: CellMaker) -> Counter[str]:
    number: Counter[str] = Counter()
    stands = screenings(spec, pool, chosen, maker)
    for ask in (*pilot_asks(spec, chosen), *rest(spec, chosen, stands, "train")):
        for lack in lacking(maker, pool, ask, register=False):
            number[lack.cell.configuration.name] += sum(map(len, (lack.undrawn, lack.owed, lack.unverified)))
    return number


def _pass_rate(outcomes: Outcomes, row: int, problems: Mask) -> float | None:
    known = problems & (outcomes.n[row] > 0)
    return float((outcomes.c[row, known] / outcomes.n[row, known]).mean()) if known.any() else None


def _mean_cost(outcomes: Outcomes, row: int, kind: CostKind) -> float | None:
    cost = outcomes.costs.get(kind)
    if cost is None or np.isnan(cost[row]).all():
        return None
    known = ~np.isnan(cost[row])
    return float(np.average(cost[row, known], weights=np.maximum(outcomes.n[row, known], 1)))
