"""What planning and exporting start from: a spec, a plan, or an outcomes file that stands for one."""

from __future__ import annotations

from pathlib import Path

import click

from osca_cli.api.specs import OUTCOMES_SUFFIXES, load_spec
from osca_cli.commands.common import find_spec
from osca_cli.spec.types import Spec

source_argument = click.argument(
    "source", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


def load_source(source: Path | None, db: Path) -> Spec:
    """Load a spec or plan, or make the spec around an outcomes file."""
    counted = source is not None and source.suffix.lower() in OUTCOMES_SUFFIXES
    return load_spec(source if counted and source is not None else find_spec(source, db))
