r"""Passes a text that chooses the reference among labels, as in multiple-choice questions.

An explicit statement counts most, the last one if there are several: ``The answer is (b).``, ``Answer: B``,
``\boxed{B}``, ``B is correct``. Without one, a line that is only a label; then the one label that lines begin
with (``B) Paris``); then the one label in brackets or bold. Labels that disagree choose nothing, and neither
does "A or B". The article "a" and the pronoun "I" are never labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.reference import text_reference, unfit

_BOXED = re.compile(r"\\(?:boxed|fbox)\s?\{")
_WRAPPING = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|bf|rm)\b\s?\{?")
_MARKUP = re.compile(r"[*_`$\"'“”‘’]|\\[()\[\]]")
_DEFAULT_LABELS = "ABCDEFGHIJ"

_IS = r"(?:is|was|(?:would|should|must|will|might|may|could|has to|seems to|appears to) be)\b"
_COPULA = rf"(?: {_IS}| ?[:=]| ?[-–—]>?)+(?: (?:most likely|probably|clearly|indeed|therefore|thus))?(?: ?:)?"
_FILLER = r"(?: (?!(?:is|was|be|not|or|answers?)\b)\w+){0,6}?"
_NOUN = r"(?: ?(?:the )?(?:option|choice|letter|answer)\b)?(?: ?:)?"
_VERDICT = r" is (?:(?:the|clearly|indeed|most|therefore) ){0,3}(?:correct|right|best)\b"


class Choice:
    """Compares the label that a text chooses with the reference.

    ``choices`` are the labels, letters or words; A to J where it is left out.
    """

    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._steps = compile_steps(settings.get("extract"))
        choices = settings.get("choices")
        self._labels = (
            [str(label) for label in choices] if isinstance(choices, Sequence) else list("ABCDEFGHIJ")
        )
        self._patterns = _Patterns(self._labels)

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return the reference, spelled as the label that it is.

        Raises:
            UsageError: the problem has none, or it is not one of the labels.
        """
        written = text_reference(problem, "choice").strip()
        label = self._label(written) or self._label(written.strip("()[]. "))
        if label is None:
            raise unfit(problem, "choice", f"one of {', '.join(self._labels)}")
        return {"reference": label}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Pass a text that chooses the reference."""
        found, reason = extract(text, self._steps)
        if found is None:
            return Verdict(passed=False, reason=reason)
        chosen = self._patterns.chosen(found)
        if chosen is None:
            return Verdict(passed=False, reason="no choice found, or several that disagree")
        equal = chosen == given["reference"]
        return Verdict(passed=equal, answer=self._label(chosen), reason="" if equal else "another choice")

    def _label(self, written: str) -> str | None:
        folded = written.casefold()
        return next((label for label in self._labels if label.casefold() == folded), None)


class _Patterns:
    """Regular expressions for one set of labels, over text that :func:`_plain` has prepared."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._canonical = {label.casefold(): label for label in labels}
        label = _any_of(labels)
        # As written, labels stand out from prose; "A" and "I" do not.
        distinct = _any_of([label for label in labels if label not in {"A", "I"}])
        self._statement = _statement(label, distinct)
        self._alone = re.compile(rf"\W*({label})\W*", re.IGNORECASE)
        start = rf"^(?:[-•] )?\(?({label})(?:[).:\]](?!\w)| -|$)"
        self._line_start = re.compile(start, re.IGNORECASE | re.MULTILINE)
        self._bracketed = re.compile(rf"[(\[{{]({label})[)\]}}]", re.IGNORECASE)
        self._bold = re.compile(rf"\*\*\s?[(\[]?({label})[)\].:]?\s?\*\*", re.IGNORECASE)

    def chosen(self, text: str) -> str | None:
        """Return the label that a text chooses, or ``None``."""
        plain = _plain(self._bold.sub(r"(\1)", text))
        stated = self._found(self._statement, plain)
        if stated:
            return stated[-1]
        lines = plain.splitlines() or [""]
        for line in (lines[-1], lines[0]):
            if match := self._alone.fullmatch(line):
                return self._canonical[match[1].casefold()]
        for pattern in (self._line_start, self._bracketed):
            labels = set(self._found(pattern, plain))
            if labels:
                return labels.pop() if len(labels) == 1 else None
        return None

    def _found(self, pattern: re.Pattern[str], text: str) -> list[str]:
        matches = pattern.finditer(text)
        return [self._canonical[next(filter(None, match.groups())).casefold()] for match in matches]


def _statement(label: str, distinct: str) -> re.Pattern[str]:
    """Return the pattern of "the answer is (b)" in the forms that models use; any group is the label."""
    bracketed = rf"[(\[{{]{{1,3}} ?({label}) ?[)\]}}.:]"
    as_written = rf"((?-i:{distinct}))(?!\w|-\w)"
    closed = rf"[(\[{{]{{0,3}}({label})(?= ?(?:[^\w\s'-]|$|\n| -| (?:because|since|as)\b))"
    either = rf"(?:,? ?\b(?:or|and)\b|[/&]) ?[(\[]?{label}\b"
    listed = rf", ?[(\[]?(?-i:{distinct})\b"
    token = rf" ?(?:{bracketed}|{as_written}|{closed})(?![)\]}}]? ?(?:{either}|{listed}))"
    return re.compile(
        rf"\banswers?{_NOUN}{token}"
        rf"|\banswers?{_FILLER}{_COPULA}{_NOUN}{token}"
        rf"|\b(?:option|choice|solution|selection)\b{_COPULA}{_NOUN}{token}"
        rf"|\b(?:choose|chose|select|pick|go with|going with)\b{_NOUN}{token}"
        rf"|(?<!\w)[(\[]?({label})[)\]]?{_VERDICT}",
        re.IGNORECASE,
    )


def _plain(text: str) -> str:
    """Take out markup and white space that says nothing, so that patterns need not allow for it."""
    unboxed = _MARKUP.sub("", _WRAPPING.sub("", _BOXED.sub("\nanswer: (", text)))
    lines = (" ".join(line.split()) for line in unboxed.splitlines())
    return "\n".join(line for line in lines if line)


def _any_of(labels: Sequence[str]) -> str:
    longest_first = sorted(labels, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(label) for label in longest_first) + ")" if labels else "(?!)"
