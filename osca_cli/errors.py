"""What can go wrong, as one tree. The library raises; the command line renders once and exits.

::

    OscaError                    1
    ├── UsageError               2   a wrong option, argument or file
    │   ├── SpecError            2   faults of a spec, each with its place
    │   ├── PoolError            2   a database that this osca cannot use
    │   ├── OutcomesError        2   a faulty outcomes file
    │   ├── LogError             2   another tool's log that cannot be read
    │   └── MissingSamplesError  2   the pool lacks what was asked for
    ├── BackendError             1   no sample came
    │   ├── RetryableError       1   the same request may succeed later
    │   │   ├── BusyError        1   the server asks for fewer requests
    │   │   └── LostAnswerError  1   it may have been answered, and charged
    │   ├── RejectedError        1   the same request will never succeed
    │   ├── RefusedError         1   none like it will: the run stops
    │   ├── BrokenBackendError   1   the backend itself is at fault, and may have been charged
    │   └── UnavailableError     1   a model or engine cannot be had here
    ├── ImportedError            1   a sample that another tool could not draw or judge
    ├── CheckFailedError         3   an assertion of `osca check` does not hold
    ├── BudgetReachedError       4   the budget or limit ended first
    └── InterruptedRunError      130
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from osca_cli.model import Usage


class OscaError(Exception):
    """A message for a person: what is wrong, where, and what to do."""

    exit_code: ClassVar[int] = 1


def first_line(error: Exception) -> str:
    """Return the first line of what an error says: what a program complained of follows it."""
    return str(error).partition("\n")[0]


class UsageError(OscaError):
    """A wrong option, argument or file."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a spec at its place; lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class SpecError(UsageError):
    """All faults found in a spec, sorted by place."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class PoolError(UsageError):
    """A database that this osca cannot use."""


class OutcomesError(UsageError):
    """A faulty outcomes file; the message names the cell."""


class LogError(UsageError):
    """A log of another tool that cannot be read; the message says where and why."""


class MissingSamplesError(UsageError):
    """The pool lacks samples; the message gives their number and the command that draws them."""


class BackendError(OscaError):
    """A backend gave no sample."""


class RetryableError(BackendError):
    """The same request may succeed later.

    Attributes:
        retry_after_s: What the server asked to wait, in seconds, if it said so.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class BusyError(RetryableError):
    """The server asks for fewer requests: a rate limit, or too much load. Nothing is charged."""


class LostAnswerError(RetryableError):
    """The request was taken, and no sample came of it: cut off, too late, not what was asked for.

    Attributes:
        usage: The tokens that the server says it counted; ``None`` where nobody knows. They may be charged.
    """

    def __init__(self, message: str, *, usage: Usage | None = None) -> None:
        self.usage = usage
        super().__init__(message)


class RejectedError(BackendError):
    """The same request will never succeed, though others may: a prompt too long, or not allowed."""


class RefusedError(BackendError):
    """No request like this one will succeed: a refused key, model or parameter. The run stops."""


class BrokenBackendError(BackendError):
    """The backend itself is at fault: it raised what no backend may, or returned what are no samples."""


class UnavailableError(BackendError):
    """A model or engine cannot be had here: not installed, not found, no network."""


class ImportedError(OscaError):
    """A sample that another tool could not draw or judge, by its log."""


class CheckFailedError(OscaError):
    """An assertion of ``osca check`` does not hold on the held-out problems."""

    exit_code = 3


class BudgetReachedError(OscaError):
    """The budget or limit ended before the work did."""

    exit_code = 4


class InterruptedRunError(OscaError):
    """The user interrupted; what was drawn is kept."""

    exit_code = 130
