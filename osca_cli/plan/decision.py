"""Deciding: an allocation for an estimate, with its certificate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from osca_cli.allocate.limits import Limits
from osca_cli.allocate.solve import Solver, find, solve
from osca_cli.estimate.rows import Rows, coverage
from osca_cli.outcomes.types import Ints, Outcomes
from osca_cli.plan.choice import Choice, Estimate, choose
from osca_cli.plan.manner import ONE_BY_ONE, Manner
from osca_cli.plan.result import Certificate


@dataclass(frozen=True, slots=True)
class Search:
    """How allocations are found.

    Attributes:
        solver: The solver.
        seed: Of the solvers that start at random.
        time_limit_s: How long the ``exact`` solver may search.
        clock: Seconds.
        manner: How what is found will be executed.
    """

    solver: Solver = "auto"
    seed: int = 0
    time_limit_s: float = 60.0
    clock: Callable[[], float] = time.perf_counter
    manner: Manner = ONE_BY_ONE

    def find(self, rows: Rows, limits: Limits) -> Ints:
        """Return an allocation without a bound, whatever time that takes."""
        return find(rows, limits, self.solver, seed=self.seed)

    def chosen(self, outcomes: Outcomes, limits: Limits, rows: Rows) -> Choice:
        """Return an allocation and the baselines, with all that executing it needs."""
        choice = choose(outcomes, limits, rows, self.find)
        return self.manner.completed(choice, rows, self.manner.reach(limits))


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """An allocation as it was chosen on the training problems.

    Attributes:
        known: The estimate that it was chosen for.
        limits: What it keeps.
        choice: The allocation and the baselines.
        certificate: How far from optimal it can be; None where nothing is certified.
        solver: What found it.
    """

    known: Estimate
    limits: Limits
    choice: Choice
    certificate: Certificate | None
    solver: str


def decide(train: Outcomes, known: Estimate, limits: Limits, search: Search, begun: float) -> Decision:
    """Choose an allocation for an estimate, and certify it.

    Args:
        train: The problems to choose for.
        known: What was learned, whose rows are of these problems.
        limits: What the allocation keeps.
        search: How it is found.
        begun: When learning began, which the certificate's time counts from.
    """
    clock, rows = search.clock, known.rows
    late = lambda: clock() - begun > search.time_limit_s  # noqa: E731
    solution = solve(rows, limits, search.solver, seed=search.seed, out_of_time=late)
    seconds = clock() - begun
    choice = choose(train, limits, rows, lambda *_: solution.counts)
    choice = search.manner.completed(choice, rows, search.manner.reach(limits), final=True)
    value = coverage(rows, choice.counts)
    certificate = Certificate(value, max(solution.bound, value), seconds)
    return Decision(known, limits, choice, certificate, solution.solver)
