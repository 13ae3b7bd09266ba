r"""Numbers the way models write them, read exactly.

A numeral may have a sign, a currency, thousands separators, decimals, a power of ten, a denominator and a
percent sign: ``1,234.50``, ``-$5``, ``3/4``, ``1 1/2``, ``1½``, ``\frac{3}{4}``, ``6.02e23``,
``6.02 × 10^23``, ``12%``. Whatever follows is a unit. A point separates decimals and a comma thousands, never
the other way round.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

LONGEST = 1000
"""Characters of the longest numeral that is read, and the largest power of ten: beyond is no answer."""

_MINUS = "-\u2212\uff0d"  # put first in a character class, where it makes no range
_SIGN = rf"[{_MINUS}+]"
_SEPARATOR = r"(?:,\\!|\{,\}|\\[,!]|[,_\u00a0\u2009\u202f])"
# Nothing that may fail follows a run of digits, so that a megabyte of them takes linear time.
_INTEGER = rf"(?:[0-9]{{1,3}}(?:{_SEPARATOR}[0-9]{{3}}(?![0-9]))+|[0-9]+)"
_DECIMAL = rf"(?:{_INTEGER}(?:\.[0-9]+)?|(?<!\.)\.[0-9]+)"
_OVER = r"\s?[/\u2044]\s?"
_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_POWER = r"10(?:\s?(?:\^|\*\*)\s?\{{?(?P<{0}>{1}?[0-9]+)\}}?|(?P<{0}_raised>[⁺⁻]?[{2}]+))"
_BARE_POWER = _POWER.format("bare", _SIGN, _SUPERSCRIPTS)
_TIMES_POWER = _POWER.format("times", _SIGN, _SUPERSCRIPTS)

_NUMERAL = re.compile(
    rf"""
    (?<![A-Za-z0-9^/\u2044]) (?<![0-9]\.) (?<![A-Za-z0-9]_) (?<!_\{{)  # not inside a word, version or index
    (?<!\^[{_MINUS}+({{]) (?<!\^\{{{_SIGN}) (?<![A-Za-z0-9)]\*\*)       # not an exponent
    (?P<sign> (?<![{_MINUS})\]}}]) {_SIGN} )?                 # the minus of "(a)-5" subtracts
    (?: \\?[$€£¥₹]\s? (?P<inner_sign>{_SIGN})? )?
    (?:
        {_BARE_POWER}
      | (?: (?P<whole>[0-9]+) (?: [ ] | (?=\\) ) (?= [0-9]+[/\u2044][0-9] | \\[dt]?frac ) )?
        (?:
            (?P<over>{_DECIMAL}) {_OVER} (?P<under>{_DECIMAL})
          | \\[dt]?frac \{{ (?P<frac_over>{_SIGN}?{_DECIMAL}) \}} \{{ (?P<frac_under>{_DECIMAL}) \}}
        )
      | (?P<before>[0-9]{{1,100}})? (?P<vulgar>[{_VULGAR}])
      | (?P<decimal>{_DECIMAL})
        (?: [eE](?P<exponent>{_SIGN}?[0-9]+) | \s?(?:[x×*·]|\\times|\\cdot)\s?{_TIMES_POWER} )?
    )
    # What is raised to a power, or goes on like a date or version, is no number: consumed, then left out.
    (?P<spoiled> (?= \s?\^(?!\s?\{{?\\circ) | \*\*\(?[0-9] | [⁺⁻{_SUPERSCRIPTS}] | {_OVER}[0-9] | \.[0-9] ) )?
    (?P<percent> \s?\\?% | \s?per\s?cent(?![a-z]) )?
    """,
    re.VERBOSE,
)
_PLAIN_DIGITS = str.maketrans(_SUPERSCRIPTS + "⁺⁻" + _MINUS, "0123456789+----")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number read exactly; ``percent`` tells that a percent sign follows, which ``value`` leaves out."""

    value: Fraction
    percent: bool = False

    def __str__(self) -> str:
        """Return one spelling for all equal numbers, so that votes group ``1,000`` and ``1e3``."""
        return _decimal_or_ratio(self.value) + ("%" if self.percent else "")


def numerals(text: str) -> list[str]:
    """Return every numeral of a text, in order."""
    return [match[0] for match in _NUMERAL.finditer(text) if match["spoiled"] is None]


def last_numeral(text: str) -> str | None:
    """Return the last numeral of a text as it is written, without its unit."""
    matches = (match[0] for match in _NUMERAL.finditer(text) if match["spoiled"] is None)
    tail = deque(matches, maxlen=1)
    return tail[0] if tail else None


def quantity(numeral: str) -> Quantity | None:
    """Read a numeral exactly.

    Returns:
        ``None`` for what is not one numeral, is longer than :data:`LONGEST` characters, has a power of ten
        beyond it, or divides by zero.

    >>> str(quantity("-1,234.50"))
    '-1234.5'
    >>> str(quantity("2/3"))
    '2/3'
    """
    if len(numeral) > LONGEST:
        return None
    match = _NUMERAL.fullmatch(numeral)
    magnitude = _magnitude(match) if match else None
    if match is None or magnitude is None:
        return None
    signs = (match["sign"] or "") + (match["inner_sign"] or "")
    negative = sum(sign in _MINUS for sign in signs) % 2 == 1
    return Quantity(-magnitude if negative else magnitude, percent=match["percent"] is not None)


def _magnitude(match: re.Match[str]) -> Fraction | None:
    over, under = match["over"] or match["frac_over"], match["under"] or match["frac_under"]
    if over is not None:
        divisor = _fraction(under)
        return _fraction(match["whole"] or "0") + _fraction(over) / divisor if divisor else None
    if match["vulgar"] is not None:
        written = unicodedata.normalize("NFKC", match["vulgar"]).replace("\u2044", "/")
        return _fraction(match["before"] or "0") + Fraction(written)
    power = _power(match)
    return None if power is None else _fraction(match["decimal"] or "1") * power


def _power(match: re.Match[str]) -> Fraction | None:
    names = ("bare", "bare_raised", "times", "times_raised", "exponent")
    written = next((match[name] for name in names if match[name] is not None), "0")
    exponent = int(written.translate(_PLAIN_DIGITS))
    return Fraction(10) ** exponent if abs(exponent) <= LONGEST else None


def _fraction(written: str) -> Fraction:
    return Fraction(re.sub(_SEPARATOR, "", written).translate(_PLAIN_DIGITS))


def _decimal_or_ratio(value: Fraction) -> str:
    """Write a number as a decimal where it ends, else as a ratio in lowest terms."""
    places = max(_multiplicity(value.denominator, 2), _multiplicity(value.denominator, 5))
    scaled = value * 10**places
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(scaled.numerator)).zfill(places + 1)
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def _multiplicity(number: int, factor: int) -> int:
    """Count how often a factor divides a number."""
    count = 0
    while number % factor == 0:
        number //= factor
        count += 1
    return count
