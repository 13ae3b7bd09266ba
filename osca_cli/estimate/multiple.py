"""Many comparisons at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEVEL = 0.05
"""Chance that anything at all is called different where nothing is."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that are right for all comparisons together (Holm 1979).

    Whatever goes together with what, the chance that any true hypothesis is rejected is at most the level at
    which these are.

    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(order))
    left = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order] * left), 1.0)
    return [float(one) for one in adjusted]
