"""How fast samples come, and how long the rest will take."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

WINDOW_S = 20.0
"""Rates are of so many seconds: long enough for slow models, short enough to show a change."""


class Speed:
    """Rates of several counters, over the last seconds.

    Args:
        window_s: How far back is looked.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, dict[str, int]]] = deque()

    def see(self, now: float, counts: Mapping[str, int]) -> None:
        """Note counts at a time in seconds, which never goes back."""
        self._seen.append((now, dict(counts)))
        while len(self._seen) > 2 and self._seen[1][0] <= now - self._window_s:
            self._seen.popleft()

    def rate(self, name: str) -> float:
        """Return how much a counter grew a second."""
        if len(self._seen) < 2:
            return 0.0
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after.get(name, 0) - before.get(name, 0)) / (end - start) if end > start else 0.0

    def total(self) -> float:
        """Return how much all counters grew a second."""
        return sum(self.rate(name) for name in self._seen[-1][1]) if self._seen else 0.0


def duration(seconds: float) -> str:
    """Write a time for people.

    >>> duration(5), duration(200), duration(7300)
    ('5s', '3m 20s', '2h 1m')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"
