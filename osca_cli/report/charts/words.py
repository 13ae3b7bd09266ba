"""Numbers as charts and tables write them."""

from __future__ import annotations

import math


def rate(value: float | None, digits: int = 1) -> str:
    """Write a rate in percent, an unknown one as a dash."""
    return "–" if value is None or math.isnan(value) else f"{100 * value:.{digits}f}%"


def ends(interval: tuple[float, float] | list[float] | None, digits: int = 1) -> str:
    """Write an interval of rates.

    >>> ends((0.1, 0.25))
    '10.0 to 25.0%'
    """
    if interval is None:
        return "–"
    return f"{100 * interval[0]:.{digits}f} to {100 * interval[1]:.{digits}f}%"


def signed(value: float) -> str:
    """Write a difference of rates in points.

    >>> signed(-0.012)
    '−1.2'
    """
    text = f"{100 * value:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text.replace("-", "−")


def signed_ends(interval: tuple[float, float] | list[float]) -> str:
    """Write an interval of differences in points."""
    return f"{signed(interval[0])} to {signed(interval[1])}"


def amount(value: float | None, kind: str = "") -> str:
    """Write a number with as many digits as it deserves.

    >>> amount(1234.5), amount(0.00321, "usd"), amount(12.34)
    ('1,234', '$0.0032', '12.3')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    sign, digits = "$" if kind == "usd" else "", 0
    if value != int(value):
        digits = max(0, min(12, 2 - math.floor(math.log10(abs(value))) - (abs(value) < 1)))
    if sign and 1 <= abs(value) < 100 and digits:
        digits = 2
    return f"{sign}{value:,.{digits}f}"


def dollars(value: float) -> str:
    """Write the number of a tick in USD."""
    return f"${tick(value)}"


def tick(value: float) -> str:
    """Write the number of a tick.

    >>> tick(0.5), tick(4.0), tick(2000.0), tick(1e-05)
    ('0.5', '4', '2,000', '0.00001')
    """
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.10f}".rstrip("0")
