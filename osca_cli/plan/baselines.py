"""The baselines of a budget: what a user would draw without osca, chosen on the training problems."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osca_cli.allocate.baselines import affordable
from osca_cli.allocate.limits import Limits
from osca_cli.errors import UsageError
from osca_cli.estimate.plugin import plugin
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.accepted import Wrong
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Estimator, choose, learn
from osca_cli.plan.decision import Search
from osca_cli.plan.selecting import by_right_answers
from osca_cli.spec.types import Budget

DEFAULT = ("best_pure", "uniform")


def baselines(
    outcomes: Outcomes, budget: Budget, estimator: Estimator, names: Sequence[str] = DEFAULT
) -> dict[str, dict[str, float]]:
    """Return allocations to compare with, by name of the baseline and of the configuration.

    ``best_pure`` and ``uniform`` are as the estimator sees them; ``paper`` is the best allocation where pass
    rates are taken to be ``c/n`` (OSCA, arXiv 2410.22480); any other name is that of one configuration that
    gets the whole budget. A budget that buys 2.6 samples gives the count 2.6: two samples on 40% of the
    problems, three on 60%.

    Raises:
        UsageError: no training problem has samples, the budget is below one sample, or a name is unknown.
    """
    train = outcomes.select(problems=outcomes.train)
    limits = limits_of(train, budget)
    found: dict[str, dict[str, float]] = {}
    if not set(names).isdisjoint(DEFAULT):
        found = _defaults(train, limits, estimator)
    if "paper" in names:
        counts = choose(train, limits, plugin(train), Search().find).counts
        found["paper"] = _by_name(train, counts.tolist())
    for name in set(names) - set(DEFAULT) - {"paper"}:
        found[name] = {name: _alone(train, limits, name)}
    return {name: found[name] for name in dict.fromkeys(names)}


def _defaults(train: Outcomes, limits: Limits, estimator: Estimator) -> dict[str, dict[str, float]]:
    nothing = np.zeros(len(train.configurations), np.int64)
    seen = train.accepted()
    known = learn(seen, estimator, limits)
    choice = choose(seen, limits, known.rows, lambda *_: nothing)
    if train.accepts is not None:
        choice = by_right_answers(train, known, limits, choice, Wrong.of(train))
    pure, count = choice.best_pure
    return {
        "best_pure": {train.configurations[pure]: count},
        "uniform": _by_name(train, choice.uniform.tolist()),
    }


def _by_name(train: Outcomes, counts: Sequence[float]) -> dict[str, float]:
    return {name: float(count) for name, count in zip(train.configurations, counts, strict=True) if count}


def _alone(train: Outcomes, limits: Limits, name: str) -> float:
    """Return how much of one configuration the budget buys."""
    if name not in train.configurations:
        raise UsageError(f"check compares with '{name}', which is no configuration of these outcomes")
    count = float(affordable(limits)[train.configurations.index(name)])
    if count == 0:
        raise UsageError(
            f"check compares with '{name}', which has no samples on the training problems; draw them"
        )
    return count
