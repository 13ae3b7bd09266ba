"""Where a spec stands: what `osca show` says of its configurations and tasks besides the pool's counts."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.backends import open_backends
from osca_cli.errors import MissingSamplesError
from osca_cli.estimate.power_law import coverage_curve
from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.sources import task_outcomes
from osca_cli.run.missing import Filter
from osca_cli.run.overview import Line, line_of, task_lines
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.prices import Price
from osca_cli.spec.types import Configuration, PlannedTask, Spec, Task
from osca_cli.store.browse import Browser, Place, Trouble
from osca_cli.store.pool import Pool

PARTS = 8
"""The problems are looked at in so many parts, from the easiest to the hardest."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A configuration of a task, as it stands.

    Attributes:
        line: Its counts.
        planned: Samples of it in the plans of the task; None where there is no plan.
        coverage: Unbiased pass@k at k = 1, 2, 4, … on the training problems, as far as all have samples.
        by_difficulty: Pass rate on each part of the training problems, the easiest first; None where unknown.
        usd: Mean of a sample; None where no price is known.
        errors: Draws and verdicts that failed and have not come since.
    """

    line: Line
    planned: int | None
    coverage: tuple[float, ...]
    by_difficulty: tuple[float | None, ...]
    usd: float | None
    errors: int

    @property
    def usd_per_pass(self) -> float | None:
        """What is paid on average until a sample passes."""
        rate = self.line.pass_rate
        return self.usd / rate if self.usd is not None and rate else None


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """A task, as it stands.

    Attributes:
        problems: Training problems with samples.
        unsolved: Those that no sample passes on.
        errors: What failed, by what it said: hostile text.
        plans: Its plans, if there are any.
    """

    task: str
    configurations: Sequence[Standing]
    problems: int
    unsolved: int
    errors: Sequence[Trouble]
    plans: Sequence[PlannedTask]


def standings(spec: Spec, pool: Pool | None, chosen: Filter) -> list[TaskStanding]:
    """Return how tasks stand, those included whose outcomes are a file.

    Args:
        spec: The spec, or plan file.
        pool: Where samples are; None where every task's outcomes are a file.
        chosen: Which part of it is looked at.
    """
    maker = CellMaker(spec, open_backends(spec))
    return [_standing(spec, task, pool, maker, chosen) for task in chosen.tasks(spec)]


def _standing(spec: Spec, task: Task, pool: Pool | None, maker: CellMaker, chosen: Filter) -> TaskStanding:
    plans = spec.allocation.plans_of(task.name) if spec.allocation else []
    try:
        outcomes, _ = task_outcomes(spec, task, pool)
    except MissingSamplesError:
        outcomes = None
    if task.outcomes is None and pool is not None:
        names = [one.name for one in chosen.configurations(spec, task)]
        lines = task_lines(spec, pool, task, chosen, maker, outcomes)
        errors = _errors(task, spec.configurations_of(task.name), maker, pool)
    else:
        assert outcomes is not None  # noqa: S101 - a file has them, or could not be read
        names = chosen.matching(outcomes.configurations)
        lines = [line_of(task.name, outcomes, name, missing=0) for name in names]
        errors = []
    drawn: Counter[str] = Counter()
    for plan in plans:
        drawn.update(plan.counts)
    failed: Counter[str] = Counter()
    for one in errors:
        failed[one.configuration] += one.number
    train = None if outcomes is None else outcomes.select(problems=outcomes.train)
    parts = None if train is None else _parts(train)
    return TaskStanding(
        task=task.name,
        configurations=[
            _of_configuration(line, train, parts, drawn if plans else None, failed[line.configuration])
            for line in lines
        ],
        problems=0 if train is None else int(train.n.any(axis=0).sum()),
        unsolved=0 if train is None else int((train.n.any(axis=0) & ~train.c.any(axis=0)).sum()),
        errors=errors,
        plans=plans,
    )


def _of_configuration(
    line: Line,
    train: Outcomes | None,
    parts: Sequence[Ints] | None,
    drawn: Mapping[str, int] | None,
    failed: int,
) -> Standing:
    planned = None if drawn is None else drawn.get(line.configuration, 0)
    if train is None or parts is None:
        return Standing(line, planned, (), (), None, failed)
    row = train.configurations.index(line.configuration)
    _, coverage = coverage_curve(train.n[row], train.c[row])
    usd = train.costs.get("usd")
    return Standing(
        line,
        planned,
        tuple(float(one) for one in coverage),
        tuple(_rate(train, row, part) for part in parts),
        None if usd is None or np.isnan(usd[row]).all() else float(np.nanmean(usd[row])),
        failed,
    )


def _parts(train: Outcomes) -> list[Ints]:
    """Return the problems with samples in parts, the easiest first."""
    known = np.flatnonzero(train.n.any(axis=0))
    share: Floats = train.c[:, known].sum(axis=0) / train.n[:, known].sum(axis=0)
    ordered = known[np.argsort(-share, kind="stable")]
    return [part for part in np.array_split(ordered, PARTS) if len(part)]


def _rate(train: Outcomes, row: int, part: Ints) -> float | None:
    n, c = train.n[row, part], train.c[row, part]
    known = n > 0
    return float((c[known] / n[known]).mean()) if known.any() else None


def _errors(
    task: Task, configurations: Sequence[Configuration], maker: CellMaker, pool: Pool
) -> list[Trouble]:
    """Return verdicts and draws that failed, most first."""
    problems = (*task.train, *task.held_out)
    names = [one.name for _ in problems for one in configurations]
    ids = maker.ids(task, problems, configurations)
    browser = Browser(pool, [Place(name, *one) for name, one in zip(names, ids, strict=True)])
    return sorted([*browser.verdict_errors(), *browser.draw_errors()], key=lambda one: -one.number)


@dataclass(frozen=True, slots=True)
class Defined:
    """A configuration of a task, as it is defined."""

    task: str
    configuration: str
    model: str
    prompt: str
    parameters: str
    price: Price | None
    samples: int
    missing: int


def defined(spec: Spec, pool: Pool, chosen: Filter) -> list[Defined]:
    """Return tasks by configurations, with what their samples cost, how many there are and are missing.

    Raises:
        UsageError: no task has problems to sample.
    """
    maker = CellMaker(spec, open_backends(spec))
    found = []
    for task in chosen.sampled(spec):
        by_name = {one.name: one for one in spec.configurations_of(task.name)}
        for line in task_lines(spec, pool, task, chosen, maker):
            one = by_name[line.configuration]
            parameters = ", ".join(f"{key} {json.dumps(value)}" for key, value in one.parameters.items())
            found.append(
                Defined(
                    task.name,
                    one.name,
                    f"{one.backend}/{os.path.basename(one.model)}",  # noqa: PTH119 - a name, or a path
                    one.prompt or "–",
                    parameters,
                    maker.price(one),
                    line.samples,
                    line.missing,
                )
            )
    return found
