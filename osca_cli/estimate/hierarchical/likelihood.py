"""The likelihood: how probable the counts of a cell are on a problem of given ease.

A problem has an ease ``b``, one of the nodes. On it, configuration ``s`` has a mean pass rate

    mean[s, b] = sigmoid(level[s] + slope[s] b),

and the rate of the cell is ``p ~ Beta(mean alike[s], (1 - mean) alike[s])``: ``alike`` says how alike the
rates of problems of equal ease are, or how little the cell differs from its mean. With a small probability,
the *insurance*, a cell has nothing to do with the ease of its problem: ``p ~ Beta(marginal[s],
1 - marginal[s])``. Fitted, it would be 0 nearly everywhere. Held above 0, it keeps the planner from
trusting that what is hard for one configuration is hard for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, logsumexp

from osca_cli.estimate.hierarchical.cells import Cells
from osca_cli.outcomes.types import Floats

NODES = np.linspace(-5.0, 5.0, 11)
"""The eases that a problem may have, in logits."""
EDGE = 1e-4
"""Mean rates stay this far from 0 and 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """What is fitted: of each configuration (S of them), and the share of problems at each node (G).

    Attributes:
        level: Logit of the mean rate at ease 0, shape ``(S,)``.
        slope: How much more a configuration passes on easier problems, shape ``(S,)``, > 0.
        alike: Sum of the Beta's two parameters, shape ``(S,)``.
        share: Share of problems at each node, shape ``(G,)``, sums to 1.
        marginal: Pass rate over all problems, shape ``(S,)``.
        insurance: Probability that a cell ignores the ease of its problem.
    """

    level: Floats
    slope: Floats
    alike: Floats
    share: Floats
    marginal: Floats
    insurance: float

    @property
    def mean(self) -> Floats:
        """Mean pass rate of each configuration at each node, shape ``(S, G)``."""
        return np.clip(expit(self.level[:, None] + np.outer(self.slope, NODES)), EDGE, 1 - EDGE)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What counts say of problems and cells.

    Attributes:
        ease: Probability that a problem has the ease of a node, shape ``(P, G)``.
        regular: Probability that a cell of a kind follows its problem's ease, if that is the node,
            shape ``(V, G)``.
    """

    ease: Floats
    regular: Floats


def log_beta_binomial(n: Floats, c: Floats, mean: Floats, alike: Floats | float) -> Floats:
    """Return ``log E[p^c (1 - p)^(n - c)]`` for ``p ~ Beta(mean alike, (1 - mean) alike)``.

    The binomial coefficient is left out: it is the same for every ``p``, and whether sampling stopped at a
    pass is part of it, so counts from schedules that stopped have the same likelihood.
    """
    passing, failing = mean * alike, (1 - mean) * alike
    rising = gammaln(passing + c) - gammaln(passing) + gammaln(failing + n - c) - gammaln(failing)
    value: Floats = rising - gammaln(alike + n) + gammaln(alike)
    return value


def evidence(cells: Cells, parameters: Parameters) -> Evidence:
    """Weigh every node for every problem, and regular against insured for every kind of cell."""
    owner, n, c = cells.owner, cells.n[:, None], cells.c[:, None]
    regular = np.log1p(-parameters.insurance) + log_beta_binomial(
        n, c, parameters.mean[owner], parameters.alike[owner, None]
    )
    insured = np.log(parameters.insurance) + log_beta_binomial(n, c, parameters.marginal[owner, None], 1.0)
    either = np.logaddexp(regular, insured)
    with np.errstate(divide="ignore"):
        joint = np.log(parameters.share) + cells.membership.T @ either
    return Evidence(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)), np.exp(regular - either))
