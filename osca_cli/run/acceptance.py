"""Whether a sample is accepted, so that its problem stops: what every way to execute a plan asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from osca_cli.model import Verdict
from osca_cli.run.session import Session
from osca_cli.spec.cells import Cell
from osca_cli.spec.types import Task

Acceptance: TypeAlias = Callable[[Cell, int], Awaitable[Verdict | None]]
"""Returns the verdict that decides whether a problem stops at a sample, drawn now if the pool lacks it.

A problem stops where that has passed. ``None`` is returned where no sample came, and a verdict that neither
passes nor fails where it could not be decided: both are errors, which the next run tries again.
"""


def acceptance_of(session: Session, task: Task) -> Acceptance:
    """Return what stops the problems of a task: its verifier, or what accepts where that is another one."""
    return session.sampling.obtain if task.select is None else session.sampling.obtain_accepted
