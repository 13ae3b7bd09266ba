"""Asks a backend, which may be anybody's, and holds it to what a backend promises."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from osca_cli.errors import BrokenBackendError, OscaError
from osca_cli.model import Request, Sample
from osca_cli.spec.types import BackendSettings


async def ask(
    backend: Any,
    entry: BackendSettings,
    model: str,
    request: Request,
    seeds: Sequence[int],
    indices: Sequence[int],
) -> Sequence[Sample]:
    """Return the samples of one request: one for each of the first seeds, and at least one.

    Raises:
        BackendError: what the backend raised.
        BrokenBackendError: it raised what is no error of osca's, or returned what are no samples.
    """
    try:
        more = {} if request.problem is None else {"indices": indices}
        samples: Sequence[Sample] = await backend.draw(model, request, seeds, **more)
        fault = _fault(samples, len(seeds))
    except OscaError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of one backend must not cost the samples of others
        fault = f"raised {type(error).__name__}: {error}"
    if fault:
        raise BrokenBackendError(f"backend '{entry.name}' (type {entry.type}) {_without_key(fault, entry)}")
    return samples


def _fault(samples: Sequence[Sample], asked: int) -> str:
    """Return what is wrong with what a backend returned, or nothing."""
    if not 1 <= len(samples) <= asked:
        return f"returned {len(samples)} samples where {asked} {'was' if asked == 1 else 'were'} asked for"
    for sample in samples:
        counts = (sample.input_tokens, sample.output_tokens, sample.cached_tokens, sample.reasoning_tokens)
        texts: tuple[object, ...] = (sample.text, sample.finish_reason)
        if not all(isinstance(text, str) for text in texts):
            return "returned a sample whose text or finish_reason is no text"
        if not all(count is None or isinstance(count, int) for count in counts):
            return "returned a sample whose tokens are no whole numbers"
    return ""


def _without_key(text: str, entry: BackendSettings) -> str:
    """Return an error of somebody else's code without the key, which it may repeat."""
    key = os.environ.get(str(entry.settings.get("api_key_env", "")))
    return text.replace(key, "[key]") if key else text
