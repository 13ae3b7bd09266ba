"""What held-out problems show of a plan and of what it is compared with, problem by problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from osca_cli.check.hindsight import Hindsight, hindsight
from osca_cli.estimate.heldout import coverage_per_problem
from osca_cli.estimate.spread import Spread, together
from osca_cli.model import Json
from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes
from osca_cli.plan.planner import usd_per_sample
from osca_cli.plan.replay import replay
from osca_cli.spec.strata import value_text
from osca_cli.spec.types import Budget

Counts: TypeAlias = Mapping[str, float]
Solved: TypeAlias = Callable[[Outcomes, Counts, Mask], Floats]
"""How much of each problem an allocation solves, in [0, 1] and shape ``(J,)``, on the problems of a mask."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A plan and its baselines, on the problems that take it.

    Attributes:
        problems: Which held-out problems, shape ``(P,)``, at least one.
        counts: The plan's allocation.
        baselines: Allocations to compare with, by name.
        budget: That the plan was made for.
        schedule: The order in which its samples are drawn, exactly the counts.
        where: Fields and values of these problems; empty for all that no other plan is for.
        promised: The pass rate that the plan expects, with its error; ``None`` where it says nothing.
    """

    problems: Mask
    counts: Mapping[str, int]
    baselines: Mapping[str, Counts]
    budget: Budget
    schedule: Sequence[str] = ()
    where: Mapping[str, Json] = field(default_factory=dict)
    promised: Spread | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What J held-out problems show, shape ``(J,)`` each.

    Attributes:
        ours: How much of it the plan solves.
        theirs: How much the baselines do, by name.
        samples: Samples that executing the plan draws, stopping at the first pass.
        usd: What these cost; NaN where a price is unknown.
        clusters: Numbers of the clusters of problems that are alike; ``None`` where each is its own.
        promised: The pass rate that the plan expects of such problems.
        best: What could have been had; ``None`` where nobody asks.
    """

    ours: Floats
    theirs: Mapping[str, Floats]
    samples: Floats
    usd: Floats
    clusters: Ints | None = None
    promised: Spread | None = None
    best: Hindsight | None = None

    @classmethod
    def of(
        cls,
        outcomes: Outcomes,
        compared: Compared,
        clusters: Ints | None = None,
        *,
        solved: Solved = coverage_per_problem,
        with_hindsight: bool = False,
    ) -> Facts:
        """Look at a plan and its baselines on the problems that take it.

        Args:
            outcomes: What was sampled, at least as often as the counts and the baselines ask.
            compared: The plan and its baselines.
            clusters: Numbers of the clusters of all problems, shape ``(P,)``.
            solved: What counts as solved.
            with_hindsight: Whether to look for the best allocation that there was, too.

        Raises:
            MissingSamplesError: a cell has fewer samples than are needed; nothing is made up for it.
        """
        problems, budget = compared.problems, compared.budget
        view = outcomes.select(problems=problems)
        order = [outcomes.configurations.index(name) for name in compared.schedule]
        theirs = {name: solved(outcomes, counts, problems) for name, counts in compared.baselines.items()}
        ours = solved(outcomes, compared.counts, problems)
        drawn = replay(view.accepted(), order, usd_per_sample(view))
        return cls(
            ours=ours,
            theirs=theirs,
            samples=drawn.samples,
            usd=drawn.usd,
            clusters=None if clusters is None else clusters[problems],
            promised=compared.promised,
            best=hindsight(outcomes, budget, problems, [ours, *theirs.values()]) if with_hindsight else None,
        )

    @classmethod
    def joined(cls, parts: Sequence[Facts]) -> Facts:
        """Return the facts of all problems of a task whose plans are for some of them each."""
        best = [part.best for part in parts if part.best is not None]
        clusters = [part.clusters for part in parts if part.clusters is not None]
        promised = [part.promised for part in parts if part.promised is not None]
        shares = [len(part.ours) / sum(len(one.ours) for one in parts) for part in parts]
        return cls(
            ours=np.concatenate([part.ours for part in parts]),
            theirs={name: np.concatenate([part.theirs[name] for part in parts]) for name in parts[0].theirs},
            samples=np.concatenate([part.samples for part in parts]),
            usd=np.concatenate([part.usd for part in parts]),
            clusters=np.concatenate(clusters) if len(clusters) == len(parts) else None,
            promised=together(promised, shares) if len(promised) == len(parts) else None,
            best=Hindsight.joined(best) if len(best) == len(parts) else None,
        )


def clusters_of(outcomes: Outcomes, field: str | None) -> Ints | None:
    """Number the problems by their values of a field, shape ``(P,)``; one without a value is its own cluster.

    Returns:
        None where there is no field, or no problem has it.
    """
    values = [outcomes.tags.get(id_, {}).get(field) if field else None for id_ in outcomes.problems]
    if all(value is None for value in values):
        return None
    numbers: dict[object, int] = {}
    keys = [(index,) if value is None else value_text(value) for index, value in enumerate(values)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])
