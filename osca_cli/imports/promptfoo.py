"""Reads the results that promptfoo writes with ``-o results.json``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from osca_cli.errors import LogError
from osca_cli.imports.rows import Row, amount, count, mapping, name_of, text_of
from osca_cli.model import Json, Sample, Verdict

_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "stop": "stop",
    "reasoning_effort": "reasoning_effort",
}
_ERROR = 2  # promptfoo's failureReason: 0 none, 1 an assertion, 2 an error


def read(document: Mapping[str, Any], log: str) -> Iterator[Row]:
    """Yield the samples of a result file.

    Args:
        document: The file's JSON.
        log: What tells it from other files.

    Raises:
        LogError: it holds no results.
    """
    results = mapping(document.get("results")).get("results")
    if not isinstance(results, list):
        raise LogError("holds no results: results.results is no list")
    several = len({mapping(result.get("prompt")).get("label") for result in results}) > 1
    configs = _configs(document)
    seen: Counter[str] = Counter()
    for result in results:
        place = _place(result)
        key = {"format": "promptfoo", "log": str(document.get("evalId") or log), "sample": place}
        row = _row(result, {**key, "epoch": seen[place]}, configs)
        prompt = mapping(result.get("prompt")).get("label")
        yield replace(row, configuration=f"{name_of(row)}/{prompt}") if several else row
        seen[place] += 1


def _place(result: Mapping[str, Any]) -> str:
    """Return what two repeats of one test with one prompt and provider have in common."""
    return json.dumps(
        [_variables(result), mapping(result.get("provider")), mapping(result.get("prompt")).get("label")],
        sort_keys=True,
        default=str,
    )


def _variables(result: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(result.get("vars")) or mapping(mapping(result.get("testCase")).get("vars"))


def _row(
    result: Mapping[str, Any], key: Mapping[str, Json], configs: Mapping[str, Mapping[str, Any] | None]
) -> Row:
    provider, variables = mapping(result.get("provider")), _variables(result)
    label = provider.get("label") or None
    config = configs.get(str(label or provider.get("id")))
    error = _error(result)
    return Row(
        key=key,
        problem=str(
            variables.get("id") or mapping(result.get("testCase")).get("description") or _words(variables)
        ),
        fields=variables,
        configuration=label,
        model=str(provider.get("id") or "unknown").rsplit(":", 1)[-1],
        parameters=None if config is None else _parameters(config),
        sample=_sample(result) if error is None else None,
        scorer="promptfoo",
        verdict=_verdict(result) if error is None else None,
        error=error,
    )


def _words(variables: Mapping[str, Any]) -> str:
    return next(iter(variables.values())) if len(variables) == 1 else json.dumps(variables, sort_keys=True)


def _error(result: Mapping[str, Any]) -> str | None:
    if result.get("failureReason") == _ERROR or mapping(result.get("response")).get("error"):
        return str(result.get("error") or mapping(result.get("response")).get("error") or "an error")[:500]
    return None if isinstance(result.get("success"), bool) else "it says neither success nor failure"


def _verdict(result: Mapping[str, Any]) -> Verdict:
    grading = mapping(result.get("gradingResult"))
    return Verdict(
        passed=bool(result["success"]),
        score=amount(result.get("score")),
        reason=str(grading.get("reason") or "")[:500],
    )


def _sample(result: Mapping[str, Any]) -> Sample:
    response = mapping(result.get("response"))
    usage = mapping(response.get("tokenUsage")) or mapping(result.get("tokenUsage"))
    cost = response.get("cost") if response.get("cost") is not None else result.get("cost")
    latency = amount(result.get("latencyMs"))
    return Sample(
        text=text_of(response.get("output", "")),
        finish_reason=str(response.get("finishReason") or "unknown"),
        input_tokens=count(usage.get("prompt")),
        output_tokens=count(usage.get("completion")),
        cached_tokens=count(usage.get("cached")),
        seconds=None if latency is None else latency / 1000,
        usd=amount(cost) or None,
    )


def _configs(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any] | None]:
    """Return the settings of each provider, by its label, else its id; ``None`` where two have one name."""
    providers = mapping(document.get("config")).get("providers")
    found: dict[str, Mapping[str, Any] | None] = {}
    for one in providers if isinstance(providers, list) else ():
        if isinstance(one, Mapping):
            name = str(one.get("label") or one.get("id"))
            found[name] = None if name in found else mapping(one.get("config"))
    return found


def _parameters(config: Mapping[str, Any]) -> dict[str, Json]:
    return {ours: config[theirs] for theirs, ours in _PARAMETERS.items() if config.get(theirs) is not None}
