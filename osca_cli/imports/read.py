"""Reads what another tool has sampled, whatever its format: told apart by suffix and content.

=========  =====================================================================
format     what it is
=========  =====================================================================
inspect    a log of Inspect AI, ``.eval`` or ``.json``; needs ``osca[inspect]``
lm_eval    samples of lm-evaluation-harness (``--log_samples``)
promptfoo  results of promptfoo (``-o results.json``)
evalplus   results of EvalPlus or BigCodeBench (``…eval_results.json``)
jsonl      one JSON object a sample, as ``osca export`` writes them
=========  =====================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from osca_cli.errors import LogError
from osca_cli.imports import evalplus, inspect_log, lm_eval, promptfoo, samples
from osca_cli.imports.rows import Row, mapping

Format: TypeAlias = Literal["inspect", "lm_eval", "promptfoo", "evalplus", "jsonl"]
_HEAD = 1 << 16
FORMATS: tuple[Format, ...] = get_args(Format)


def read_log(path: Path, form: Format | None = None, scorer: str | None = None) -> Iterator[Row]:
    """Yield the samples of a log, lazily where its format allows.

    Args:
        path: The log.
        form: Its format; found out where not given.
        scorer: Whose verdicts count, where the log has those of several.

    Raises:
        LogError: it cannot be read; the message names the file.
    """
    try:
        yield from _read(path, form, scorer)
    except LogError as error:
        raise LogError(f"{path}: {error}") from error.__cause__
    except OSError as error:
        raise LogError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise LogError(f"{path}: is no such log: {type(error).__name__}: {error}") from error


def log_format(path: Path) -> Format | None:
    """Return the format of a file's content, or ``None`` where it is no log: outcomes, perhaps."""
    if path.suffix.lower() == ".eval":
        return "inspect"
    if path.suffix.lower() == ".jsonl":
        first = next(iter(_lines(path)), {})
        return "lm_eval" if "doc_id" in first and "resps" in first else "jsonl"
    if path.suffix.lower() != ".json":
        return None
    with path.open("rb") as file:
        if b'"settings"' in file.read(_HEAD):  # outcomes, which may be large: they are read once
            return None
    return _document_format(_load(path))


def _read(path: Path, form: Format | None, scorer: str | None) -> Iterator[Row]:
    form = form or log_format(path)
    match form:
        case "inspect":
            yield from inspect_log.read(path, scorer)
        case "promptfoo":
            yield from promptfoo.read(_load(path), _content(path))
        case "evalplus":
            yield from evalplus.read(_load(path), _content(path), scorer)
        case "lm_eval":
            yield from lm_eval.read(path, _lines(path), _content(path), scorer)
        case "jsonl":
            yield from samples.read(_lines(path))
        case None:
            raise LogError(f"is no log that osca knows; say its format with --format ({', '.join(FORMATS)})")


def _document_format(document: Mapping[str, Any]) -> Format | None:
    if isinstance(mapping(document.get("results")).get("results"), list):
        return "promptfoo"
    held = mapping(document.get("eval"))
    if {"task", "model"} <= held.keys() and "status" in document:
        return "inspect"
    return "evalplus" if held and all(isinstance(samples, list) for samples in held.values()) else None


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LogError(f"is not JSON: {error}") from error
    return mapping(document)


def _lines(path: Path) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise LogError(f"line {number}: is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise LogError(f"line {number}: is no JSON object")
        rows.append(row)
    return rows
