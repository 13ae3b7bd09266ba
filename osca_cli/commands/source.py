"""What planning and exporting start from: a spec, a plan, or an outcomes file that stands for one."""

from __future__ import annotations

from pathlib import Path

import click

from osca_cli.commands.common import find_spec, load
from osca_cli.plan.sources import spec_of_outcomes
from osca_cli.spec.types import Spec

OUTCOMES_SUFFIXES = {".json", ".csv", ".parquet", ".jsonl", ".eval"}

source_argument = click.argument(
    "source", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


def load_source(source: Path | None, db: Path) -> Spec:
    """Load a spec or plan, or make the spec around an outcomes file."""
    if source is None or source.suffix.lower() not in OUTCOMES_SUFFIXES:
        return load(find_spec(source, db))
    return spec_of_outcomes(source)
