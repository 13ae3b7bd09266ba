"""The solvers by name, each with the bound that certifies what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from osca_cli.allocate.greedy import greedy
from osca_cli.allocate.hill_climb import hill_climb
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.relaxation import relax
from osca_cli.allocate.swap import swap
from osca_cli.estimate.rows import Rows, coverage
from osca_cli.outcomes.types import Ints

Solver: TypeAlias = Literal["auto", "greedy", "greedy-swap", "hill-climb"]
SOLVERS: tuple[Solver, ...] = get_args(Solver)


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


def solve(rows: Rows, limits: Limits, solver: Solver, *, seed: int) -> Solution:
    """Choose an allocation and certify it.

    Args:
        rows: The estimate.
        limits: What the allocation keeps.
        solver: ``auto`` picks.
        seed: Of hill climbing's random starts.
    """
    counts, name = find(rows, limits, solver, seed=seed)
    value = coverage(rows, counts)
    bound = max(value, relax(rows, limits, counts).bound)
    return Solution(counts, value, bound, name)


def find(rows: Rows, limits: Limits, solver: Solver, *, seed: int) -> tuple[Ints, str]:
    """Choose an allocation without certifying it; returns the name of the solver that ran, too."""
    if solver == "hill-climb":
        return hill_climb(rows, limits, seed=seed), "hill-climb"
    counts = greedy(rows, limits)
    if solver == "greedy":
        return counts, "greedy"
    return swap(rows, limits, counts), "greedy-swap"
