"""Shares out the time that a backend is busy: what a budget in GPU seconds counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio


@dataclass(slots=True)
class Span:
    """A request under way, and in the end the share of each of its samples, in seconds."""

    begun: float
    seconds: float = 0.0


class Busy:
    """The busy time of one backend, each instant divided equally among the samples in flight.

    Args:
        clock: Tells the time in seconds; it never goes back.
    """

    def __init__(self, clock: Callable[[], float] = anyio.current_time) -> None:
        self._clock = clock
        self._in_flight = 0
        self._at = 0.0
        self._each = 0.0  # what a sample would have that was in flight from the beginning

    @contextmanager
    def sharing(self, samples: int) -> Iterator[Span]:
        """Count so many samples as in flight while the context lasts."""
        span = Span(self._now())
        self._in_flight += samples
        try:
            yield span
        finally:
            span.seconds = self._now() - span.begun
            self._in_flight -= samples

    def _now(self) -> float:
        now = self._clock()
        if self._in_flight:
            self._each += (now - self._at) / self._in_flight
        self._at = now
        return self._each
