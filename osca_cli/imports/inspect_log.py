"""Reads the logs of Inspect AI (``.eval`` and ``.json``) by its own reading functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osca_cli.errors import LogError
from osca_cli.imports.rows import Row, amount, count, verdict_of
from osca_cli.model import Json, Sample

_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "stop_seqs": "stop",
    "reasoning_effort": "reasoning_effort",
    "reasoning_tokens": "thinking_tokens",
}
# Large, and nothing of a sample.
_LEFT_OUT = {"events", "store", "attachments", "timelines", "events_data"}


def read(path: Path, scorer: str | None) -> Iterator[Row]:
    """Yield the samples of a log.

    Args:
        path: The log.
        scorer: Whose scores count, where the log has several.

    Raises:
        LogError: not a log, Inspect is not installed, or the scorer is not said.
    """
    api = _api()
    try:
        header = api.read_eval_log(str(path), header_only=True)
        for sample in _samples(api, header, path):
            yield _row(header, sample, scorer)
    except LogError:
        raise
    except Exception as error:  # whatever Inspect raises of a file that it cannot read
        raise LogError(f"is no log that Inspect AI can read: {error}") from error


def _samples(api: Any, header: Any, path: Path) -> Iterator[Any]:
    if header.eval.dataset.sample_ids is None:  # then they can only be read together
        yield from api.read_eval_log(str(path)).samples or ()
    else:
        yield from api.read_eval_log_samples(str(path), all_samples_required=False, exclude_fields=_LEFT_OUT)


def _api() -> Any:
    try:
        from inspect_ai import log
    except ImportError as error:
        raise LogError(f"needs Inspect AI to be read ({error}): pip install 'osca[inspect]'") from error
    return log


def _row(header: Any, sample: Any, scorer: str | None) -> Row:
    name, score = _score(sample, scorer)
    verdict = None
    if score is not None:
        verdict = verdict_of(score.value, answer=score.answer, reason=score.explanation or "")
    error = None if sample.error is None else str(sample.error.message)
    if error is None and verdict is None:
        error = (
            "it has no score" if score is None else f"its score is neither pass nor fail: {score.value!r:.80}"
        )
    return Row(
        key={
            "format": "inspect",
            "log": header.eval.eval_id or header.eval.run_id,
            "sample": sample.id,
            "epoch": sample.epoch,
        },
        problem=str(sample.id),
        fields=sample.metadata or {},
        model=header.eval.model.split("/", 1)[-1],
        parameters=_parameters(header),
        sample=None if error is not None and verdict is None else _sample(sample),
        scorer=name,
        verdict=verdict if error is None else None,
        error=error,
    )


def _score(sample: Any, scorer: str | None) -> tuple[str, Any]:
    scores = sample.scores or {}
    if scorer is None and len(scores) > 1:
        raise LogError(f"has several scorers: say which with --scorer ({', '.join(scores)})")
    if scorer is not None and scores and scorer not in scores:
        raise LogError(f"has no scorer '{scorer}' (there are: {', '.join(scores)})")
    name = scorer or next(iter(scores), "none")
    return name, scores.get(name)


def _parameters(header: Any) -> dict[str, Json]:
    written = [header.eval.model_generate_config, header.plan.config]
    found: dict[str, Json] = {}
    for config in written:
        for theirs, ours in _PARAMETERS.items():
            if (value := getattr(config, theirs, None)) is not None:
                found[ours] = value
    return found


def _sample(sample: Any) -> Sample:
    usages = list((sample.model_usage or {}).values()) or [u for u in [sample.output.usage] if u is not None]

    def total(name: str) -> int | None:
        known = [value for usage in usages if (value := count(getattr(usage, name, None))) is not None]
        return sum(known) if known else None

    cached, given = total("input_tokens_cache_read"), total("input_tokens")
    costs = [cost for usage in usages if (cost := amount(getattr(usage, "total_cost", None))) is not None]
    return Sample(
        text=sample.output.completion or "",
        finish_reason=str(sample.output.stop_reason) if sample.output.choices else "none",
        input_tokens=given,
        output_tokens=total("output_tokens"),
        cached_tokens=cached,
        reasoning_tokens=total("reasoning_tokens"),
        seconds=amount(sample.working_time if sample.working_time is not None else sample.total_time),
        usd=sum(costs) if costs else None,
        model=sample.output.model or None,
    )
