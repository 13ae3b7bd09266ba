"""What the pool lacks of what is asked: the whole of osca's memory of earlier runs."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, TypeAlias

from osca_cli.errors import UsageError
from osca_cli.identity import digest
from osca_cli.model import Problem, Split
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.types import Configuration, Spec, Task
from osca_cli.store.batches import owed
from osca_cli.store.pool import Pool
from osca_cli.store.statements import IMPORTED

PilotSplit: TypeAlias = Literal["train", "held_out", "all"]
_PARTS: Mapping[PilotSplit, tuple[Split, ...]] = {
    "train": ("train",),
    "held_out": ("held_out",),
    "all": ("train", "held_out"),
}
CHUNK = 500  # cells that are looked up together: what is held in memory


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of a spec a run is about.

    Attributes:
        task: Only this task.
        only: Only configurations whose name matches this pattern.
        limit: At most so many problems of each task and split, in the order of their hashes.
    """

    task: str | None = None
    only: str | None = None
    limit: int | None = None

    def tasks(self, spec: Spec) -> list[Task]:
        """Return the tasks of a spec that the filter lets through.

        Raises:
            UsageError: no task has that name.
        """
        tasks = [task for task in spec.tasks if self.task in {None, task.name}]
        if not tasks:
            names = ", ".join(task.name for task in spec.tasks)
            raise UsageError(f"--task {self.task}: {spec.path} has no such task (it has {names})")
        return tasks

    def sampled(self, spec: Spec) -> list[Task]:
        """Return the tasks that have problems to sample; the others are counts from a file.

        Raises:
            UsageError: no task has that name, or none of them has problems.
        """
        tasks = [task for task in self.tasks(spec) if task.outcomes is None]
        if not tasks:
            raise UsageError(
                f"{spec.path} has counts instead of problems: osca plan and osca check read them"
            )
        return tasks

    def configurations(self, spec: Spec, task: Task) -> list[Configuration]:
        """Return the configurations of a task that the filter lets through.

        Raises:
            UsageError: no configuration matches.
        """
        every = spec.configurations_of(task.name)
        names = set(self.matching([one.name for one in every]))
        return [one for one in every if one.name in names]

    def matching(self, names: Sequence[str]) -> list[str]:
        """Return those of some names of configurations that the filter lets through.

        Raises:
            UsageError: none does.
        """
        some = [name for name in names if self.only is None or fnmatch.fnmatchcase(name, self.only)]
        if not some:
            raise UsageError(f"--only {self.only}: no configuration matches (there are {', '.join(names)})")
        return some

    def problems(self, problems: Sequence[Problem]) -> list[Problem]:
        """Return the problems that the filter lets through."""
        if self.limit is None:
            return list(problems)
        return sorted(problems, key=lambda problem: digest(problem.id))[: self.limit]


@dataclass(frozen=True, slots=True)
class Ask:
    """Some samples of some configurations on some problems of a task.

    Attributes:
        samples: How many samples of each configuration, by its name.
        start: How many of these were asked for before: their indices are not looked at again.
        stopping: Whether problems stop at a pass, so that what is drawn does not count as asked for in full.
    """

    task: Task
    split: Split
    problems: Sequence[Problem]
    configurations: Sequence[Configuration]
    samples: Mapping[str, int]
    start: int = 0
    stopping: bool = False

    def wanted(self, cell: Cell) -> int:
        """Return how many samples of a cell are asked for in full."""
        if self.stopping:
            return 0
        return self.indices(cell.configuration.name, deterministic=cell.deterministic).stop

    def indices(self, configuration: str, *, deterministic: bool) -> range:
        """Return which samples of a cell this is about: of a deterministic one, the first alone."""
        number = self.samples[configuration]
        return range(self.start, min(number, 1) if deterministic else number)


@dataclass(frozen=True, slots=True)
class Lack:
    """What a cell lacks.

    Attributes:
        undrawn: Indices without a sample.
        unverified: Indices whose sample has no verdict.
        there: How many samples have one.
        owed: Indices whose sample is on its way in a batch.
    """

    cell: Cell
    undrawn: tuple[int, ...]
    unverified: tuple[int, ...]
    there: int
    owed: tuple[int, ...] = ()


def pilot_asks(
    spec: Spec,
    chosen: Filter,
    *,
    split: PilotSplit = "train",
    samples: int | None = None,
) -> list[Ask]:
    """Return what a pilot asks of every configuration.

    Args:
        spec: The spec.
        chosen: The part of it that is asked for.
        split: Which problems.
        samples: Samples of each cell; where not given, the spec's ``pilot: screen``, else its ``samples``.
    """
    number = samples or spec.pilot_screen or spec.pilot_samples
    return [_ask(spec, chosen, task, part, number) for task in chosen.sampled(spec) for part in _PARTS[split]]


def further_asks(
    spec: Spec,
    chosen: Filter,
    going_on: Mapping[str, Collection[str]],
    *,
    split: PilotSplit = "train",
) -> list[Ask]:
    """Return what a pilot asks of the configurations that go on after its screening.

    Args:
        spec: The spec.
        chosen: The part of it that is asked for.
        going_on: Their names, by task.
        split: Which problems.
    """
    asks = []
    for task in chosen.sampled(spec):
        for part in _PARTS[split]:
            ask = _ask(spec, chosen, task, part, spec.pilot_samples)
            some = [one for one in ask.configurations if one.name in going_on.get(task.name, ())]
            if some:
                asks.append(replace(ask, configurations=some, start=spec.pilot_screen or 0))
    return asks


def _ask(spec: Spec, chosen: Filter, task: Task, part: Split, number: int) -> Ask:
    configurations = chosen.configurations(spec, task)
    problems = chosen.problems(task.train if part == "train" else task.held_out)
    counts = dict.fromkeys((one.name for one in configurations), number)
    return Ask(task, part, problems, configurations, counts)


def lacking(maker: CellMaker, pool: Pool, ask: Ask, *, register: bool) -> Iterator[Lack]:
    """Yield every cell of an ask with what the pool lacks of it, lazily.

    Args:
        maker: Makes the cells.
        pool: What there is.
        ask: What is wanted.
        register: Whether to record the cells in the pool, and how many of their samples were asked for.
    """
    cells = maker.cells(ask.task, ask.problems, ask.configurations)
    for chunk in _chunks(cells):
        if register:
            pool.register(chunk, ask.split, asked=ask.wanted)
        requests = [cell.request_id for cell in chunk]
        drawn, verified, on_its_way = pool.drawn(requests), pool.verified(requests), owed(pool, requests)
        for cell in chunk:
            wanted = set(ask.indices(cell.configuration.name, deterministic=cell.deterministic))
            have = drawn.get(cell.request_id, set()) & wanted
            judged = have.intersection(*(_judged(verified, one) for one in cell.checks))
            coming = on_its_way.get(cell.request_id, set()) & wanted - have
            undrawn, unverified = wanted - have - coming, have - judged
            yield Lack(
                cell, tuple(sorted(undrawn)), tuple(sorted(unverified)), len(judged), tuple(sorted(coming))
            )


def _judged(verified: Mapping[tuple[str, str], set[int]], cell: Cell) -> set[int]:
    """Return the samples of a cell that have a verdict: by its check, or of another tool."""
    judges = (cell.check_id,) if cell.accepts else (cell.check_id, IMPORTED)
    return set().union(*(verified.get((cell.request_id, by), set()) for by in judges))


def _chunks(cells: Iterable[Cell]) -> Iterator[list[Cell]]:
    remaining = iter(cells)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
