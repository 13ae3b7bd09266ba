"""The pace that a limiter finds, against servers in simulated time."""

import heapq
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import pytest

from osca_cli.model import Quota
from osca_cli.run.limits import DOUBLED_EVERY_S, FIRST_IN_FLIGHT, Limiter, Limits
from osca_cli.run.pace import Pace
from tests.faultserver.server import error

ALLOWED = 50.0
MOST_IN_FLIGHT = 64


@dataclass
class Bucket:
    """Allows ``rate`` requests a second, and so many at once."""

    rate: float
    burst: float
    level: float = 0.0
    at: float = 0.0

    def takes(self, now: float) -> bool:
        self.level, self.at = min(self.burst, self.level + (now - self.at) * self.rate), now
        if self.level < 1:
            return False
        self.level -= 1
        return True


@dataclass
class Window:
    """Allows ``rate`` requests in each second of the clock."""

    rate: float
    second: int = -1
    count: int = 0

    def takes(self, now: float) -> bool:
        if int(now) != self.second:
            self.second, self.count = int(now), 0
        self.count += 1
        return self.count <= self.rate


@dataclass
class Sliding:
    """Allows ``rate`` requests in any second."""

    rate: float
    recent: deque[float] = field(default_factory=deque)

    def takes(self, now: float) -> bool:
        while self.recent and self.recent[0] <= now - 1:
            self.recent.popleft()
        if len(self.recent) >= self.rate:
            return False
        self.recent.append(now)
        return True


Server = Bucket | Window | Sliding


@dataclass
class Seen:
    """When requests were answered and refused."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def rate(self, start: float, end: float) -> float:
        return sum(start <= at < end for at in self.answered) / (end - start)

    def share_refused(self, start: float, end: float) -> float:
        refused = sum(start <= at < end for at in self.refused)
        return refused / (refused + self.rate(start, end) * (end - start))


def simulate(
    server: Server,
    latency_s: float,
    retry_after_s: float | None,
    until: float,
    change_at: float,
    change_to: float,
) -> Seen:
    """Send as fast as a pace allows, with the in-flight limit of a limiter, to a server in simulated time."""
    pace, seen, noise = Pace(), Seen(), random.Random(0)
    now, width, widened_at = 0.0, FIRST_IN_FLIGHT, 0.0
    arriving: list[tuple[float, float, bool]] = []
    while now < until:
        if now >= change_at:
            server.rate = change_to
        wait_s = pace.wait_s(now)
        if len(arriving) < width and wait_s <= 1e-9:
            pace.sent(now, tokens=1)
            latency = latency_s * noise.uniform(0.8, 1.2)
            heapq.heappush(arriving, (now + latency, now, server.takes(now + latency / 2)))
            continue
        next_answer = arriving[0][0] if arriving else until
        now = min(next_answer, now + wait_s) if len(arriving) < width else next_answer
        while arriving and arriving[0][0] <= now:
            _, sent_at, taken = heapq.heappop(arriving)
            if taken:
                pace.answered(now)
                seen.answered.append(now)
            else:
                pace.refused(sent_at, now, retry_after_s)
                seen.refused.append(now)
        if width < MOST_IN_FLIGHT and now - widened_at >= DOUBLED_EVERY_S:
            width, widened_at = 2 * width, now
    return seen


SERVERS: dict[str, Callable[[], Server]] = {
    "a bucket of a second": lambda: Bucket(ALLOWED, ALLOWED),
    "a small bucket": lambda: Bucket(ALLOWED, 5),
    "seconds of the clock": lambda: Window(ALLOWED),
    "any second": lambda: Sliding(ALLOWED),
}


@pytest.mark.parametrize("retry_after_s", [None, 1.0], ids=["silent", "retry-after"])
@pytest.mark.parametrize("latency_s", [0.005, 0.05, 0.1])
@pytest.mark.parametrize("server", SERVERS.values(), ids=list(SERVERS))
def test_it_finds_what_a_server_allows_and_follows_when_that_is_halved(server, latency_s, retry_after_s):
    seen = simulate(server(), latency_s, retry_after_s, until=100, change_at=50, change_to=ALLOWED / 2)

    assert seen.rate(20, 50) >= 0.9 * ALLOWED
    assert seen.share_refused(0, 30) < 0.05
    assert seen.rate(60, 100) >= 0.85 * ALLOWED / 2
    assert seen.share_refused(50, 100) < 0.05


def test_it_follows_when_a_server_allows_twice_as_much():
    seen = simulate(Bucket(ALLOWED, ALLOWED), 0.05, None, until=140, change_at=40, change_to=2 * ALLOWED)

    assert seen.rate(100, 140) >= 0.8 * 2 * ALLOWED


def test_a_storm_without_an_answer_is_got_over_in_seconds():
    seen = simulate(Bucket(0, 1), 0.05, None, until=30, change_at=10, change_to=ALLOWED)

    assert len(seen.refused) < 100
    assert seen.rate(20, 30) >= 0.5 * ALLOWED


def test_what_the_spec_allows_is_never_passed():
    pace = Pace(requests_per_minute=600, tokens_per_minute=6000)

    def sent(tokens: int) -> int:
        now, number = 0.0, 0
        while now < 60:
            now += max(0.0, pace.wait_s(now))
            pace.sent(now, tokens)
            number += 1
        return number

    assert sent(tokens=1) == pytest.approx(600, abs=3)
    pace = Pace(requests_per_minute=600, tokens_per_minute=6000)
    assert sent(tokens=100) == pytest.approx(60, abs=2)


def test_tokens_are_corrected_by_what_an_answer_took():
    pace = Pace(tokens_per_minute=60)
    pace.sent(0, tokens=30)
    assert pace.wait_s(0) == 30

    pace.correct(-25)

    assert pace.wait_s(0) == 5


def test_no_more_are_in_flight_than_the_spec_says_and_few_at_first():
    async def most_in_flight(limits: Limits) -> list[int]:
        limiter, in_flight, most = Limiter(limits), 0, []

        async def one() -> None:
            nonlocal in_flight
            async with limiter.turn(1) as turn:
                in_flight += 1
                most.append(in_flight)
                await anyio.sleep(0.02)
                in_flight -= 1
            limiter.answered(turn, 1, None)

        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(one)
        return most

    seen = anyio.run(most_in_flight, Limits(max_in_flight=10))

    assert max(seen) == 10
    assert max(seen[: 3 * FIRST_IN_FLIGHT]) == FIRST_IN_FLIGHT


def test_a_server_that_says_that_nothing_is_left_is_waited_for():
    async def waited() -> float:
        limiter = Limiter(Limits(max_in_flight=4))
        async with limiter.turn(1) as turn:
            limiter.answered(turn, 1, Quota(remaining=0, reset_s=0.3))
        start = anyio.current_time()
        async with limiter.turn(1):
            return anyio.current_time() - start

    assert anyio.run(waited) >= 0.29


def test_a_real_server_that_allows_little_is_taken_at_its_rate(osca, serve):
    bucket = Bucket(ALLOWED, 10)
    start = time.monotonic()
    server = serve(
        lambda _: None if bucket.takes(time.monotonic() - start) else error(429, "slow down"), problems=50
    )

    assert osca("run", "spec.yaml", "--json").json["drawn"] == 200

    seconds = server.asked[-1].at - server.asked[0].at
    assert server.refused < 0.15 * len(server.asked)
    # A machine that is busy with other things takes longer by itself; then few or none are refused.
    assert seconds < 2 * 200 / ALLOWED or server.refused < 5
