"""What a plan says of the executed plans that it learned from."""

from __future__ import annotations

from osca_cli.estimate.hierarchical import pass_rates
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.crossvalidation import FOLDS, folds
from osca_cli.plan.result import Measured

GROUPS = 20
"""Parts of the problems that the jackknife of pass rates leaves out, one after the other."""


def learned_rates(train: Outcomes) -> dict[str, Measured] | None:
    """Return the mean pass rate of each configuration; None without executed plans, or for few problems."""
    groups = min(GROUPS, len(train.problems))
    if train.stopped is None or groups < FOLDS:
        return None
    found = pass_rates(train, folds(train.problems, number=groups))
    return {
        name: Measured(rate, interval, len(train.problems))
        for name, (rate, interval) in zip(train.configurations, found, strict=True)
    }


def update_notes(train: Outcomes) -> tuple[str, ...]:
    """Return what to note of executed plans."""
    if train.stopped is None or not train.stopped.n.any():
        return ()
    number, on = int(train.stopped.n.sum()), int(train.stopped.n.any(axis=0).sum())
    note = f"{number} samples of executed plans on {on} problems count by their likelihood"
    return (f"{note}; what is expected is told by cells that were asked for in full",)
