"""Pass@C of an allocation on problems that did not choose it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osca_cli.errors import MissingSamplesError, UsageError
from osca_cli.estimate.intervals import mean_interval, paired_interval
from osca_cli.estimate.unbiased import log_unbiased_failure, pass_at_k
from osca_cli.outcomes.types import Floats, Ints, Mask, Outcomes

__all__ = ["coverage_per_problem", "mean_interval", "missing", "paired_interval", "samples_needed"]


def coverage_per_problem(outcomes: Outcomes, counts: Mapping[str, float], problems: Mask) -> Floats:
    """Estimate without bias, for each problem, that at least one sample passes.

    Args:
        outcomes: What was sampled.
        counts: Samples of each configuration by name. A fraction of a sample is drawn on that share of
            the problems, so 2.6 is the mean of 2 (40%) and 3 (60%); one configuration at most may have one.
        problems: Which problems, shape ``(P,)``, J of them.

    Returns:
        Coverage of each, shape ``(J,)``.

    Raises:
        MissingSamplesError: a cell has fewer samples than counts ask for; see :func:`missing`.
        UsageError: a configuration that the outcomes do not have.
    """
    lacking = missing(outcomes, counts, problems)
    if lacking:
        (configuration, problem), number = next(iter(lacking.items()))
        raise MissingSamplesError(
            f"{sum(lacking.values())} samples are missing in {len(lacking)} cells, "
            f"first {number} of configuration {configuration!r} on problem {problem!r}"
        )
    view = outcomes.select(problems=problems)
    lower = np.exp(_log_failure(view, _rounded(outcomes, counts, np.floor)))
    upper = np.exp(_log_failure(view, _rounded(outcomes, counts, np.ceil)))
    share = max((count % 1 for count in counts.values()), default=0.0)
    return 1.0 - (1 - share) * lower - share * upper


def samples_needed(outcomes: Outcomes, configuration: str, pass_rate: float, problems: Mask) -> int | None:
    """Return how many samples of one configuration alone reach a mean pass rate.

    Returns:
        The least number, or None where it is more than every one of these problems has samples.
    """
    row = outcomes.configurations.index(configuration)
    n, c = outcomes.n[row, problems], outcomes.c[row, problems]
    low, high = 0, int(n.min())
    if _mean_pass_at_k(n, c, high) < pass_rate:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _mean_pass_at_k(n, c, middle) >= pass_rate else (middle + 1, high)
    return low


def missing(outcomes: Outcomes, counts: Mapping[str, float], problems: Mask) -> dict[tuple[str, str], int]:
    """Return how many samples each (configuration, problem) lacks to evaluate these counts."""
    needed = _rounded(outcomes, counts, np.ceil)
    lacking = np.where(problems, np.maximum(needed[:, None] - outcomes.n, 0), 0)
    return {
        (outcomes.configurations[row], outcomes.problems[column]): int(lacking[row, column])
        for row, column in np.argwhere(lacking)
    }


def _rounded(outcomes: Outcomes, counts: Mapping[str, float], to: np.ufunc) -> Ints:
    """Return whole counts in the order of the outcomes; of a deterministic configuration at most one."""
    row = {name: index for index, name in enumerate(outcomes.configurations)}
    if unknown := sorted(set(counts) - set(row)):
        raise UsageError(f"configuration {unknown[0]!r} is not among the outcomes")
    whole = np.zeros(len(row), np.int64)
    for name, count in counts.items():
        whole[row[name]] = int(to(count))
    return np.where(outcomes.deterministic, np.minimum(whole, 1), whole)


def _mean_pass_at_k(n: Ints, c: Ints, k: int) -> float:
    return float(pass_at_k(n, c, k).mean())


def _log_failure(outcomes: Outcomes, counts: Ints) -> Floats:
    drawn = np.flatnonzero(counts)
    cells = log_unbiased_failure(outcomes.n[drawn], outcomes.c[drawn], counts[drawn, None])
    total: Floats = cells.sum(axis=0)
    return total
