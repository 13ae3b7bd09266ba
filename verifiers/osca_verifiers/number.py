"""Passes a text whose number is the reference."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.numerals import Quantity, last_numeral, numerals, quantity
from osca_verifiers.reference import scalar_reference, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROUNDING = Fraction(1, 10**12)
"""How far, relatively, a reference stored as a float may be from the number that was meant: 0.1 + 0.2."""


class Number:
    """Compares the last number of what ``extract`` leaves with the reference.

    Numbers are read exactly (:mod:`osca_verifiers.numerals`) and compared as fractions: 0.75 is 3/4, and
    ``tolerance`` 0.01 includes a difference of 0.01.
    """

    version = 2

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._steps = compile_steps(settings.get("extract"))
        self._tolerance = _tolerance(settings, "tolerance")
        self._relative_tolerance = _tolerance(settings, "relative_tolerance")

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return the reference as it is stored.

        Raises:
            UsageError: the problem has none, or it is not exactly one finite number.
        """
        reference = scalar_reference(problem, "number")
        if _read(reference) is None:
            raise unfit(problem, "number", "one finite number")
        return {"reference": reference}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Pass a text whose last number is within tolerance of the reference."""
        found, reason = extract(text, self._steps)
        numeral = None if found is None else last_numeral(found)
        if numeral is None:
            return Verdict(passed=False, reason=reason or "no number found")
        answer, reference = quantity(numeral), _read(given["reference"])
        if answer is None or reference is None:
            return Verdict(passed=False, reason="the number is too large to read, or divides by zero")
        rounding = _ROUNDING if isinstance(given["reference"], float) else Fraction(0)
        equal = self._near(answer, reference, rounding)
        return Verdict(passed=equal, answer=str(answer), reason="" if equal else "another number")

    def _near(self, answer: Quantity, reference: Quantity, rounding: Fraction) -> bool:
        allowed = max(self._tolerance, max(self._relative_tolerance, rounding) * abs(reference.value))
        if answer.percent and not reference.percent:
            # "50%" answers both "what percentage?", whose reference is 50, and "what share?", with 0.5.
            readings = [answer.value, answer.value / 100]
        elif reference.percent and not answer.percent:
            readings = [answer.value, answer.value * 100]
        else:
            readings = [answer.value]
        return any(abs(reading - reference.value) <= allowed for reading in readings)


def _read(reference: Json) -> Quantity | None:
    """Read a reference: a number, or a text that holds exactly one."""
    if isinstance(reference, bool) or not isinstance(reference, int | float | str):
        return None
    found = numerals(reference if isinstance(reference, str) else repr(reference))
    return quantity(found[0]) if len(found) == 1 else None


def _tolerance(settings: Mapping[str, Json], key: str) -> Fraction:
    written = settings.get(key, 0)
    try:
        tolerance = Fraction(repr(written))
    except ValueError:
        tolerance = Fraction(-1)
    if tolerance < 0:
        raise UsageError(f"{key}: {written!r} is not a number of at least 0")
    return tolerance
