"""Asks a backend, which may be anybody's, and holds it to what a backend promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osca_cli.model import Request, Sample
from osca_cli.spec.blame import blaming, broken
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
    with blaming(entry):
        more = {} if request.problem is None else {"indices": indices}
        samples: Sequence[Sample] = await backend.draw(model, request, seeds, **more)
        if fault := _fault(samples, len(seeds)):
            raise broken(entry, fault)
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
