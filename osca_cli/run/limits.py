"""Keeps requests within what a server allows: so many in flight, so many a second, so many tokens a minute.

One limiter stands for one server and key, however many backends of a spec share them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from osca_cli.model import Json, Quota
from osca_cli.run.pace import Pace

FIRST_IN_FLIGHT = 4
DOUBLED_EVERY_S = 0.15


@dataclass(frozen=True, slots=True)
class Limits:
    """What a backend's entry in the spec allows; ``None`` leaves it to the server."""

    max_in_flight: int
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


def limits_of(settings: Mapping[str, Json], max_in_flight: int) -> Limits:
    """Read the ``limits:`` of a backend's settings."""
    limits: Any = settings.get("limits", {})
    return Limits(max_in_flight, limits.get("requests_per_minute"), limits.get("tokens_per_minute"))


@dataclass(slots=True)
class Turn:
    """A request that may be sent now.

    Attributes:
        sent_at: When, by the limiter's clock.
        tokens: How many it was thought to take.
    """

    sent_at: float
    tokens: int


class Limiter:
    """Gives out turns.

    The number in flight doubles several times a second up to the limit, so that a server which allows little
    is not overrun at once; after its first refusal requests are paced (:class:`Pace`).

    Args:
        limits: What the spec allows.
        gently: Whether to begin with few in flight. An engine of our own is not overrun.
        clock: Tells the time in seconds.
    """

    def __init__(
        self, limits: Limits, *, gently: bool = True, clock: Callable[[], float] = anyio.current_time
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._pace = Pace(limits.requests_per_minute, limits.tokens_per_minute)
        first = min(FIRST_IN_FLIGHT, limits.max_in_flight) if gently else limits.max_in_flight
        self._slots = anyio.CapacityLimiter(first)
        self._queue = anyio.Lock()
        self._grown_at: float | None = None

    @asynccontextmanager
    async def turn(self, tokens: int) -> AsyncIterator[Turn]:
        """Wait for a turn, and hold its place in flight while the context lasts.

        Args:
            tokens: How many the request is thought to take.
        """
        async with self._slots:
            async with self._queue:  # first come, first served
                while (wait_s := self._pace.wait_s(self._clock())) > 0:
                    await anyio.sleep(wait_s)
                turn = Turn(self._clock(), tokens)
                self._pace.sent(turn.sent_at, tokens)
            yield turn

    def answered(self, turn: Turn, tokens: int | None, quota: Quota | None) -> None:
        """Take note of an answer: the tokens that it took, and what the server says is left."""
        now = self._clock()
        self._pace.answered(now)
        if tokens is not None:
            self._pace.correct(tokens - turn.tokens)
        if quota is not None and quota.remaining < self._slots.borrowed_tokens:
            self._pace.hold(now + quota.reset_s)
        self._widen(now)

    def refused(self, turn: Turn, retry_after_s: float | None) -> None:
        """Take note that the server asks for fewer requests."""
        self._pace.refused(turn.sent_at, self._clock(), retry_after_s)

    def _widen(self, now: float) -> None:
        """Let twice as many be in flight, if that many were needed."""
        if self._grown_at is None:
            self._grown_at = now
        most = self._limits.max_in_flight
        if self._slots.total_tokens < most and now - self._grown_at >= DOUBLED_EVERY_S:
            self._slots.total_tokens = min(most, 2 * self._slots.total_tokens)
            self._grown_at = now
