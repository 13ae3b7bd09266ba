"""The solvers by name, each with the bound that certifies what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Literal, TypeAlias, get_args

from osca_cli.allocate.exact import TOLERANCE, branch_and_bound
from osca_cli.allocate.greedy import greedy
from osca_cli.allocate.hill_climb import hill_climb
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.relaxation import relax, round_down
from osca_cli.allocate.swap import swap
from osca_cli.estimate.rows import Rows, coverage
from osca_cli.outcomes.types import Ints

Solver: TypeAlias = Literal["auto", "greedy", "greedy-swap", "exact", "hill-climb"]
SOLVERS: tuple[Solver, ...] = get_args(Solver)

WORTH_CLOSING = 1e-4
"""Gap of coverage below which ``auto`` does not look further."""
BOXES = 100
"""How many boxes ``auto`` searches at most."""
WORK = 300_000
"""Cells times boxes that it searches at most: a box of many cells takes longer."""
MANY = 64
"""Samples, of the dearest even, from which on ``auto`` rounds the relaxation instead of drawing greedily."""
SMALL = 50_000
"""Cells up to which the relaxation takes milliseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """An allocation with its certificate.

    Attributes:
        counts: How often each configuration is drawn, shape ``(S,)``.
        value: Its coverage under the estimate.
        bound: Coverage that no allocation within the limits exceeds.
        solver: The solver that found it.
    """

    counts: Ints
    value: float
    bound: float
    solver: str


def solve(
    rows: Rows, limits: Limits, solver: Solver, *, seed: int, out_of_time: Callable[[], bool]
) -> Solution:
    """Choose an allocation and certify it.

    Args:
        rows: The estimate.
        limits: What the allocation keeps.
        solver: ``auto`` is greedy with swaps, and a short branch and bound where that leaves a gap.
        seed: Of hill climbing's random starts.
        out_of_time: When ``exact`` is to give up; it then returns the best found with its gap.
    """
    counts, name, bound = _find(rows, limits, solver, seed=seed)
    if bound is None:
        bound = relax(rows, limits, counts).bound
    value = coverage(rows, counts)
    if solver == "exact" or (solver == "auto" and _is_small(rows, limits) and bound > value + WORTH_CLOSING):
        patience = out_of_time if solver == "exact" else _after(min(BOXES, WORK // _cells(rows, limits)))
        counts, bound = branch_and_bound(rows, limits, counts, patience)
        value = coverage(rows, counts)
        name = "exact" if solver == "exact" or bound <= value + TOLERANCE else name
    return Solution(counts, value, max(value, bound), name)


def _is_small(rows: Rows, limits: Limits) -> bool:
    return _cells(rows, limits) <= SMALL


def _cells(rows: Rows, limits: Limits) -> int:
    return rows.weights.size * len(limits.costs)


def _after(boxes: int) -> Callable[[], bool]:
    """Return a limit that counts instead of looking at a clock: the same input gives the same plan."""
    calls = count()
    return lambda: next(calls) >= boxes


def find(rows: Rows, limits: Limits, solver: Solver, *, seed: int) -> Ints:
    """Choose an allocation as :func:`solve` does, but for its certificate and for closing the gap."""
    return _find(rows, limits, solver, seed=seed)[0]


def _find(rows: Rows, limits: Limits, solver: Solver, *, seed: int) -> tuple[Ints, str, float | None]:
    """Return an allocation, what found it, and its bound if that came with it."""
    if solver == "hill-climb":
        return hill_climb(rows, limits, seed=seed), "hill-climb", None
    many = limits.budget > MANY * limits.costs.max()
    if solver in ("auto", "exact") and rows.linear and many and _is_small(rows, limits):
        # Drawing one after the other would be slower than the relaxation, which is tight for many samples.
        relaxed = relax(rows, limits, limits.lower)
        return swap(rows, limits, round_down(rows, limits, relaxed.counts)), "rounding-swap", relaxed.bound
    counts = greedy(rows, limits)
    if solver == "greedy":
        return counts, "greedy", None
    return swap(rows, limits, counts), "greedy-swap", None
