"""Reads the samples that lm-evaluation-harness writes with ``--log_samples``: ``samples_TASK_DATE.jsonl``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from osca_cli.errors import LogError
from osca_cli.imports.rows import Row, mapping, text_of, verdict_of
from osca_cli.model import Sample


def read(path: Path, lines: Sequence[Mapping[str, Any]], log: str, scorer: str | None) -> Iterator[Row]:
    """Yield the samples of a file.

    Args:
        path: The file; the results that lie beside it name the model.
        lines: Its lines.
        log: What tells it from other files.
        scorer: A metric, or ``metric,filter`` where answers were filtered in several ways.

    Raises:
        LogError: the metric or the filter is not said.
    """
    metric, chosen = _scorer(lines, scorer)
    model = _model(path)
    for line in lines:
        if (line.get("filter") or "none") == chosen:
            yield _row(line, log, metric, chosen, model)


def _row(line: Mapping[str, Any], log: str, metric: str, chosen: str, model: str | None) -> Row:
    filtered = line.get("filtered_resps") or [None]
    responses = line.get("resps") or [[None]]
    written = responses[0] if isinstance(responses[0], list) else responses
    text = written[0] if len(responses) == 1 and len(written) == 1 and isinstance(written[0], str) else None
    answer = None if filtered[0] is None else text_of(filtered[0])
    verdict = verdict_of(line.get(metric), answer=answer)
    error = (
        None if verdict is not None else f"its {metric} is neither pass nor fail: {line.get(metric)!r:.80}"
    )
    if len(written) > 1 and len(responses) == 1 and text is None:
        error = f"its one {metric} is of {len(written)} responses together"
    return Row(
        key={"format": "lm_eval", "log": log, "sample": line["doc_id"], "epoch": 0},
        problem=str(line["doc_id"]),
        fields=mapping(line.get("doc")),
        model=model,
        sample=None if error else Sample(text or "", "unknown"),
        has_text=text is not None,
        scorer=f"{metric},{chosen}",
        verdict=None if error else verdict,
        error=error,
    )


def _scorer(lines: Sequence[Mapping[str, Any]], scorer: str | None) -> tuple[str, str]:
    metrics = list(dict.fromkeys(name for line in lines for name in line.get("metrics") or ()))
    filters = list(dict.fromkeys(line.get("filter") or "none" for line in lines))
    known = [f"{metric},{chosen}" for metric in metrics for chosen in filters]
    fitting = [one for one in known if scorer is None or scorer in {one, one.split(",")[0]}]
    if len(fitting) == 1:
        metric, _, chosen = fitting[0].partition(",")
        return metric, chosen
    what = f"has no metric '{scorer}'" if not fitting else "has several scores: say which with --scorer"
    raise LogError(f"{what} ({', '.join(known) or 'it names no metric'})")


def _model(path: Path) -> str | None:
    """Return the model that the results beside the samples name."""
    match = re.fullmatch(r"samples_.*_(\d{4}-\d\d-\d\dT[\d.\-]+)\.jsonl", path.name)
    results = None if match is None else path.with_name(f"results_{match[1]}.json")
    if results is None or not results.is_file():
        return None
    try:
        config = mapping(mapping(json.loads(results.read_text(encoding="utf-8"))).get("config"))
    except ValueError:
        return None
    written = config.get("model_args")
    if isinstance(written, str):
        written = dict(part.partition("=")[::2] for part in written.split(","))
    name = mapping(written).get("model") or mapping(written).get("pretrained")
    return None if name is None else str(name)
