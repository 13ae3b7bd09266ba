"""Specs, and what stands for one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from osca_cli.model import Problem
from osca_cli.plan.sources import spec_of_outcomes
from osca_cli.spec import load
from osca_cli.spec.problems import read_problem_file
from osca_cli.spec.types import Spec

OUTCOMES_SUFFIXES = {".json", ".csv", ".parquet", ".jsonl", ".eval"}


def load_spec(path: Path | str, *, environment: Mapping[str, str] | None = None) -> Spec:
    """Load a spec or a plan with its prompts and problems, or make the spec around an outcomes file.

    Args:
        path: A YAML file, or counts or a log: ``.json``, ``.csv``, ``.parquet``, ``.jsonl``, ``.eval``.
        environment: Where ``${NAME}`` in paths comes from; ``None`` is this process's own.

    Raises:
        SpecError: all that is wrong with it, each fault at its file, line and column.
        UsageError: there is no such file, or it cannot be read.
    """
    source = Path(path)
    if source.suffix.lower() in OUTCOMES_SUFFIXES:
        return spec_of_outcomes(source)
    return load.load_spec(source, environment=os.environ if environment is None else environment)


def read_problems(path: Path | str, spec: Spec, task: str) -> list[Problem]:
    """Read problems for :func:`osca_cli.execute`, such as users have sent; they need no reference.

    Args:
        path: A ``.jsonl`` or ``.csv`` file with the fields of the task's problems.
        spec: The spec.
        task: The name of the task that they are of.

    Raises:
        UsageError: the file cannot be read.
        SpecError: the faults of its problems, each at its line.
    """
    return list(read_problem_file(Path(path), spec.task(task)))
