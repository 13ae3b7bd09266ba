"""Which samples a report lets one read: of few problems a few each, and what that leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.identity import canonical_json
from osca_cli.model import Chat, Problem, Prompt
from osca_cli.outcomes.types import Outcomes
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.types import Configuration, PlannedTask, Task
from osca_cli.store.browse import Head, Shown, heads, shown
from osca_cli.store.pool import Pool

PROBLEMS = 40
"""So many problems are shown, evenly spread from the easiest to the hardest."""
SAMPLES = 240
"""So many samples are shown in all."""
CHARACTERS = 4000
"""A longer text is cut."""
LOOKED_AT = 24
"""Configurations that a problem's samples are picked from; the planned ones come first."""


@dataclass(frozen=True, slots=True)
class Read:
    """A sample to read.

    Attributes:
        prompt: What it answers, as (role, text); of a program the problem that it was given.
    """

    configuration: str
    sample: Shown
    prompt: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A problem with some of its samples.

    Attributes:
        rate: Share of its samples that pass.
        reference: What verifiers compare with, as text.
    """

    problem: str
    split: str
    rate: float
    reference: str
    samples: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The samples that are shown.

    Attributes:
        stories: Problem by problem, the easiest first.
        problems: How many problems there are.
        samples: How many samples those shown have in all of the configurations looked at.
    """

    stories: tuple[Story, ...]
    problems: int
    samples: int

    @property
    def shown(self) -> int:
        """How many samples are shown."""
        return sum(len(story.samples) for story in self.stories)


def read_samples(
    task: Task,
    configurations: Sequence[Configuration],
    plans: Sequence[PlannedTask],
    outcomes: Outcomes,
    maker: CellMaker,
    pool: Pool,
) -> Reading:
    """Pick samples to read.

    Of each problem each configuration gives a sample whose verifier failed, one that passed and one that did
    not, if it has them; planned configurations come first.

    Args:
        task: The task.
        configurations: Those that apply to it.
        plans: Its plans.
        outcomes: Its counts, which say how hard problems are.
        maker: Says what cells ask.
        pool: Where the samples are.
    """
    planned = [name for plan in plans for name in plan.counts]
    first = sorted(configurations, key=lambda one: (one.name not in planned, _place(one.name, planned)))
    known = np.flatnonzero(outcomes.n.any(axis=0))
    rates = outcomes.c.sum(axis=0) / np.maximum(outcomes.n.sum(axis=0), 1)
    order = known[np.argsort(-rates[known], kind="stable")]
    picked = order[np.unique(np.linspace(0, len(order) - 1, min(PROBLEMS, len(order))).round().astype(int))]
    problems = {problem.id: problem for problem in (*task.train, *task.held_out)}
    most = max(4, SAMPLES // max(1, len(picked)))
    stories, total = [], 0
    for column in picked:
        problem = problems[outcomes.problems[int(column)]]
        found = [
            (cell, heads(pool, cell.request_id, cell.check_id))
            for cell in maker.cells(task, [problem], first[:LOOKED_AT])
        ]
        total += sum(len(some) for _, some in found)
        chosen = _chosen(found)[:most]
        split = "training" if outcomes.train[column] else "held out"
        stories.append(_story(problem, split, float(rates[column]), chosen, pool))
    return Reading(tuple(stories), len(known), total)


def _place(name: str, planned: Sequence[str]) -> int:
    return planned.index(name) if name in planned else len(planned)


def _chosen(found: Iterable[tuple[Cell, Sequence[Head]]]) -> list[tuple[Cell, Head]]:
    """Return samples in turns of configurations: what was not verified, then a pass, a fail, the rest."""
    ranked = []
    for place, (cell, some) in enumerate(found):
        seen: dict[bool | None, int] = {}
        for head in some:
            turn = seen.get(head.passed, 0)
            seen[head.passed] = turn + 1
            kind = {None: 0, True: 1, False: 2}[head.passed]
            ranked.append(((turn, place, kind) if head.passed is not None else (-1, place, turn), cell, head))
    return [(cell, head) for _, cell, head in sorted(ranked, key=lambda one: one[0])]


def _story(
    problem: Problem, split: str, rate: float, chosen: Sequence[tuple[Cell, Head]], pool: Pool
) -> Story:
    reference = problem.reference
    return Story(
        problem=problem.id,
        split=split,
        rate=rate,
        reference=(reference if isinstance(reference, str) else canonical_json(reference))[:CHARACTERS],
        samples=tuple(
            Read(
                cell.configuration.name,
                shown(pool, cell.request_id, cell.check_id, head.index, CHARACTERS),
                _prompt(cell),
            )
            for cell, head in chosen
        ),
    )


def _prompt(cell: Cell) -> tuple[tuple[str, str], ...]:
    if cell.request.problem is not None:
        return (("problem", canonical_json(cell.request.problem)[:CHARACTERS]),)
    return _texts(cell.request.prompt)


def _texts(prompt: Prompt) -> tuple[tuple[str, str], ...]:
    if isinstance(prompt, Chat):
        return tuple((message.role, message.content[:CHARACTERS]) for message in prompt.messages)
    return (("text", prompt.text[:CHARACTERS]),)
