"""What a plan says in words."""

from __future__ import annotations

from collections.abc import Mapping

from osca_cli.plan.result import Baseline, Gain


def because(allocation: Mapping[str, int], pure: Baseline, gain: Gain | None, *, solves: bool) -> str:
    """Say what was chosen and why, and where data cannot tell it from the best pure configuration."""
    if not solves:
        return "Nothing passed on the training problems: all configurations are drawn in turns."
    rival = amounts(pure.allocation)
    if dict(allocation) == dict(pure.allocation):
        return f"All of the budget goes to {pure.name}: on the training problems no mix solves more."
    chosen = f"Mixing {len(allocation)} configurations" if len(allocation) > 1 else amounts(allocation)
    if gain is None:
        return f"{chosen} solves most training problems; there are too few to tell by how much on new ones."
    points = f"{abs(gain.value) * 100:.1f} points"
    if gain.distinguishable and gain.value > 0:
        return f"{chosen} beats {rival} by {points} on problems that did not choose it."
    if gain.distinguishable:
        return f"{chosen} solves most training problems, but loses to {rival} by {points} on others."
    direction = "ahead of" if gain.value >= 0 else "behind"
    return (
        f"{chosen} is {points} {direction} {rival} on problems that did not choose it, "
        "which is not distinguishable from no gain: the interval includes 0."
    )


def amounts(allocation: Mapping[str, float]) -> str:
    """Return an allocation as ``5 x a + 3 x b``."""
    return " + ".join(f"{count:g} x {name}" for name, count in allocation.items())
