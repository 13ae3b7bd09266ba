"""Asks again where a request failed in passing: the one layer of retries (docs/decisions/061-retries.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import anyio

from osca_cli.errors import RetryableError

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long a request is asked again.

    Attributes:
        most: Attempts after the first one.
        total_wait_s: Waits of one request, added up, that are not passed.
    """

    most: int = 8
    total_wait_s: float = 300.0

    def wait_s(
        self, failures: int, retry_after_s: float | None, waited_s: float, jitter: float
    ) -> float | None:
        """Return how long to wait before the next attempt, or ``None`` where there is none.

        Args:
            failures: How many attempts have failed.
            retry_after_s: What the server asked for: never waited less.
            waited_s: What was waited before.
            jitter: Between 0 and 1; spreads requests that failed together.
        """
        if failures > self.most:
            return None
        backoff = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (failures - 1)) * (0.5 + jitter / 2)
        wait_s = backoff if retry_after_s is None else retry_after_s + FIRST_WAIT_S * jitter
        return wait_s if waited_s + wait_s <= self.total_wait_s else None


async def retrying(
    attempt: Callable[[], Awaitable[Result]], retries: Retries, *, stopping: anyio.Event, random: Random
) -> Result:
    """Return what an attempt gives, tried again while its failures are passing ones.

    Args:
        attempt: Makes one request.
        retries: How often, and how long.
        stopping: Ends the waiting: what failed then stays failed.
        random: Where jitter comes from.

    Raises:
        RetryableError: the last attempt's, saying why there is no other.
    """
    failures, waited_s = 0, 0.0
    while True:
        try:
            return await attempt()
        except RetryableError as error:
            failures += 1
            wait_s = retries.wait_s(failures, error.retry_after_s, waited_s, random.random())
            if wait_s is None:
                raise _exhausted(error, failures, retries) from None
            with anyio.move_on_after(wait_s):
                await stopping.wait()
                raise
            waited_s += wait_s


def _exhausted(error: RetryableError, failures: int, retries: Retries) -> RetryableError:
    if retries.most == 0:
        return error
    asked = error.retry_after_s
    if asked is not None and failures <= retries.most:
        return type(error)(
            f"{error} (the server asks to wait {asked:g} s; osca waits {retries.total_wait_s:g} s)"
        )
    return type(error)(f"{error} (given up after {failures} attempts)")
