"""What a plan says in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from osca_cli.plan.result import Baseline, Gain

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

MOST_LISTED = 8
"""Values of a field that are named; of more the others are counted."""


def because(
    allocation: Mapping[str, int],
    size: int,
    pure: Baseline,
    gain: Gain | None,
    over_even: Gain | None,
    *,
    passed: bool,
) -> str:
    """Say what was chosen and why, and where the pilot cannot tell.

    Args:
        allocation: Samples by configuration.
        size: How many configurations there were to choose from.
        pure: The best single configuration.
        gain: Over that, on problems that did not choose.
        over_even: The same over the even spread.
        passed: Whether any sample passed.
    """
    if not passed:
        return "Nothing passed on the training problems: all configurations are drawn in turns."
    chosen = _against_pure(allocation, size, pure, gain)
    if over_even is None or over_even.distinguishable or _is_even(allocation, size):
        return chosen
    return f"{chosen} An even spread may do as well: the pilot cannot tell ({_signed(over_even)} points)."


def _against_pure(allocation: Mapping[str, int], size: int, pure: Baseline, gain: Gain | None) -> str:
    if dict(allocation) == dict(pure.allocation):
        return f"All of the budget goes to {pure.name}: on the training problems no mix solves more."
    even = _is_even(allocation, size)
    chosen = "an even spread" if even else f"{number(len(allocation))} of {number(size)} configurations"
    chosen = chosen[0].upper() + chosen[1:]
    rival = f"the best single one, {amounts(pure.allocation)}"
    if gain is None:
        return f"{chosen}; there are too few training problems to tell what it gains over {rival}."
    if gain.distinguishable:
        more = "more" if gain.value > 0 else "less"
        return f"{chosen}; expected to solve {points(gain)} points {more} than {rival}."
    if even:
        return (
            f"{chosen}: the pilot cannot tell these configurations apart; a gain over {rival}, is not "
            f"distinguishable from none ({_signed(gain)} points)."
        )
    return f"{chosen}; a gain over {rival}, is not distinguishable from none ({_signed(gain)} points)."


def certified_because(allocation: Mapping[str, int], size: int, naive: int) -> str:
    """Say in a sentence where a plan for false accepts stops.

    Args:
        allocation: Samples by configuration.
        size: How many configurations there were to choose from.
        naive: Samples of the plan that trusts the verifier.
    """
    total = sum(allocation.values())
    chosen = f"{number(len(allocation))} of {number(size)} configurations"
    chosen = chosen[0].upper() + chosen[1:]
    if total >= naive:
        return (
            f"{chosen}, up to the budget: to stop earlier would lose more right answers than wrong accepts."
        )
    samples = "the first sample" if total == 1 else f"{number(total)} samples"
    return f"{chosen}; it ends after {samples}: more would bring more wrong accepts than right answers."


def own_because(gain: Gain) -> str:
    """Say why a value has a plan of its own."""
    return f"Its own plan solves {points(gain)} points more than the task's common plan."


def kept_because(few: Sequence[str], same: Mapping[str, Gain]) -> str:
    """Say why values keep the common plan.

    Args:
        few: Those with too few training problems.
        same: Those whose own plan is not better, with its gain.
    """
    said = []
    if same:
        values = _listed([f"'{value}' ({_signed(gain)} points)" for value, gain in same.items()])
        said.append(f"{values} {_keep(same)} the common plan: no plan of its own is distinguishably better.")
    if few:
        values = _listed([f"'{value}'" for value in few])
        said.append(f"{values} {_keep(few)} the common plan: too few training problems to tell.")
    return " ".join(said)


def _keep(values: Sequence[str] | Mapping[str, Gain]) -> str:
    return "keeps" if len(values) == 1 else "keep"


def _listed(values: Sequence[str]) -> str:
    """Return ``a, b and c``; of many values the first, and how many more there are."""
    more = len(values) - MOST_LISTED
    shown = [*values[:MOST_LISTED], f"{more} more"] if more > 0 else list(values)
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def number(count: int) -> str:
    """Return a count as a word where it is small."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def amounts(allocation: Mapping[str, float]) -> str:
    """Return an allocation as ``5 x a + 3 x b``."""
    return " + ".join(f"{count:g} x {name}" for name, count in allocation.items())


def _is_even(allocation: Mapping[str, int], size: int) -> bool:
    """Tell whether all configurations are drawn, or as many as there are samples, and none is preferred."""
    counts = allocation.values()
    everyone = len(allocation) == min(size, sum(counts))
    return len(allocation) > 1 and everyone and max(counts) - min(counts) <= 1


def points(gain: Gain) -> str:
    """Return the interval of a gain, or loss, as ``4 to 9``."""
    low, high = sorted(abs(end) * 100 for end in gain.interval)
    digits = 0 if round(low) < round(high) and round(low) > 0 else 1
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _signed(gain: Gain) -> str:
    low, high = (end * 100 for end in gain.interval)
    return f"{low:+.1f} to {high:+.1f}"
