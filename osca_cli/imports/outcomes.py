"""A log as outcomes: its samples and passes counted, without a spec or a pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from osca_cli.errors import LogError
from osca_cli.imports.read import log_format, read_log
from osca_cli.imports.rows import Row, name_of
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.tables import from_rows
from osca_cli.outcomes.types import Outcomes


def outcomes_of(path: Path) -> tuple[Outcomes, tuple[str, ...]]:
    """Read an outcomes file, or count a log of another tool; return also what there is to say of it.

    Raises:
        OutcomesError: a faulty outcomes file.
        LogError: a log that cannot be read or holds no sample.
    """
    if log_format(path) is None:
        return read_outcomes(path), ()
    rows = list(read_log(path))
    failed = sum(row.sample is None or row.verdict is None for row in rows)
    outcomes = counted(path, rows)
    return outcomes, (f"{failed} of {len(rows)} samples are errors, and are left out",) if failed else ()


def counted(path: Path, rows: Iterable[Row]) -> Outcomes:
    """Count samples and passes; errors are neither."""
    cells: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.sample is not None and row.verdict is not None:
            cells[row.problem, name_of(row)].append(row)
    if not cells:
        raise LogError(f"{path}: holds no sample with a verdict")
    return from_rows([_cell(problem, name, some) for (problem, name), some in cells.items()])


def _cell(problem: str, name: str, rows: Sequence[Row]) -> dict[str, object]:
    samples = [row.sample for row in rows if row.sample is not None]
    return {
        "problem": problem,
        "configuration": name,
        "n": len(rows),
        "correct": sum(row.verdict is not None and row.verdict.passed is True for row in rows),
        "cost": _mean([one.usd for one in samples]),
        "output_tokens": _mean([one.output_tokens for one in samples]),
        "seconds": _mean([one.seconds for one in samples]),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of what every sample tells, else ``None``."""
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None
