"""The order in which a plan draws for one problem, as long as nothing is accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Draw:
    """A sample of a configuration, and which of its samples it is."""

    configuration: str
    index: int


class Order:
    """The draws of a plan, one after the other.

    Args:
        schedule: Configurations in the order of the plan.
        beyond: How it goes on after the schedule.
        endless: Whether it goes on at all, and at the end of ``beyond`` from the start.
        most: After so many draws it ends in any case.
        once: Configurations whose every sample is the same: they are drawn once.
        caps: How often configurations are drawn at most.
    """

    def __init__(
        self,
        schedule: Sequence[str],
        *,
        beyond: Sequence[str] = (),
        endless: bool = False,
        most: int | None = None,
        once: Collection[str] = (),
        caps: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._again = (*schedule, *beyond)
        self._endless = endless
        self._most = most
        self._caps = {**caps, **dict.fromkeys(once, 1)}
        self._drawn: Counter[str] = Counter()
        self._draws: list[Draw] = []
        self._add(schedule)
        self.schedule_length = len(self._draws)
        if endless:
            self._add(beyond)

    def draw(self, step: int) -> Draw | None:
        """Return the draw after so many others; ``None`` where there is none."""
        if self._most is not None and step >= self._most:
            return None
        while step >= len(self._draws) and self._endless:
            before = len(self._draws)
            self._add(self._again)
            self._endless = len(self._draws) > before
        return self._draws[step] if step < len(self._draws) else None

    def _add(self, names: Sequence[str]) -> None:
        for name in names:
            if self._drawn[name] < self._caps.get(name, self._drawn[name] + 1):
                self._draws.append(Draw(name, self._drawn[name]))
                self._drawn[name] += 1
