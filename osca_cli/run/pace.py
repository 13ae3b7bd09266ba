"""The rate at which a server takes requests, found by its refusals.

Before the first refusal there is no pace. A refusal cuts it; from there it grows along a cubic back to where
the refusal was, lingers, and tries more (after CUBIC, RFC 9438, which does the same for packets).
"""

from __future__ import annotations

from collections import deque

CUT = 0.92
EARLY_CUT = 0.7  # soon after another cut: the server allows much less than before
TAKEN_KEPT = 0.85
RECOVERED_AFTER_S = 20.0
FIRST_RATE = 10.0  # where a server has refused all and answered nothing
LEAST_RATE = 0.05


class Pace:
    """When the next request may be sent. Times are seconds of any one clock.

    Args:
        requests_per_minute: Never more than these, where given.
        tokens_per_minute: The same.
    """

    def __init__(
        self, requests_per_minute: float | None = None, tokens_per_minute: float | None = None
    ) -> None:
        self._most = None if requests_per_minute is None else requests_per_minute / 60
        self._tokens_per_s = None if tokens_per_minute is None else tokens_per_minute / 60
        self._found: float | None = None
        self._ceiling = 0.0
        self._depth = 0.0
        self._cut_at: float | None = None
        self._searching = False
        self._next_request_at = 0.0
        self._next_tokens_at = 0.0
        self._held_until = 0.0
        self._asked_to_wait_until = 0.0
        self._answers: deque[float] = deque(maxlen=4096)

    @property
    def rate(self) -> float | None:
        """Requests a second, or ``None`` where nothing limits them."""
        rates = [rate for rate in (self._found, self._most) if rate is not None]
        return min(rates, default=None)

    def wait_s(self, now: float) -> float:
        """Return how long to wait before sending a request."""
        return max(self._next_request_at, self._next_tokens_at, self._held_until) - now

    def sent(self, now: float, tokens: int) -> None:
        """Take note of a request, which is thought to take so many tokens."""
        self._grow(now)
        if self.rate is not None:
            self._next_request_at = max(self._next_request_at, now - 0.02) + 1 / self.rate
        if self._tokens_per_s is not None:
            self._next_tokens_at = max(self._next_tokens_at, now) + tokens / self._tokens_per_s

    def correct(self, tokens: int) -> None:
        """Take note that a request took so many tokens more than was thought, or fewer."""
        if self._tokens_per_s is not None:
            self._next_tokens_at += tokens / self._tokens_per_s

    def answered(self, now: float) -> None:
        """Take note of an answer."""
        self._answers.append(now)

    def hold(self, until: float) -> None:
        """Send nothing until then."""
        self._held_until = max(self._held_until, until)

    def refused(self, sent_at: float, now: float, retry_after_s: float | None) -> None:
        """Slow down, unless the request was sent before the last cut: then it says nothing new.

        Where the server asks to wait, and slower requests are refused too before that time is over, all wait.
        """
        if self._cut_at is not None and sent_at <= self._cut_at:
            return
        if now < self._asked_to_wait_until:
            self.hold(now + retry_after_s if retry_after_s is not None else self._asked_to_wait_until)
        if retry_after_s is not None:
            self._asked_to_wait_until = now + retry_after_s
        taken = self._taken(now)
        # What the server took a moment ago it takes again: some refuse all until the next second begins.
        self._searching = self._cut_at is None or not self._answers
        early = self._cut_at is not None and now - self._cut_at < RECOVERED_AFTER_S / 2
        before = self._found or taken or FIRST_RATE
        self._ceiling = max(before, taken * CUT)
        self._found = max(LEAST_RATE, self._ceiling * (EARLY_CUT if early else CUT), taken * TAKEN_KEPT)
        self._depth = max(1 - CUT, 1 - self._found / self._ceiling)
        self._cut_at = now
        self._next_request_at = max(self._next_request_at, now + 1 / self._found)

    def _grow(self, now: float) -> None:
        if self._cut_at is None:
            return
        since_s = now - max(self._cut_at, self._held_until)
        if self._searching:  # the ceiling is a guess yet
            self._found = self._ceiling * (1 - self._depth) * 2 ** min(10.0, max(0.0, since_s))
        else:
            distance = min(1.0, 1 - since_s / RECOVERED_AFTER_S)
            self._found = max(LEAST_RATE, self._ceiling * (1 - self._depth * distance**3))

    def _taken(self, now: float) -> float:
        """Return how many requests the server answered in the last second."""
        return float(sum(at > now - 1 for at in self._answers))
