"""Outcomes files: read and written in any of four formats, told apart by suffix and content.

=============  ========================================================================
format         what it is
=============  ========================================================================
outcomes       osca's JSON: names, ids and matrices (the only one that holds everything)
osca-release   the JSON of the OSCA paper's release
csv            one row per cell: ``problem, configuration, n, correct`` and more columns
parquet        the same as a Parquet table; needs ``osca[parquet]``
=============  ========================================================================
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from osca_cli.errors import OutcomesError
from osca_cli.outcomes import documents, release, tables
from osca_cli.outcomes.types import Outcomes

Format: TypeAlias = Literal["outcomes", "osca-release", "csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)


def read_outcomes(path: Path) -> Outcomes:
    """Read an outcomes file of any format.

    Raises:
        OutcomesError: the file cannot be read or contradicts itself; the message names file and cell.
    """
    try:
        outcomes = _read(path)
    except OutcomesError as error:
        raise OutcomesError(f"{path}: {error}") from error.__cause__
    except OSError as error:
        raise OutcomesError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not outcomes.n.any():
        raise OutcomesError(f"{path}: holds no sample of any configuration")
    return outcomes


def _read(path: Path) -> Outcomes:
    match path.suffix.lower():
        case ".csv":
            return tables.from_rows(tables.read_csv(path))
        case ".parquet":
            return tables.from_rows(tables.read_parquet(path))
        case _:
            return documents.from_document(_load(path))


def write_outcomes(outcomes: Outcomes, path: Path, format: Format) -> None:  # noqa: A002
    """Write outcomes; equal outcomes give equal bytes.

    ``osca-release`` and the tables hold no tags, and ``osca-release`` neither costs nor caps.

    Raises:
        OutcomesError: the format cannot hold these counts, or the file cannot be written.
    """
    try:
        match format:
            case "outcomes":
                path.write_text(_dump(documents.to_document(outcomes, path.stem)), encoding="utf-8")
            case "osca-release":
                path.write_text(_dump(release.to_release(outcomes)), encoding="utf-8")
            case "csv":
                tables.write_csv(outcomes, path)
            case "parquet":
                tables.write_parquet(outcomes, path)
    except OSError as error:
        raise OutcomesError(f"{path}: cannot be written: {error.strerror or error}") from error


def _load(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise OutcomesError(f"is not UTF-8 text (byte {error.start})") from error
    except RecursionError as error:
        raise OutcomesError("is nested too deeply to be an outcomes file") from error
    except ValueError as error:
        raise OutcomesError(f"is not JSON: {error}") from error


def _dump(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
