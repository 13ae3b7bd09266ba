"""Which problems are held out: by hash, so that adding problems moves none from one side to the other."""

from __future__ import annotations

import json
from collections.abc import Sequence

from osca_cli.identity import digest
from osca_cli.model import Json, Problem


def group_of(problem: Problem, group: str | None) -> Json:
    """Return what a problem is held out with: the value of a field, or its own id."""
    return problem.id if group is None else problem.fields.get(group)


def fraction(task: str, group: Json) -> float:
    """Return where a group falls in [0, 1): the first 8 bytes of a SHA-256, as a fraction.

    >>> round(fraction("sums", "1"), 4)
    0.1264
    """
    return int(digest([task, group])[:16], 16) / 2**64


def split_problems(
    problems: Sequence[Problem], share: float, group: str | None
) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Split a task's problems into training and held-out ones.

    Args:
        problems: Problems of one task.
        share: Share of the groups that is held out, from 0 (none) to 1.
        group: Field whose values stay on one side; ``None`` where each problem is its own group.

    Returns:
        The training problems and the held-out problems, each in their order in the file.
    """
    sides: tuple[list[Problem], list[Problem]] = ([], [])
    for problem in problems:
        sides[fraction(problem.task, group_of(problem, group)) < share].append(problem)
    return tuple(sides[0]), tuple(sides[1])


def find_twins(
    train: Sequence[Problem], held_out: Sequence[Problem], id_field: str
) -> tuple[Problem, Problem] | None:
    """Return a training and a held-out problem that differ in their ids alone, if there are any.

    Such a problem has been seen: what it proves of a plan is no proof.
    """
    seen = {_content(problem, id_field): problem for problem in train}
    for problem in held_out:
        twin = seen.get(_content(problem, id_field))
        if twin is not None:
            return twin, problem
    return None


def _content(problem: Problem, id_field: str) -> str:
    return json.dumps({**problem.fields, id_field: None}, sort_keys=True)
