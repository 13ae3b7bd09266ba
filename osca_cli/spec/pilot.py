"""Reads ``pilot:``, and what screening comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osca_cli.spec.faults import Faults

SAMPLES = 8
"""Samples per configuration and training problem where the spec does not say."""
LEAST = 2
"""So many configurations go on at the least."""


def read_pilot(raw: Mapping[str, Any], faults: Faults) -> tuple[int, int | None]:
    """Return the samples of a pilot, and those of its screening if it has one."""
    samples, screen = int(raw.get("samples", SAMPLES)), raw.get("screen")
    if screen is not None and screen >= samples:
        faults.add(
            ("pilot", "screen"),
            f"screening by {screen} samples leaves nothing for those that go on to {samples}; write fewer,"
            " or leave screen out",
        )
    return samples, screen


def going_on(candidates: int) -> int:
    """Return how many of so many screened configurations go on: a third, at least two.

    >>> [going_on(number) for number in (1, 2, 8, 9, 60)]
    [1, 2, 2, 3, 20]
    """
    return min(candidates, max(LEAST, candidates // 3))


def pilot_total(configurations: int, samples: int, screen: int | None) -> int:
    """Return how many samples a pilot draws on one problem."""
    if screen is None:
        return configurations * samples
    return configurations * screen + going_on(configurations) * (samples - screen)
