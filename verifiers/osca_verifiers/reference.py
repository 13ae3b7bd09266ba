"""What a verifier compares with: the reference of a problem, as text or number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from osca_cli.errors import UsageError

if TYPE_CHECKING:
    from osca_cli.model import Problem


def scalar_reference(problem: Problem, verifier: str) -> bool | int | float | str:
    """Return a problem's reference, which must be a single value.

    Raises:
        UsageError: there is none, or it is a list or an object.
    """
    reference = problem.reference
    if reference is None:
        raise UsageError(
            f"{name(problem)} has no reference, which the verifier '{verifier}' compares with; "
            f"name the field that holds it with 'reference:' in task '{problem.task}'"
        )
    if not isinstance(reference, bool | int | float | str):
        raise unfit(problem, verifier, "one value, not a list or an object")
    return reference


def text_reference(problem: Problem, verifier: str) -> str:
    """Return a problem's reference as text: numbers and booleans as JSON writes them.

    Raises:
        UsageError: there is none, or it is a list or an object.
    """
    reference = scalar_reference(problem, verifier)
    return reference if isinstance(reference, str) else json.dumps(reference)


def unfit(problem: Problem, verifier: str, needed: str) -> UsageError:
    """Return the error for a reference that this verifier cannot compare with."""
    written = repr(problem.reference)
    shown = written if len(written) <= 60 else f"{written[:57]}..."
    return UsageError(
        f"{name(problem)}: the reference {shown} does not suit the verifier '{verifier}', which needs "
        f"{needed}; check 'reference:' of task '{problem.task}'"
    )


def name(problem: Problem) -> str:
    """Return how messages name a problem."""
    return f"problem '{problem.id}' of task '{problem.task}'"
