"""What counts as solved where a wrong sample may be accepted: the first accept is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osca_cli.allocate.accept_first import WrongAccepts
from osca_cli.allocate.baselines import by_pass_rate
from osca_cli.allocate.schedule import in_turns
from osca_cli.estimate.plugin import mean_rates
from osca_cli.outcomes.types import Floats, Mask, Outcomes
from osca_cli.plan.accepted import Mix, Wrong, right_and_wrong
from osca_cli.plan.selecting import pure_mix
from osca_cli.spec.types import PlannedTask, Task


@dataclass(frozen=True, slots=True, eq=False)
class RightAnswers:
    """Measures how much of each problem an allocation answers rightly: a ``Solved`` of the check's facts.

    Attributes:
        wrong: Wrong accepts per rejected sample, where the outcomes do not tell what of the accepts is right.
        plans: Plans whose samples have an order of their own; others are drawn in turns, by their pass rates
            on the training problems from the best down.
    """

    wrong: WrongAccepts
    plans: Sequence[PlannedTask]

    def __call__(self, outcomes: Outcomes, counts: Mapping[str, float], problems: Mask) -> Floats:
        """Return the probability of a right answer, without bias, shape ``(J,)``.

        Args:
            outcomes: At least as many samples as counts ask for.
            counts: Samples of each configuration; a fraction, where it is the only one.
            problems: Which problems, shape ``(P,)``.
        """
        view = outcomes.select(problems=problems)
        right: Floats = right_and_wrong(view, [self._mix(outcomes, counts)], self.wrong)[0]
        return right

    def _mix(self, outcomes: Outcomes, counts: Mapping[str, float]) -> Mix:
        row = {name: index for index, name in enumerate(outcomes.configurations)}
        if len(counts) == 1:
            ((name, count),) = counts.items()
            return pure_mix(row[name], min(count, 1.0) if outcomes.deterministic[row[name]] else count)
        planned = next((plan.schedule for plan in self.plans if dict(plan.counts) == dict(counts)), None)
        drawn = _in_turns(outcomes, counts) if planned is None else [row[name] for name in planned]
        order: list[int] = []
        for s in drawn:
            if not (outcomes.deterministic[s] and s in order):
                order.append(s)
        return [(1.0, order)]


def _in_turns(outcomes: Outcomes, counts: Mapping[str, float]) -> list[int]:
    train = outcomes.select(problems=outcomes.train)
    left = np.array([int(counts.get(name, 0)) for name in outcomes.configurations])
    return in_turns(by_pass_rate(mean_rates(train)), left)


def right_answers(task: Task, plans: Sequence[PlannedTask], outcomes: Outcomes) -> RightAnswers | None:
    """Return what measures right answers of the plans of a task; ``None`` where whatever passes is right."""
    if outcomes.accepts is not None:
        train = outcomes.select(problems=outcomes.train)
        return RightAnswers(Wrong.of(train).likely, plans)
    rates = [
        block.get("rate") for plan in plans if isinstance(block := plan.block.get("false_accepts"), Mapping)
    ]
    known = [rate for rate in rates if isinstance(rate, int | float) and 0 < rate < 1]
    if not known or task.select is not None:
        return None
    return RightAnswers(Wrong.at(known[0], len(outcomes.configurations)).likely, plans)
