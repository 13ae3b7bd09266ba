"""What more pilot would buy, at what price, and what to draw next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.doublings import next_doublings
from osca_cli.plan.planner import make_plan
from osca_cli.plan.result import SCHEMA_VERSION, Gain, Measured
from osca_cli.spec.types import Budget

More: TypeAlias = Literal["nothing", "samples", "problems"]

ENOUGH_PROBLEMS, ENOUGH_SAMPLES = 20, 2
"""With less than this no curve is measured: what is known of other pilots says enough."""
FIRST_SAMPLES = 4
"""Samples a cell to begin with: on real sets 2 to 4 on every problem are better than more on fewer."""


@dataclass(frozen=True, slots=True)
class Option:
    """A pilot that could be drawn next.

    Attributes:
        more: What it has twice as much of.
        problems: Training problems with samples, in all.
        samples: Of each of their cells, in all.
        draws: Samples to draw for it.
        price: What these cost in the budget's kind; None where that is unknown.
        gain: Of the plan's pass rate on new problems over that of drawing nothing; None if not measured.
    """

    more: More
    problems: int
    samples: int
    draws: int
    price: float | None
    gain: Gain | None

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --advise --json``."""
        return {
            "more": self.more,
            "problems": self.problems,
            "samples": self.samples,
            "draws": self.draws,
            "price": self.price,
            "gain": self.gain.to_json() if self.gain else None,
        }


@dataclass(frozen=True, slots=True)
class Advice:
    """What to draw next for a task.

    Attributes:
        expected: Of the plan that is made now, on new problems.
        options: The first one draws nothing.
        recommended: One of them.
        because: Why.
    """

    task: str
    budget: Budget
    expected: Measured | None
    options: tuple[Option, ...]
    recommended: Option
    because: str

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --advise --json``."""
        return {
            "schema_version": SCHEMA_VERSION,
            "task": self.task,
            "budget": {self.budget.kind: self.budget.amount},
            "expected": self.expected.to_json() if self.expected else None,
            "options": [option.to_json() for option in self.options],
            "recommended": self.recommended.to_json(),
            "because": self.because,
        }


def advise(outcomes: Outcomes, budget: Budget, *, task: str, seed: int = 0) -> Advice:
    """Estimate what twice the samples, or twice the problems, would do for the plan.

    Args:
        outcomes: What was sampled, with its split.
        budget: Of the plan, per problem.
        task: Name of the task.
        seed: Draws the halves.

    Raises:
        UsageError: nothing can be planned.
    """
    sampled = outcomes.train & outcomes.n.any(axis=0)
    if not sampled.any():
        raise UsageError(f"task '{task}': no training problem has samples; draw a pilot first")
    train = outcomes.select(problems=sampled)
    unsampled = int(outcomes.train.sum()) - len(train.problems)
    samples = int(np.median(train.n[train.n > 0]))
    plan = make_plan(outcomes, replace(budget, share="none"), task=task, seed=seed)
    options = _options(train, samples, budget)
    if unsampled or samples < ENOUGH_SAMPLES or len(train.problems) < ENOUGH_PROBLEMS:
        options, recommended, because = _first(train, samples, unsampled, options)
    else:
        gains = next_doublings(train, limits_of(train, budget), np.random.default_rng(seed))
        options = [replace(option, gain=gains.get(option.more)) for option in options]
        recommended, because = _best(options)
    expected = plan.expected.measured if plan.expected else None
    return Advice(task, budget, expected, tuple(options), recommended, because)


def _options(train: Outcomes, samples: int, budget: Budget) -> list[Option]:
    problems, draws = len(train.problems), int(train.n.sum())
    price = _price(train, budget)
    return [
        Option("nothing", problems, samples, 0, 0.0, None),
        Option("samples", problems, 2 * samples, draws, price, None),
        Option("problems", 2 * problems, samples, draws, price, None),
    ]


def _price(train: Outcomes, budget: Budget) -> float | None:
    """Return what the samples of this pilot cost in the budget's kind: its double costs as much again."""
    if budget.kind == "samples":
        return float(train.n.sum())
    if budget.kind not in train.costs:
        return None
    cost = train.costs[budget.kind]
    total = float(np.where(train.n > 0, cost * train.n, 0.0).sum())
    return None if np.isnan(total) else total


def _first(
    train: Outcomes, samples: int, unsampled: int, options: list[Option]
) -> tuple[list[Option], Option, str]:
    """Advise where there is too little to measure a curve on."""
    problems = len(train.problems) + unsampled
    size = len(train.configurations)
    if unsampled or samples < ENOUGH_SAMPLES:
        wanted = max(samples, FIRST_SAMPLES)
        draws = problems * size * wanted - int(train.n.sum())
        per_draw = options[1].price / options[1].draws if options[1].price is not None else None
        price = None if per_draw is None else per_draw * draws
        first = Option("samples", problems, wanted, draws, price, None)
        what = f"{unsampled} training problems have no sample" if unsampled else "cells have one sample"
        because = f"{what}: draw {wanted} samples of every cell first, on every problem."
        return [options[0], first], first, because
    few = f"{problems} problems are too few to tell what more would gain"
    return options, options[2], f"{few}: add problems; {FIRST_SAMPLES} samples a cell are enough at first."


def _best(options: list[Option]) -> tuple[Option, str]:
    """Pick the option that gains most for certain; both cost the same."""
    sure = [option for option in options if option.gain is not None and option.gain.interval[0] > 0]
    if not sure:
        return options[0], "More pilot buys nothing distinguishable from none."
    best = max(sure, key=lambda option: option.gain.value if option.gain else 0.0)
    other = {"samples": "problems", "problems": "samples", "nothing": ""}[best.more]
    return best, f"Twice the {best.more} should gain; for as much, twice the {other} should gain less."
