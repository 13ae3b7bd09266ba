"""Which configurations go on after the first samples of a pilot: read from the pool, each time anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from osca_cli.errors import MissingSamplesError
from osca_cli.outcomes.types import Outcomes
from osca_cli.run.forecast import Line, add_up, dearest, forecast
from osca_cli.run.missing import Ask, Filter, PilotSplit, further_asks
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.pilot import going_on
from osca_cli.spec.types import Budget, Spec, Task
from osca_cli.store.counts import pool_outcomes
from osca_cli.store.pool import Pool

USUAL = Budget("samples", 8.0)
"""What the choice is for where the spec has no budget: it depends little on it."""


@dataclass(frozen=True, slots=True)
class Screening:
    """How the screening of a task stands.

    Attributes:
        task: Its name.
        configurations: How many are screened.
        samples: By how many samples on each training problem.
        missing: How many of these lack a verdict: the choice waits for them.
        going_on: How many go on; of these, deterministic configurations are none.
        chosen: Which, in spec order; ``None`` while samples are missing.
    """

    task: str
    configurations: int
    samples: int
    missing: int
    going_on: int
    chosen: tuple[str, ...] | None

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` says of it."""
        return asdict(self)


def screenings(spec: Spec, pool: Pool, chosen: Filter, maker: CellMaker) -> list[Screening]:
    """Return how the screening of each task stands; nothing where the spec does not screen.

    The choice is among all configurations of a task, on all its training problems, whatever part of them a
    run is about. It follows from their first samples alone: the same pool gives the same choice.

    Raises:
        UsageError: what samples cost in the kind of the budget is not known.
    """
    if spec.pilot_screen is None:
        return []
    return [_screening(spec, pool, task, maker, spec.pilot_screen) for task in chosen.sampled(spec)]


def rest(spec: Spec, chosen: Filter, stands: Sequence[Screening], split: PilotSplit) -> list[Ask]:
    """Return what is asked of the configurations that go on, as far as the choice is made."""
    going_on = {stand.task: stand.chosen or () for stand in stands}
    return further_asks(spec, chosen, going_on, split=split)


def at_most(
    spec: Spec, pool: Pool, chosen: Filter, stands: Sequence[Screening], split: PilotSplit
) -> Line | None:
    """Return the most that can follow from choices still to be made; ``None`` where all are made.

    Raises:
        UsageError: a limit or budget in USD, and a configuration whose cost has no bound.
    """
    worst = []
    for stand in stands:
        if stand.chosen is None:
            every = {stand.task: {one.name for one in spec.configurations_of(stand.task)}}
            lines = forecast(spec, pool, further_asks(spec, chosen, every, split=split)).lines.values()
            worst.append(dearest(lines, stand.going_on))
    return add_up(worst) if worst else None


def _screening(spec: Spec, pool: Pool, task: Task, maker: CellMaker, samples: int) -> Screening:
    configurations = spec.configurations_of(task.name)
    once = np.array([maker.deterministic(configuration) for configuration in configurations])
    wanted = np.where(once, 1, samples)[:, None]
    try:
        outcomes, _ = pool_outcomes(pool, spec, task, maker, first=samples)
    except MissingSamplesError:
        missing, chosen = int(wanted.sum()) * len(task.train), None
    else:
        train = outcomes.select(problems=outcomes.train)
        missing = int(np.maximum(wanted - train.n, 0).sum())
        chosen = None if missing else _chosen(train, task.budget or spec.budget or USUAL)
    return Screening(task.name, len(configurations), samples, missing, going_on(int(np.sum(~once))), chosen)


def _chosen(train: Outcomes, budget: Budget) -> tuple[str, ...]:
    """Return the names of the configurations that go on."""
    from osca_cli.plan.budgets import (
        limits_of,
    )  # the mathematics, which a pilot without screening does not need
    from osca_cli.plan.elimination import promising

    return tuple(train.configurations[row] for row in promising(train, limits_of(train, budget)))
