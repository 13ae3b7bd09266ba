"""Executes plans on problems that share a budget: what solved ones leave goes to the others."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

import anyio

from osca_cli.run.attempt import Answer, Attempt, Used
from osca_cli.run.purse import Purse
from osca_cli.run.session import Session
from osca_cli.spec.cells import CellMaker


class Sharing:
    """Draws for many problems in turns until all are solved, their orders end, or the purse is empty.

    The problem that is least far along its plan's order goes next; of several plans, each is measured by the
    length of its own schedule. One may run ahead of others that are still under way only where the purse
    holds all that these could need to catch up. So which draws are made depends on what they give alone,
    never on how long they take: a run that was killed goes on to the same end.

    Args:
        session: The run.
        maker: Makes cells.
        purse: What the problems may spend together.
        keep: Takes each problem's answer as it is ready.
    """

    def __init__(
        self, session: Session, maker: CellMaker, purse: Purse, keep: Callable[[Answer], None]
    ) -> None:
        self._session = session
        self._maker = maker
        self._purse = purse
        self._keep = keep
        self._ready: list[tuple[float, int, Attempt]] = []
        self._under_way: dict[int, Attempt] = {}
        self._changed = anyio.Event()

    async def execute(self, attempts: Sequence[Attempt], at_once: int) -> None:
        """Solve the problems, so many at a time."""
        self._ready = [(0.0, number, attempt) for number, attempt in enumerate(attempts)]
        async with anyio.create_task_group() as group:
            for _ in range(min(at_once, len(attempts))):
                group.start_soon(self._work)
        for _, _, attempt in sorted(self._ready, key=lambda item: item[1]):
            if attempt.used or not self._session.sampling.stopping.is_set():
                self._keep(attempt.answer(self._session.pool))

    async def _work(self) -> None:
        while taken := await self._take():
            number, attempt, name, reserved = taken
            used = None
            try:
                used = await attempt.go_on(self._maker, self._session.pool)
            finally:
                del self._under_way[number]
                self._purse.settle(name, used.cost if used else None, reserved)
            self._put_back(number, attempt, used)
            self._changed.set()
            self._changed = anyio.Event()

    async def _take(self) -> tuple[int, Attempt, str, float] | None:
        """Return the problem that draws next, with what is set aside for it; ``None`` at the end."""
        while not self._session.sampling.stopping.is_set():
            if self._ready:
                rank, number, attempt = self._ready[0]
                draw = attempt.next()
                if draw is None:
                    heapq.heappop(self._ready)
                    self._keep(attempt.answer(self._session.pool))
                    continue
                needed = sum(self._to_catch_up(other, (rank, number)) for other in self._under_way)
                reserved = self._purse.reserve(draw.configuration, beside=needed)
                if reserved is not None:
                    heapq.heappop(self._ready)
                    self._under_way[number] = attempt
                    return number, attempt, draw.configuration, reserved
            if not self._under_way:
                break
            await self._changed.wait()
        return None

    def _to_catch_up(self, other: int, place: tuple[float, int]) -> float:
        """Return what a problem under way could cost until it is as far as one that is to run ahead."""
        behind, needed = self._under_way[other], 0.0
        step = behind.step
        while (_rank(behind, step), other) < place and (draw := behind.course.order.draw(step)):
            needed += self._purse.expected(draw.configuration)
            step += 1
        return needed

    def _put_back(self, number: int, attempt: Attempt, used: Used | None) -> None:
        """Have a problem wait for its next turn, unless it is solved or its draw failed."""
        if attempt.accepted or (used is None and not self._session.sampling.stopping.is_set()):
            self._keep(attempt.answer(self._session.pool))
        else:
            heapq.heappush(self._ready, (_rank(attempt, attempt.step), number, attempt))


def _rank(attempt: Attempt, step: int) -> float:
    """Return how far along its plan's schedule a problem is at a step."""
    return step / attempt.course.order.schedule_length
