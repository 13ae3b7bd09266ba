"""The estimate: weighted rows, of training problems as far as they are known and of new ones besides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.estimate.hierarchical.cells import Cells
from osca_cli.estimate.hierarchical.fit import fit, fit_share
from osca_cli.estimate.hierarchical.likelihood import Evidence, Parameters, evidence
from osca_cli.estimate.hierarchical.posterior import beyond_samples, of_new_problems, of_problems
from osca_cli.estimate.knots import KnotRows, knots
from osca_cli.estimate.rows import CurveRows, Rows
from osca_cli.outcomes.types import Floats, Ints, Outcomes

FRESH = 100.0
"""New problems weigh as much as so many training problems."""
FRESH_BY_COST = 30.0
"""The same where samples cost differently. Many cheap samples of like configurations then compete with a few
dear ones, and how like they are is in the training problems, not in the model's new ones.
"""
RARE = 1e-4
"""Nodes that hold a smaller share of problems are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """What a fitted model makes of the counts of some problems."""

    cells: Cells
    parameters: Parameters
    known: Evidence

    def log_failure(self, configuration: int, k: Ints) -> Floats:
        """Return ``log E[(1 - p)^k]`` of one configuration given each problem's counts.

        Args:
            configuration: Its index.
            k: Numbers of samples, shape ``(K,)``.

        Returns:
            Shape ``(K, P)``: 0 at ``k = 0``, non-increasing and convex in ``k``.
        """
        return of_problems(self.cells, self.parameters, self.known, configuration, k)

    def failure_beyond(self, configuration: int, k: Ints) -> tuple[Floats, Ints]:
        """Return how probably what k samples draw beyond those of a cell all fails, at each node.

        Returns:
            By kind of cell, shape ``(K, V, G)``; and the kind of each problem, shape ``(P,)``.
        """
        return beyond_samples(self.cells, self.parameters, self.known, configuration, k)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The model, fitted to training problems."""

    parameters: Parameters

    @classmethod
    def fit(cls, outcomes: Outcomes) -> Model:
        """Fit to training problems, at least one; a cell may have ``n = 0``."""
        return cls(fit(Cells.of(outcomes)))

    def narrowed(self, outcomes: Outcomes) -> Model:
        """Return the model of problems like some of those that it was fitted to.

        Configurations stay as they are; how many problems are of each node, flavour included, is learned
        anew.
        """
        return Model(fit_share(Cells.of(outcomes), self.parameters))

    def given(self, outcomes: Outcomes) -> Posterior:
        """Return what the model makes of problems, those that it was fitted to or others."""
        cells = Cells.of(outcomes)
        return Posterior(cells, self.parameters, evidence(cells, self.parameters))

    def rows(self, outcomes: Outcomes, horizon: int, fresh: float = FRESH) -> Rows:
        """Return log-failure curves of the training problems, and of new problems of every node.

        All new problems together weigh as much as so many training problems: a Dirichlet-process prior
        centred on the model. With few training problems the plan is for what the model expects; with
        many it is for what was seen.

        Args:
            outcomes: The training problems.
            horizon: Largest count that a solver will look up.
            fresh: Weight of the new problems, in training problems.
        """
        posterior, at = self.given(outcomes), knots(horizon)
        share = self.parameters.share
        common = share > RARE
        curves = [
            np.concatenate(
                [
                    posterior.log_failure(s, at),
                    of_new_problems(posterior.cells, self.parameters, s, at)[:, common],
                ],
                axis=1,
            )
            for s in range(len(outcomes.configurations))
        ]
        seen = np.ones(len(outcomes.problems))
        weights = np.concatenate([seen, fresh * share[common] / share[common].sum()])
        weights, table = weights / weights.sum(), np.stack(curves)
        return CurveRows(weights, table) if len(at) == horizon + 1 else KnotRows(weights, at, table)


def hierarchical(outcomes: Outcomes, horizon: int) -> Rows:
    """Fit the model to training problems and return its :meth:`Model.rows` of them."""
    return Model.fit(outcomes).rows(outcomes, horizon)
