"""Reads the results of EvalPlus and BigCodeBench: ``…eval_results.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osca_cli.errors import LogError
from osca_cli.imports.rows import Row
from osca_cli.model import Sample, Verdict

_STATUSES = {"plus": "plus_status", "base": "base_status", "bigcodebench": "status"}


def read(document: Mapping[str, Any], log: str, scorer: str | None) -> Iterator[Row]:
    """Yield the samples of a result file.

    Args:
        document: The file's JSON.
        log: What tells it from other files.
        scorer: ``plus`` or ``base``, whose tests count; both must pass where it is not said.

    Raises:
        LogError: a sample has no such status.
    """
    for problem, samples in document["eval"].items():
        for index, sample in enumerate(samples):
            name, passed, reason = _status(sample, scorer, problem)
            solution = sample.get("solution")
            yield Row(
                key={"format": "evalplus", "log": log, "sample": problem, "epoch": index},
                problem=str(problem),
                sample=Sample(solution if isinstance(solution, str) else "", "unknown"),
                has_text=isinstance(solution, str),
                scorer=name,
                verdict=Verdict(passed, reason=reason),
            )


def _status(sample: Mapping[str, Any], scorer: str | None, problem: str) -> tuple[str, bool, str]:
    """Return whose tests they are, whether all pass, and what they say."""
    there = {name: sample[key] for name, key in _STATUSES.items() if sample.get(key) is not None}
    if not there or (scorer is not None and scorer not in there):
        known = ", ".join(there) or "none"
        raise LogError(
            f"problem {problem!r}: has no status of '{scorer or 'any tests'}' (there are: {known})"
        )
    chosen = {scorer: there[scorer]} if scorer is not None else there
    reasons = {str(status) for status in chosen.values() if status != "pass"}
    return "+".join(chosen), not reasons, ", ".join(sorted(reasons))
