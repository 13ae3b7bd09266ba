r"""Finds the answer to mathematics in a text, and writes it as LaTeX that a parser takes."""

from __future__ import annotations

import re

from osca_verifiers.boxed import last_boxed
from osca_verifiers.numerals import last_numeral

LONGEST = 1000
"""Characters of the longest answer that is parsed; beyond is no answer."""

_TAIL = 20_000
"""Characters at the end of a text in which an answer that is in no box is looked for."""

_STATED = re.compile(
    r"(?:\banswers?\b(?:\s+(?:is|are|was|be|would be|will be|must be)\b\s*:?|\s*[:=]+)|####)",
    re.IGNORECASE,
)
_SPAN = re.compile(
    r"\$\$(.{1,1000}?)\$\$|\$(.{1,1000}?)\$|\\\[(.{1,1000}?)\\\]|\\\((.{1,1000}?)\\\)", re.DOTALL
)
_CURRENCY = re.compile(r"\\?\$(?=\s?[0-9][0-9.,]*(?![^$\n]*\$))")
_JOINING = re.compile(r"\s*(?:,|;|and|or|,\s*and|,\s*or)\s*", re.IGNORECASE)
_SENTENCE_END = re.compile(
    r"(?:\.(?=\s|$)|[!;](?=\s|$)|,?\s\(?(?:because|since|as|so|not|which|where|when)\b).*", re.DOTALL
)
_PLAIN = re.compile(r"[-+*/^=<>()\[\]{}|,.;:%°√π∞∪∩≤≥±×·÷−²³⁰¹⁴-⁹\s\\a-zA-Z0-9!'∅∈ℝ]+")
_WORD = re.compile(r"(?<![\\a-zA-Z{])[a-zA-Z]{3,}")
_KNOWN = frozenset(
    "sqrt cbrt sin cos tan cot sec csc arcsin arccos arctan asin acos atan log exp inf infty infinity and "  # noqa: SIM905 - a list of words
    "theta alpha beta gamma lambda sigma degrees degree percent".split()
)


def answer_in(text: str) -> str | None:
    r"""Return the answer that a text gives, as it is written.

    That is the last ``\boxed{…}``, else what follows the last "answer is", "Answer:" or "####", else the
    last formula between dollars or LaTeX brackets, else the whole of a text that is a formula, else its last
    number.

    >>> answer_in("We get $x = 4$. The answer is $2x = 8$, as asked.")
    '2x = 8'
    """
    boxed = last_boxed(text)
    if boxed is not None:
        return boxed
    text = _CURRENCY.sub("", text[-_TAIL:])
    stated = list(_STATED.finditer(text))
    if stated:
        rest = text[stated[-1].end() :].lstrip(" \t\n*_").split("\n", 1)[0]
        if rest.strip():
            return _first_formula(rest)
    spans = list(_SPAN.finditer(text))
    if spans:
        return _joined(text, spans, last=True)
    if is_formula(text):
        return text.strip().lstrip("= ")
    return last_numeral(text)


def is_formula(text: str) -> bool:
    """Tell whether a text is a formula in plain writing, without words that are no function."""
    words = (word.lower() for word in _WORD.findall(text))
    return len(text) <= LONGEST and bool(_PLAIN.fullmatch(text)) and all(word in _KNOWN for word in words)


def _first_formula(rest: str) -> str:
    """Return the first formula of a sentence, with those that are joined to it by commas or "and"."""
    spans = list(_SPAN.finditer(rest))
    if spans:
        return _joined(rest, spans, last=False)
    sentence = _SENTENCE_END.sub("", rest).strip().rstrip(".*_")
    return sentence if is_formula(sentence) else (last_numeral(sentence) or sentence)


def _joined(text: str, spans: list[re.Match[str]], *, last: bool) -> str:
    """Return the first, or the last, run of formulas that only commas, "and" and "or" stand between."""
    runs = [[spans[0]]]
    for span in spans[1:]:
        if _JOINING.fullmatch(text[runs[-1][-1].end() : span.start()]):
            runs[-1].append(span)
        else:
            runs.append([span])
    return ", ".join(next(filter(None, span.groups()), "").strip() for span in runs[-1 if last else 0])


