"""The JSON of the OSCA paper's release: one number of runs per configuration, and two lists of problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osca_cli.errors import OutcomesError
from osca_cli.outcomes.fields import count, count_row, ids_of, members, read_settings, strings
from osca_cli.outcomes.types import Outcomes


def from_release(document: Mapping[str, Any]) -> Outcomes:
    """Read the release's format; a problem on both lists must have the same counts on both."""
    settings, names = read_settings(document)
    train, test = strings(document, "training_instances"), strings(document, "testing_instances")
    for side, ids in (("training_instances", train), ("testing_instances", test)):
        if len(set(ids)) < len(ids):
            twice = next(id_ for index, id_ in enumerate(ids) if id_ in ids[:index])
            raise OutcomesError(f"{side}: {twice!r} stands twice")
    problems = list(dict.fromkeys([*train, *test]))
    column = {id_: index for index, id_ in enumerate(problems)}
    c = np.zeros((len(names), len(problems)), np.int64)
    for row, name in enumerate(names):
        first = _release_counts(document, "train", row, (name, train))
        second = _release_counts(document, "test", row, (name, test))
        for id_, passes in zip([*train, *test], [*first, *second], strict=True):
            c[row, column[id_]] = passes
        for id_, passes in zip(train, first, strict=True):
            if c[row, column[id_]] != passes:
                raise OutcomesError(
                    f"configuration {name!r}, problem {id_!r}: correct is {passes} under train "
                    f"and {c[row, column[id_]]} under test"
                )
    runs = [count(setting.get("runs"), f"configuration {setting['name']!r}: runs") for setting in settings]
    return Outcomes.of(
        names,
        problems,
        np.repeat(np.array(runs, np.int64)[:, None], len(problems), axis=1),
        c,
        train=members(problems, train),
        held_out=members(problems, test),
    )


def to_release(outcomes: Outcomes) -> dict[str, Any]:
    """Return the counts in the release's JSON, which has one ``runs`` per configuration.

    Raises:
        OutcomesError: a configuration was not sampled equally often on every problem.
    """
    uneven = outcomes.n.min(axis=1) != outcomes.n.max(axis=1)
    if uneven.any():
        name = outcomes.configurations[int(np.argmax(uneven))]
        raise OutcomesError(
            f"configuration {name!r} has unequal sample counts: osca-release cannot hold them"
        )
    names = zip(outcomes.configurations, outcomes.n[:, 0].tolist(), strict=True)
    rows = range(len(outcomes.configurations))
    return {
        "settings": [{"name": name, "runs": runs} for name, runs in names],
        "training_instances": ids_of(outcomes, outcomes.train),
        "testing_instances": ids_of(outcomes, outcomes.held_out),
        "train": {str(row): outcomes.c[row, outcomes.train].tolist() for row in rows},
        "test": {str(row): outcomes.c[row, outcomes.held_out].tolist() for row in rows},
    }


def _release_counts(
    document: Mapping[str, Any], side: str, row: int, labels: tuple[str, Sequence[str]]
) -> list[int]:
    sides = document.get(side)
    values = sides.get(str(row)) if isinstance(sides, dict) else None
    return count_row(values, f"{side}[{str(row)!r}]", labels)
