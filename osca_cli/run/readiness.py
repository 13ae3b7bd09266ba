"""Asks verifiers, before anything is drawn, whether they can work on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from osca_cli.spec.types import Task
from osca_cli.spec.verifiers import make_verifier


def make_ready(tasks: Iterable[Task]) -> None:
    """Refuse tasks whose verifiers cannot work here, and tell what their users should know.

    Raises:
        UsageError: a verifier lacks something, such as a sandbox; the message says what to do.
    """
    told = set()
    for task in tasks:
        for settings in (task.verifier, task.select and task.select.verifier):
            ready = getattr(settings and make_verifier(settings), "ready", None)
            if ready is not None and (note := ready()) and note not in told:
                told.add(note)
                print(f"warning: {note}", file=sys.stderr, flush=True)
