"""Passes a text whose mathematical answer equals the reference: formulas, sets, intervals, equations."""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.math_text import LONGEST, answer_in, as_latex
from osca_verifiers.numerals import Quantity, quantity
from osca_verifiers.reference import text_reference, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT = re.compile(r"\\(?:text|textbf|textrm|mathrm|mbox)\s?\{([^{}]*)\}")


class Math:
    """Compares the answer of a text with the reference as mathematics.

    Two numbers are compared exactly, as the verifier ``number`` does; anything else by Math-Verify, which
    reads LaTeX into symbolic expressions. Only its LaTeX reader sees a model's text: its reader of plain
    expressions evaluates them as Python (docs/decisions/042-mathematics.md).
    """

    version = 2

    def __init__(self, settings: Mapping[str, Json]) -> None:
        _library()
        self._steps = compile_steps(settings.get("extract"))

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return the reference as text.

        Raises:
            UsageError: the problem has none, or it cannot be read as mathematics.
        """
        reference = text_reference(problem, "math")
        written = _reference(reference)
        if _words(written) is None and _number(written) is None and not _parsed(as_latex(written)):
            raise unfit(problem, "math", "a formula in LaTeX or plain writing")
        return {"reference": reference}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Pass a text whose answer equals the reference."""
        found, reason = extract(text, self._steps)
        written = None if found is None else (found.strip() if self._steps else answer_in(found))
        if written is None or not written:
            return Verdict(passed=False, reason=reason or "no answer found")
        if len(written) > LONGEST:
            return Verdict(passed=False, reason=f"the answer has more than {LONGEST} characters")
        return _judge(written, _reference(str(given["reference"])))


def _judge(written: str, reference: str) -> Verdict:
    words = _words(reference)
    if words is not None:
        equal = words == (_words(written) or _words(f"\\text{{{written}}}"))
        return Verdict(passed=equal, answer=written, reason="" if equal else "other words")
    number, expected = _number(written), _number(reference)
    if number is not None and expected is not None:
        equal = number.value in _readings(expected, number)
        return Verdict(passed=equal, answer=str(number), reason="" if equal else "another number")
    latex = as_latex(written)
    parsed = _parsed(latex)
    if not parsed:
        return Verdict(passed=False, answer=written, reason="the answer cannot be read as mathematics")
    expected_formula = _parsed(as_latex(reference))
    equal = _library().verify(expected_formula, parsed, timeout_seconds=None, allow_set_relation_comp=True)
    reason = "" if equal else "differs from the reference"
    return Verdict(passed=equal, answer=_spelled(parsed[0], latex), reason=reason)


def _spelled(formula: Any, latex: str) -> str:
    """Return one spelling for equal numbers and most equal formulas, so that votes group them.

    A pair in round brackets may have been read as an interval, and an empty one at that: it stays as written.
    """
    if getattr(formula, "is_number", False) and (value := formula.doit()).is_Rational:
        return str(Quantity(Fraction(int(value.p), int(value.q))))
    if type(formula).__name__ in {"Interval", "EmptySet"}:
        return "".join(latex.split())
    return str(formula)


def _readings(expected: Quantity, number: Quantity) -> set[Any]:
    """Return the values that pass: a percentage is also its hundredth, as the verifier ``number`` has it."""
    if expected.percent == number.percent:
        return {expected.value}
    return {expected.value / 100 if expected.percent else expected.value * 100, expected.value}


def _words(written: str) -> str | None:
    r"""Return what a ``\text{…}`` holds, in lower case, where that is all there is; no formula then."""
    words = _TEXT.fullmatch(written)
    return None if words is None else " ".join(words[1].split()).strip(".()").casefold()


def _reference(written: str) -> str:
    """Return a reference without the dollars or the box that data sets put around it."""
    return (answer_in(written) if "boxed" in written or "$" in written else None) or written.strip()


def _number(written: str) -> Quantity | None:
    return quantity(written.strip().strip("$").rstrip(".").strip())


@lru_cache(maxsize=1024)
def _parsed(latex: str) -> list[Any]:
    library = _library()
    config = library.LatexExtractionConfig(boxed_match_priority=-1)
    return list(library.parse(f"${latex}$", [config], fallback_mode="no_fallback", parsing_timeout=None))


@lru_cache(maxsize=1)
def _library() -> Any:
    """Import Math-Verify, which takes a second or two.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import math_verify
    except ImportError:
        raise UsageError(
            "the verifier 'math' needs Math-Verify; install it with: pip install 'osca[math]'"
        ) from None
    # It warns that without its own time limit somebody else must have one: the worker process has.
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    logging.getLogger("latex2sympy2_extended").setLevel(logging.ERROR)
    return math_verify
