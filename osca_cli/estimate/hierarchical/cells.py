"""Outcomes grouped by kind of cell: cells with equal counts of one configuration are computed once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of S configurations on P problems, of V kinds.

    Attributes:
        owner: Configuration of each kind, shape ``(V,)``, ascending.
        n: Samples of each kind, shape ``(V,)``; 0 is a kind like any other.
        c: Passes of each kind, shape ``(V,)``.
        kind: Kind of each cell, shape ``(S, P)``.
        deterministic: Whether every sample of a configuration is the same, shape ``(S,)``.
    """

    owner: Ints
    n: Floats
    c: Floats
    kind: Ints
    deterministic: Mask

    @classmethod
    def of(cls, outcomes: Outcomes) -> Cells:
        """Group the cells of outcomes; of a deterministic configuration the first sample says all."""
        once = outcomes.deterministic[:, None]
        n = np.where(once, np.minimum(outcomes.n, 1), outcomes.n)
        c = np.where(once, np.minimum(outcomes.c, 1), outcomes.c)
        kinds = []
        kind = np.empty(n.shape, np.int64)
        for s in range(len(n)):
            pairs, index = np.unique(np.stack([n[s], c[s]], axis=1), axis=0, return_inverse=True)
            kind[s] = index.ravel() + sum(map(len, kinds))
            kinds.append(pairs)
        counts = np.concatenate(kinds).astype(float)
        owner = np.repeat(np.arange(len(n)), [len(pairs) for pairs in kinds])
        return cls(owner, counts[:, 0], counts[:, 1], kind, outcomes.deterministic)
