"""Mean pass rates of configurations on new problems, also where schedules stopped at a pass."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit, stdtrit

from osca_cli.estimate.hierarchical.estimate import Model
from osca_cli.estimate.intervals import Interval
from osca_cli.outcomes.types import Floats, Ints, Outcomes

ONE = np.array([1])


def pass_rates(outcomes: Outcomes, group: Ints) -> list[tuple[float, Interval]]:
    """Estimate each configuration's mean pass rate on new problems, with its 95% interval.

    The rate is the mean over problems of what the model expects given their counts. The interval is a
    jackknife's, which refits without each group of problems: it holds how problems differ, how few the
    samples are, and what that does to the fit. It is made of logits, where rates near 0 and 1 spread evenly.

    Args:
        outcomes: The training problems, of two groups at least.
        group: Group of each problem, from 0 up, shape ``(P,)``.
    """
    groups = int(group.max()) + 1
    rate = _mean_rates(outcomes)
    without = np.stack([logit(_mean_rates(outcomes.select(problems=group != one))) for one in range(groups)])
    error = np.sqrt((groups - 1) * without.var(axis=0))
    half = float(stdtrit(groups - 1, 0.975)) * error
    low, high = expit(logit(rate) - half), expit(logit(rate) + half)
    return [(float(r), (float(a), float(b))) for r, a, b in zip(rate, low, high, strict=True)]


def _mean_rates(outcomes: Outcomes) -> Floats:
    posterior = Model.fit(outcomes).given(outcomes)
    failure = [np.exp(posterior.log_failure(s, ONE)).mean() for s in range(len(outcomes.configurations))]
    return 1 - np.array(failure)
