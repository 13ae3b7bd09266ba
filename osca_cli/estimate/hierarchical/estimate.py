"""The estimate: weighted rows, of training problems as far as they are known and of new ones besides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.estimate.hierarchical.cells import Cells
from osca_cli.estimate.hierarchical.fit import fit
from osca_cli.estimate.hierarchical.likelihood import Parameters, evidence
from osca_cli.estimate.hierarchical.posterior import of_new_problems, of_problems
from osca_cli.estimate.knots import KnotRows, knots
from osca_cli.estimate.rows import CurveRows, Rows
from osca_cli.outcomes.types import Floats, Ints, Outcomes

FRESH = 100.0
"""New problems weigh as much as so many training problems."""
RARE = 1e-4
"""Nodes that hold a smaller share of problems are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The model fitted to the training problems of a planner."""

    parameters: Parameters

    def log_failure(self, outcomes: Outcomes, configuration: int, k: Ints) -> Floats:
        """Return ``log E[(1 - p)^k]`` on problems that need not have been fitted, shape ``(K, P)``.

        Args:
            outcomes: Counts of the same configurations on any problems.
            configuration: Its index.
            k: Numbers of samples, shape ``(K,)``.
        """
        cells = Cells.of(outcomes)
        return of_problems(cells, self.parameters, evidence(cells, self.parameters), configuration, k)


def fit_model(outcomes: Outcomes) -> Fitted:
    """Fit the model to outcomes, all of whose problems train."""
    return Fitted(fit(Cells.of(outcomes)))


def hierarchical(outcomes: Outcomes, horizon: int) -> Rows:
    """Estimate log-failure curves by the hierarchical model.

    The rows are the training problems, each with what the model makes of its counts, and new problems of
    every ease. All new problems together weigh as much as 100 training problems: a Dirichlet-process prior
    centred on the model. With few training problems the plan is for what the model expects; with many it
    is for what was seen.

    Args:
        outcomes: The training problems, at least one; a cell may have ``n = 0``.
        horizon: Largest count that a solver will look up.
    """
    cells = Cells.of(outcomes)
    parameters = fit(cells)
    known = evidence(cells, parameters)
    common = parameters.share > RARE
    problems = len(outcomes.problems)
    weights = np.concatenate(
        [np.ones(problems), FRESH * parameters.share[common] / parameters.share[common].sum()]
    )
    at = knots(horizon)
    curves = [
        np.concatenate(
            [
                of_problems(cells, parameters, known, s, at),
                of_new_problems(cells, parameters, s, at)[:, common],
            ],
            axis=1,
        )
        for s in range(len(outcomes.configurations))
    ]
    weights, table = weights / weights.sum(), np.stack(curves)
    return CurveRows(weights, table) if len(at) == horizon + 1 else KnotRows(weights, at, table)
