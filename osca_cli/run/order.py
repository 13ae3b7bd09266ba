"""The order in which a plan draws for one problem, as long as nothing is accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Draw:
    """A sample of a configuration, and which of its samples it is."""

    configuration: str
    index: int


class Order:
    """The draws of a plan, one after the other.

    Args:
        schedule: Configurations in the order of the plan.
        once: Those whose every sample is the same: they are drawn once.
    """

    def __init__(self, schedule: Sequence[str], *, once: Collection[str] = ()) -> None:
        self._once = once
        self._drawn: Counter[str] = Counter()
        self._draws: list[Draw] = []
        for name in schedule:
            self._add(name)

    def draw(self, step: int) -> Draw | None:
        """Return the draw after so many others; ``None`` where there is none."""
        return self._draws[step] if step < len(self._draws) else None

    def _add(self, name: str) -> None:
        if self._drawn[name] and name in self._once:
            return  # it would be the first sample again
        self._draws.append(Draw(name, self._drawn[name]))
        self._drawn[name] += 1
