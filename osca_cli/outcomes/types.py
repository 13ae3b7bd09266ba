"""Outcomes: what is known of every configuration on every problem, as matrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osca_cli.errors import OutcomesError
from osca_cli.model import Json

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

CostKind: TypeAlias = Literal["usd", "output_tokens", "seconds", "gpu_seconds"]
COST_KINDS: tuple[CostKind, ...] = ("usd", "output_tokens", "seconds", "gpu_seconds")

UNLIMITED = 2**53
"""Value of ``max_samples`` where a plan may draw as many as it likes; also the largest count allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class Stopped:
    """Samples of schedules that stopped at a pass: how many there are tells of their outcome.

    The share of passes among them is biased, so they are kept apart from those that were asked for in full.
    A likelihood may add both: whether sampling stopped is no part of it.

    Attributes:
        n: Samples, shape ``(S, P)``.
        c: Those that passed, shape ``(S, P)``.
        executed: Samples that were drawn by executing plans, those included that are asked for in full by
            now, shape ``(S, P)``.
    """

    n: Ints
    c: Ints
    executed: Ints

    def select(self, grid: tuple[Any, ...]) -> Stopped:
        """Return the samples of some cells."""
        return Stopped(self.n[grid], self.c[grid], self.executed[grid])


@dataclass(frozen=True, slots=True, eq=False)
class Accepts:
    """Of the samples of every cell, those that were accepted by what accepts in production.

    Attributes:
        right: Accepted, and passed, shape ``(S, P)``.
        wrong: Accepted, and failed, shape ``(S, P)``.
    """

    right: Ints
    wrong: Ints

    def select(self, grid: tuple[Any, ...]) -> Accepts:
        """Return those of some cells."""
        return Accepts(self.right[grid], self.wrong[grid])


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Counts of samples and passes of S configurations on P problems.

    Attributes:
        configurations: Names, in the order of the rows.
        problems: Ids, in the order of the columns.
        n: Samples asked for in full, shape ``(S, P)``; 0 means unknown, not a pass rate of 0.
        c: Samples that passed, shape ``(S, P)``, at most ``n``.
        costs: Mean cost of one sample of a cell by kind, each of shape ``(S, P)``, NaN where unknown.
        max_samples: No plan draws a configuration more often, shape ``(S,)``; :data:`UNLIMITED` for no cap.
        deterministic: Every sample of such a configuration is the same, shape ``(S,)``.
        train: Problems that a plan may learn from, shape ``(P,)``.
        held_out: Problems that must not choose a plan, shape ``(P,)``; may overlap ``train`` in a file.
        tags: Fields of problems, by id: what groups and strata are made of.
        stopped: Samples besides ``n``, drawn by schedules that stop at a pass; None where none is looked at.
        accepts: Samples of ``n`` that were accepted; None where the verifier itself accepts.

    Raises:
        OutcomesError: at construction, for what contradicts itself; the message names the cell.
    """

    configurations: tuple[str, ...]
    problems: tuple[str, ...]
    n: Ints
    c: Ints
    costs: Mapping[CostKind, Floats]
    max_samples: Ints
    deterministic: Mask
    train: Mask
    held_out: Mask
    tags: Mapping[str, Mapping[str, Json]]
    stopped: Stopped | None = None
    accepts: Accepts | None = None

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "costs", MappingProxyType(dict(self.costs)))
        for name in ("n", "c", "max_samples", "deterministic", "train", "held_out"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def of(
        cls,
        configurations: Sequence[str],
        problems: Sequence[str],
        n: ArrayLike,
        c: ArrayLike,
        *,
        costs: Mapping[CostKind, ArrayLike] | None = None,
        max_samples: ArrayLike | None = None,
        deterministic: ArrayLike | None = None,
        train: ArrayLike | None = None,
        held_out: ArrayLike | None = None,
        tags: Mapping[str, Mapping[str, Json]] | None = None,
    ) -> Outcomes:
        """Build outcomes; what is left out is: no costs, no caps, all problems train, none is held out."""
        count, width = len(configurations), len(problems)
        np.full(count, UNLIMITED) if max_samples is None else max_samples
        return cls(
            configurations=tuple(configurations),
            problems=tuple(problems),
            n=np.asarray(n, np.int64),
            c=np.asarray(c, np.int64),
            costs={kind: np.asarray(cost, np.float64) for kind, cost in (costs or {}).items()},
            max_samples=np.asarray(
                np.full(count, UNLIMITED) if max_samples is None else max_samples, np.int64
            ),
            deterministic=np.asarray(np.zeros(count) if deterministic is None else deterministic, np.bool_),
            train=np.asarray(np.ones(width) if train is None else train, np.bool_),
            held_out=np.asarray(np.zeros(width) if held_out is None else held_out, np.bool_),
            tags=tags or {},
        )

    @property
    def overlap(self) -> Mask:
        """Problems on both sides of the split, shape ``(P,)``."""
        return self.train & self.held_out

    @property
    def all_samples(self) -> tuple[Ints, Ints]:
        """Samples and passes however they were drawn, for likelihoods alone, each of shape ``(S, P)``."""
        if self.stopped is None:
            return self.n, self.c
        return self.n + self.stopped.n, self.c + self.stopped.c

    def select(self, configurations: Iterable[int] | None = None, problems: Mask | None = None) -> Outcomes:
        """Return the outcomes of some configurations (by index, in that order) on some problems."""
        rows = np.arange(len(self.configurations))
        if configurations is not None:
            rows = rows[list(configurations)]
        columns = np.arange(len(self.problems)) if problems is None else np.flatnonzero(problems)
        ids = tuple(self.problems[column] for column in columns)
        grid = np.ix_(rows, columns)
        return replace(
            self,
            configurations=tuple(self.configurations[row] for row in rows),
            problems=ids,
            n=self.n[grid],
            c=self.c[grid],
            costs={kind: cost[grid] for kind, cost in self.costs.items()},
            max_samples=self.max_samples[rows],
            deterministic=self.deterministic[rows],
            train=self.train[columns],
            held_out=self.held_out[columns],
            tags={id_: self.tags[id_] for id_ in ids if id_ in self.tags},
            stopped=None if self.stopped is None else self.stopped.select(grid),
            accepts=None if self.accepts is None else self.accepts.select(grid),
        )

    def accepted(self) -> Outcomes:
        """Return the outcomes as production sees them: what is accepted counts as a pass.

        A deterministic configuration may be judged by chance, so its cells are bounded by their caps alone.
        """
        if self.accepts is None:
            return self
        return replace(self, c=self.accepts.right + self.accepts.wrong)

    def with_split(self, train: Mask, held_out: Mask) -> Outcomes:
        """Return the same outcomes with another split."""
        return replace(self, train=train, held_out=held_out)


def _check(outcomes: Outcomes) -> None:
    """Refuse what contradicts itself."""
    _check_names("configuration", outcomes.configurations)
    _check_names("problem", outcomes.problems)
    count, width = len(outcomes.configurations), len(outcomes.problems)
    matrices: dict[str, NDArray[Any]] = {"n": outcomes.n, "correct": outcomes.c}
    matrices |= {f"cost in {kind}": cost for kind, cost in outcomes.costs.items()}
    if outcomes.stopped is not None:
        matrices |= {"stopped n": outcomes.stopped.n, "stopped correct": outcomes.stopped.c}
    if outcomes.accepts is not None:
        matrices |= {"accepted right": outcomes.accepts.right, "accepted wrong": outcomes.accepts.wrong}
    vectors = {"max_samples": (outcomes.max_samples, count), "deterministic": (outcomes.deterministic, count)}
    vectors |= {"train": (outcomes.train, width), "held_out": (outcomes.held_out, width)}
    for name, matrix in matrices.items():
        _check_shape(name, matrix, (count, width))
    for name, (vector, length) in vectors.items():
        _check_shape(name, vector, (length,))
    _refuse(outcomes, outcomes.n < 0, "n is negative", outcomes.n)
    _refuse(outcomes, outcomes.n > UNLIMITED, "n is too large", outcomes.n)
    _refuse(outcomes, outcomes.c < 0, "correct is negative", outcomes.c)
    _refuse(outcomes, outcomes.c > outcomes.n, "more passes than samples: correct is", outcomes.c)
    mixed = outcomes.deterministic[:, None] & (outcomes.c > 0) & (outcomes.c < outcomes.n)
    _refuse(outcomes, mixed, "is marked deterministic, but both passed and failed: correct is", outcomes.c)
    for kind, cost in outcomes.costs.items():
        wrong = (cost < 0) | np.isinf(cost)
        _refuse(outcomes, wrong, f"cost in {kind} must be 0 or more, and finite", cost)
    if np.any(outcomes.max_samples < 0):
        name = outcomes.configurations[int(np.argmin(outcomes.max_samples))]
        raise OutcomesError(f"configuration {name!r}: max_samples is negative; write 0 or more")
    if unknown := sorted(set(outcomes.tags) - set(outcomes.problems)):
        raise OutcomesError(f"tags name problem {unknown[0]!r}, which is not among the problems")


def _check_names(what: str, names: tuple[str, ...]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise OutcomesError(f"{what} {twice!r} stands twice; names must be unique")


def _check_shape(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise OutcomesError(f"{name} has shape {array.shape}, but names and ids ask for {shape}")


def _refuse(outcomes: Outcomes, wrong: Mask, what: str, values: NDArray[Any]) -> None:
    """Raise for the first wrong cell, by its name."""
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise OutcomesError(
            f"configuration {outcomes.configurations[row]!r}, problem {outcomes.problems[column]!r}: "
            f"{what} ({values[row, column]}, n is {outcomes.n[row, column]})"
        )
