"""What is claimed of several plans together, weighted by their shares of the expected problems."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osca_cli.estimate.strata import weighted
from osca_cli.plan.result import Expected, Gain, Measured, SharedBatch


def weighted_rate(parts: Sequence[Measured | None], shares: Sequence[float]) -> Measured | None:
    """Return the mean of pass rates; ``None`` where one is unknown."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    mean, interval = weighted([(part.pass_rate, part.interval) for part in known], shares)
    return Measured(mean, interval, sum(part.problems for part in known))


def weighted_expected(parts: Sequence[Expected | None], shares: Sequence[float]) -> Expected | None:
    """Return what is expected of all; ``None`` where nothing is of one."""
    known = [part for part in parts if part is not None]
    measured = weighted_rate([part.measured for part in known], shares) if len(known) == len(parts) else None
    if measured is None:
        return None
    usd = [np.nan if part.usd is None else part.usd for part in known]
    spent = float(np.dot(shares, usd))
    return Expected(
        measured,
        float(np.dot(shares, [part.samples for part in known])),
        None if np.isnan(spent) else spent,
        sum(part.left_out for part in known),
        _weighted_batch([part.shared for part in known], shares),
    )


def _weighted_batch(parts: Sequence[SharedBatch | None], shares: Sequence[float]) -> SharedBatch | None:
    """Return what batches do together, each within its own budget; ``None`` where one is unknown."""
    known = [part for part in parts if part is not None]
    measured = weighted_rate([part.measured for part in known], shares) if len(known) == len(parts) else None
    if measured is None:
        return None
    usd = float(np.dot(shares, [np.nan if part.usd is None else part.usd for part in known]))
    samples, depth = (
        float(np.dot(shares, values)) for values in zip(*((p.samples, p.depth) for p in known), strict=True)
    )
    return SharedBatch(measured, samples, None if np.isnan(usd) else usd, depth)


def weighted_gain(parts: Sequence[Gain | None], shares: Sequence[float]) -> Gain | None:
    """Return the mean of gains; ``None`` where one is unknown."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Gain(*weighted([(part.value, part.interval) for part in known], shares))
