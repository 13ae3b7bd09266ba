"""How a plan is executed: in rounds, with a budget that problems share, giving up in the end."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from osca_cli.allocate.greedy import greedy_order
from osca_cli.allocate.limits import Limits
from osca_cli.allocate.rounds import cheapest_rounds, rounds_within, sizes_of
from osca_cli.allocate.schedule import survival, worth_their_price
from osca_cli.errors import UsageError
from osca_cli.estimate.rows import Rows
from osca_cli.plan.choice import Choice

REACH = 10.0
"""An order goes on to so many times the budget at most, where problems share it; then it is repeated."""
LONGEST = 400
"""And to so many samples of a configuration at most, unless the budget itself buys more."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What a spec says of executing its plans.

    Attributes:
        rounds: Into how many rounds a schedule is cut at most; None where samples are drawn one at a time.
        shares: Whether what solved problems leave goes to the others.
        give_up: What one more solved problem may cost, in the budget's kind; None where it may cost all.
    """

    rounds: int | None = None
    shares: bool = False
    give_up: float | None = None

    def reach(self, limits: Limits) -> Limits:
        """Return the limits that the whole order keeps: what estimates must reach."""
        if not self.shares:
            return limits
        times = max(1.0, min(REACH, LONGEST / max(1, int(limits.most().max()))))
        return replace(limits, budget=times * limits.budget)

    def completed(self, choice: Choice, rows: Rows, reach: Limits, *, final: bool = False) -> Choice:
        """Return a choice with all that executing it in this manner needs.

        Args:
            choice: Counts and their order.
            rows: The estimate that it was chosen for.
            reach: Of :meth:`reach`, or what else the estimate reaches.
            final: Whether it is what will be executed, and not what another fold would have chosen.

        Raises:
            UsageError: it is final, and not one sample is worth what a solved problem may cost.
        """
        if self == ONE_BY_ONE:
            return choice
        made = replace(choice, beyond=_continued(choice, rows, reach)) if self.shares else choice
        order = np.array(made.order, np.int64)
        costs, unsolved = choice.limits.costs[order], survival(rows, made.order)
        if self.give_up is not None:
            after = worth_their_price(unsolved, costs, self.give_up)
            if final and after == 0:
                raise UsageError(
                    f"give_up: {self.give_up:g}: not one sample is worth it: the first solved problem is"
                    " expected to cost more; raise it"
                )
            made = _cut(made, max(1, after))
            depth = len(made.order)
            costs, unsolved = costs[:depth], unsolved[: depth + 1]
        if self.rounds is None:
            return made
        if self.shares:
            least = len(made.schedule)
            return replace(
                made, rounds=rounds_within(unsolved, costs, self.rounds, choice.limits.budget, least)
            )
        _, begins = cheapest_rounds(unsolved, costs, self.rounds)
        return replace(made, rounds=sizes_of(begins, len(made.schedule)))


ONE_BY_ONE = Manner()
"""What a spec that says nothing of it asks for."""


def _continued(choice: Choice, rows: Rows, reach: Limits) -> tuple[int, ...]:
    """Return what greedy draws after a choice, as far as limits and estimates reach."""
    further = Limits(reach.costs, reach.budget, np.minimum(choice.counts, reach.upper), reach.upper)
    return tuple(greedy_order(rows, further))


def _cut(choice: Choice, after: int) -> Choice:
    """Return a choice that leaves a problem after so many samples."""
    if after >= len(choice.order):
        return choice
    schedule = choice.schedule[:after]
    return replace(
        choice,
        schedule=schedule,
        counts=np.bincount(np.array(schedule, np.int64), minlength=len(choice.counts)),
        beyond=choice.beyond[: max(0, after - len(choice.schedule))],
        gives_up_after=after,
    )
