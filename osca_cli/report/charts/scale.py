"""Scales: from data to places, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """A line of numbers laid along an axis.

    Attributes:
        low: The number at its start.
        high: The number at its end.
        start: Its first place.
        end: Its last place.
        log: Whether equal ratios are equal distances.
        ticks: The numbers that are written.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    ticks: tuple[float, ...] = ()

    def __call__(self, value: float) -> float:
        """Return the place of a number."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log(max(value, low / 2)), math.log(low), math.log(high)
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)


def linear(low: float, high: float, start: float, end: float, most: int = 6) -> Scale:
    """Return a scale over at least these numbers, with ticks at multiples of 1, 2 or 5."""
    if high <= low:
        high = low + 1
    step = _round_step((high - low) / most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(i * step, 12) for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, ticks=ticks)


def logarithmic(low: float, high: float, start: float, end: float, room: float = 46) -> Scale:
    """Return a scale of ratios: ticks at powers of 2 where a few fit, else of 10 (and 2, 5 between)."""
    if high <= low:
        high = low * 2
    length = abs(end - start)
    most = max(2, int(length / room))
    doublings = math.log2(high / low)
    if low >= 1 and doublings <= 2 * most:
        step = 1 if doublings <= most else 2
        ticks: Sequence[float] = [2.0**i for i in range(0, 64, step) if low <= 2.0**i <= high * 1.001]
    else:
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        fine = [m * 10.0**e for e in exponents for m in (1, 2, 5)]
        ticks = [tick for tick in fine if low * 0.999 <= tick <= high * 1.001]
        if len(ticks) > most:
            ticks = [10.0**e for e in exponents if low * 0.999 <= 10.0**e <= high * 1.001]
    return Scale(low, high, start, end, log=True, ticks=tuple(ticks))


def percent_scale(values: Sequence[float], start: float, end: float) -> Scale:
    """Return a scale of rates that begins at 0 and ends at the next round tenth."""
    top = max([0.02, *values])
    step = next(one for one in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2) if top / one <= 5 or one == 0.2)
    count = min(math.ceil(top / step - 1e-9), round(1 / step))
    return Scale(0.0, count * step, start, end, ticks=tuple(round(i * step, 12) for i in range(count + 1)))


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))