_SYMBOLS = {
    "−": "-", "×": r"\times ", "·": r"\cdot ", "÷": "/", "π": r"\pi ", "∞": r"\infty ", "∪": r"\cup ",
    "∩": r"\cap ", "≤": r"\le ", "≥": r"\ge ", "±": r"\pm ", "°": r"^\circ ", "∅": r"\emptyset ",
    "∈": r"\in ", "ℝ": r"\mathbb{R}", "²": "^2", "³": "^3", "θ": r"\theta ",
}  # fmt: skip
_SYMBOL = re.compile("|".join(_SYMBOLS))
_NAMES = re.compile(
    r"(?<![\\a-zA-Z])(pi|sin|cos|tan|cot|sec|csc|log|ln|exp|arcsin|arccos|arctan|theta|alpha|beta|gamma|lambda|sigma)"
    r"(?![a-zA-Z])"
)
_INFINITY = re.compile(r"(?<![\\a-zA-Z])(?:infinity|infty|inf|oo)(?![a-zA-Z])", re.IGNORECASE)
_ROOT = re.compile(r"(?<![\\a-zA-Z])(?:sqrt|√)\s*(?:\(([^()]*)\)|([0-9]+|[a-z](?![a-z])))")
_EXPONENT = re.compile(r"\^\(([^()]*)\)")
_UNIT = re.compile(
    r"(?:\\[,;! ]|~|\s)*(?:\\(?:text|mathrm|mbox|textrm)\s?\{\s*[^{}]*\}|degrees?\b|\^\s?\{?\\circ\}?)"
    r"(?:\s?\^\s?\{?[23]\}?)?\s*$"
)
_JOINED_WORD = re.compile(r"\\(?:text|mbox|textrm)\s?\{\s*(?:and|or)\s*\}|(?<=\s)(?:and|or)(?=\s)")
_DEGREES = re.compile(r"(\\(?:sin|cos|tan|cot|sec|csc)\s*\(?\{?\s*)([0-9.]+)\s*\^\s?\{?\\circ\s*\}?")
_PLAIN_UNIT = re.compile(
    r"(?<=[0-9])\s+(?:[kcm]?m|[km]?g|[mk]?[lL]|s|h|min|ft|in|mph|km/h|m/s|square [a-z]+|cubic [a-z]+)"
    r"(?:\s?\^\s?[23])?\s*$"
)
_SPACED = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?: [0-9]{3})+(?![0-9])")
_REPEATING = re.compile(r"([0-9]*)\.([0-9]*)\\overline\s?\{([0-9]+)\}")
_NATURAL = re.compile(r"\\log_\{?e\}?(?![a-z])")
_TIMES_I = re.compile(r"\s*\\cdot\s*i(?![a-z])")
_TIMES = re.compile(r"(?<=[\w)}])\s*\*\s*(?=[\w(\\])")
_DROPPED = re.compile(r"\\(?:left|right|displaystyle|limits|!|,|;|:)(?![a-zA-Z])|~")


def as_latex(answer: str) -> str:
    r"""Return an answer as LaTeX: symbols and names of plain writing replaced, units at the end left out.

    What the parser would read otherwise than it is meant is rewritten: degrees inside a sine, repeating
    decimals, "and" between two solutions.

    >>> as_latex("sqrt(2)/2 ≤ x")
    '\\sqrt{2}/2 \\le  x'
    """
    text = answer.strip().strip("$").rstrip(".").strip()
    text = _SPACED.sub(lambda match: match[0].replace(" ", ""), _PLAIN_UNIT.sub("", text))
    text = _REPEATING.sub(_fraction, text)
    text = _SYMBOL.sub(lambda match: _SYMBOLS[match[0]], _DROPPED.sub("", text))
    text = _ROOT.sub(lambda match: rf"\sqrt{{{match[1] or match[2]}}}", text)
    text = _EXPONENT.sub(r"^{\1}", text.replace("**", "^"))
    text = _INFINITY.sub(r"\\infty ", _NAMES.sub(r"\\\1 ", _JOINED_WORD.sub(", ", text)))
    text = _DEGREES.sub(r"\1\\frac{\2\\pi}{180}", text.replace(r"\varnothing", r"\emptyset"))
    text = _TIMES_I.sub("i", _NATURAL.sub(r"\\ln ", text))
    text = _TIMES.sub(r" \\cdot ", text)
    return _UNIT.sub("", text) or text


def _fraction(repeating: re.Match[str]) -> str:
    """Return a repeating decimal as the fraction that it is."""
    whole, fixed, period = repeating.groups()
    over = int(f"{whole}{fixed}{period}") - int(f"{whole}{fixed}" or "0")
    return rf"\frac{{{over}}}{{{10 ** len(fixed) * (10 ** len(period) - 1)}}}"
