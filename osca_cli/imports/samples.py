"""Reads plain JSON lines, one a sample: what ``osca export`` writes, and what is easily written by others.

Needed: ``problem`` and ``passed`` (true, false, or null for an error). Optional: ``configuration``,
``model``, ``text``, ``answer``, ``score``, ``reason``, ``finish_reason``, tokens, ``usd``, ``seconds``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from osca_cli.errors import LogError
from osca_cli.identity import digest
from osca_cli.imports.rows import Row, amount, count, text_of
from osca_cli.model import Sample, Verdict


def read(lines: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the samples of a file.

    Raises:
        LogError: a line lacks what is needed.
    """
    seen: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        if line.get("problem") in {None, ""} or not isinstance(line.get("passed", ""), bool | None):
            raise LogError(f'line {number}: must be as in {{"problem": "p1", "passed": true}}')
        content = digest(line)
        yield _row(line, content, seen[content])
        seen[content] += 1


def _row(line: Mapping[str, Any], content: str, epoch: int) -> Row:
    failed = line["passed"] is None
    return Row(
        key={"format": "jsonl", "log": None, "sample": content, "epoch": epoch},
        problem=str(line["problem"]),
        fields=line,
        configuration=_word(line, "configuration"),
        model=_word(line, "model"),
        sample=None if failed else _sample(line),
        has_text=isinstance(line.get("text"), str),
        scorer=_word(line, "scorer") or "jsonl",
        verdict=None if failed else _verdict(line),
        error=(_word(line, "reason") or "it has no verdict") if failed else None,
    )


def _word(line: Mapping[str, Any], key: str) -> str | None:
    return None if line.get(key) is None else text_of(line[key])


def _sample(line: Mapping[str, Any]) -> Sample:
    return Sample(
        text=line["text"] if isinstance(line.get("text"), str) else "",
        finish_reason=_word(line, "finish_reason") or "unknown",
        input_tokens=count(line.get("input_tokens")),
        output_tokens=count(line.get("output_tokens")),
        seconds=amount(line.get("seconds")),
        usd=amount(line.get("usd")),
    )


def _verdict(line: Mapping[str, Any]) -> Verdict:
    return Verdict(
        line["passed"], _word(line, "answer"), amount(line.get("score")), _word(line, "reason") or ""
    )
