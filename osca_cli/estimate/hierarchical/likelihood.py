"""The likelihood: how probable the counts of a cell are on a problem of given ease and flavour.

A problem has an ease ``b`` and a flavour ``u``, a pair of values from the nodes. On it, configuration ``s``
has a mean pass rate

    mean[s, b, u] = sigmoid(level[s] + slope[s] b + taste[s] u),

so some problems are easier for everybody, and some suit one half of the configurations better than the
other. The rate of the cell is ``p ~ Beta(mean alike[s], (1 - mean) alike[s])``: ``alike`` says how alike
the rates on problems of one node are.

With a small probability, the *insurance*, a cell has nothing to do with its problem's node:
``p ~ Beta(marginal[s], 1 - marginal[s])``. Fitted, that probability would be 0 nearly everywhere. Held
above 0, it keeps the planner from trusting that what is hard for one configuration is hard for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln

from osca_cli.estimate.hierarchical.cells import Cells
from osca_cli.outcomes.types import Floats

EASE = np.linspace(-5.0, 5.0, 11)
"""The eases that a problem may have, in logits."""
FLAVOUR = np.linspace(-2.0, 2.0, 5)
"""The flavours that it may have, independent of ease: standard normal, cut into five."""
FLAVOUR_SHARE = np.exp(-(FLAVOUR**2) / 2) / np.exp(-(FLAVOUR**2) / 2).sum()
DESIGN = np.stack(
    [
        np.ones(FLAVOUR.size * EASE.size),
        np.tile(EASE, FLAVOUR.size),
        np.repeat(FLAVOUR, EASE.size),
    ],
    axis=1,
)
"""What level, slope and taste are multiplied by at each node, shape ``(G, 3)``."""
EDGE = 1e-4
"""Mean rates stay this far from 0 and 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """What is fitted: of each configuration (S of them), and the share of problems at each node (G).

    Attributes:
        coefficients: Level (logit of the mean rate at ease 0), slope (how much more is passed on easier
            problems, > 0) and taste (the same for flavour, of any sign), shape ``(S, 3)``.
        alike: Sum of the Beta's two parameters, shape ``(S,)``.
        share: Share of problems at each node, shape ``(G,)``, sums to 1.
        marginal: Pass rate over all problems, shape ``(S,)``.
        insurance: Probability that a cell ignores the node of its problem.
    """

    coefficients: Floats
    alike: Floats
    share: Floats
    marginal: Floats
    insurance: float

    @property
    def mean(self) -> Floats:
        """Mean pass rate of each configuration at each node, shape ``(S, G)``."""
        return np.clip(expit(self.coefficients @ DESIGN.T), EDGE, 1 - EDGE)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What counts say of problems and cells.

    Attributes:
        node: Probability that a problem is of a node, shape ``(P, G)``.
        regular: Probability that a cell of a kind follows its problem's node, if that is the one,
            shape ``(V, G)``.
    """

    node: Floats
    regular: Floats


def log_beta_binomial(cells: Cells, mean: Floats, alike: Floats) -> Floats:
    """Return ``log E[p^c (1 - p)^(n - c)]`` for ``p ~ Beta(mean alike, (1 - mean) alike)``, per kind of cell.

    The binomial coefficient is left out: it is the same for every ``p``, and whether sampling stopped at a
    pass is part of it, so counts from schedules that stopped have the same likelihood.

    Args:
        cells: The counts.
        mean: Of each configuration at each node, shape ``(S, G)``.
        alike: Of each configuration, shape ``(S,)``.

    Returns:
        Shape ``(V, G)``.
    """
    alike = alike[:, None]
    passing, failing = mean * alike, (1 - mean) * alike
    prior = gammaln(alike) - gammaln(passing) - gammaln(failing)
    owner, n, c = cells.owner, cells.n[:, None], cells.c[:, None]
    rising = gammaln(passing[owner] + c) + gammaln(failing[owner] + n - c) - gammaln(alike[owner] + n)
    value: Floats = prior[owner] + rising
    return value


def evidence(cells: Cells, parameters: Parameters) -> Evidence:
    """Weigh every node for every problem, and regular against insured for every kind of cell."""
    regular = log_beta_binomial(cells, parameters.mean, parameters.alike)
    marginal = parameters.marginal[:, None]
    insured = log_beta_binomial(cells, marginal, np.ones(len(marginal)))
    regular += np.log1p(-parameters.insurance)
    insured += np.log(parameters.insurance)
    either = np.logaddexp(regular, insured)
    joint = np.log(parameters.share) + cells.membership.T @ either
    joint -= joint.max(axis=1, keepdims=True)
    node = np.exp(joint)
    return Evidence(node / node.sum(axis=1, keepdims=True), np.exp(regular - either))
