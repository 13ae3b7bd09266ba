"""Outcomes grouped by kind of cell: cells with equal counts of one configuration are computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of S configurations on P problems, of V kinds.

    Attributes:
        owner: Configuration of each kind, shape ``(V,)``, ascending.
        n: Samples of each kind, shape ``(V,)``; 0 is a kind like any other.
        c: Passes of each kind, shape ``(V,)``.
        kind: Kind of each cell, shape ``(S, P)``.
        membership: How many cells of a kind a problem has, shape ``(V, P)``; a product sums over cells.
        deterministic: Whether every sample of a configuration is the same, shape ``(S,)``.
        stopped: Whether some samples are of schedules that stopped at a pass.
    """

    owner: Ints
    n: Floats
    c: Floats
    kind: Ints
    membership: csr_array[Any]
    deterministic: Mask
    stopped: bool

    @classmethod
    def of(cls, outcomes: Outcomes) -> Cells:
        """Group the cells of outcomes; of a deterministic configuration the first sample says all."""
        size, width = outcomes.n.shape
        most = np.where(outcomes.deterministic, 1, np.iinfo(np.int64).max)[:, None]
        n, c = (np.minimum(counts, most) for counts in outcomes.all_samples)
        cells = np.stack([np.repeat(np.arange(size), width), n.ravel(), c.ravel()])
        kinds, kind = _distinct(cells)
        problem = np.tile(np.arange(width), size)
        membership = csr_array((np.ones(kind.size), (kind, problem)), shape=(kinds.shape[1], width))
        return cls(
            kinds[0],
            kinds[1].astype(float),
            kinds[2].astype(float),
            kind.reshape(size, width),
            membership,
            outcomes.deterministic,
            outcomes.stopped is not None and bool(outcomes.stopped.n.any()),
        )


def _distinct(columns: Ints) -> tuple[Ints, Ints]:
    """Return the distinct columns in ascending order, and which of them each column is."""
    order = np.lexsort(columns[::-1])
    sorted_ = columns[:, order]
    first = np.any(np.diff(sorted_, axis=1, prepend=-1) != 0, axis=0)
    which = np.empty(columns.shape[1], np.int64)
    which[order] = np.cumsum(first) - 1
    return sorted_[:, first], which
