"""Log-probabilities of tokens in OpenAI's protocol, which llama.cpp and vLLM speak too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from osca_cli.model import Json, TokenLogprob

LEAST = -9999.0  # as OpenAI writes minus infinity, which JSON cannot


def asking(alternatives: int | None, *, chat: bool) -> dict[str, Json]:
    """Return what a request says so that its answer has log-probabilities.

    Args:
        alternatives: How many of the most probable tokens are told at each place; ``None`` asks for nothing.
        chat: Whether it is a chat; completions say it otherwise.
    """
    if alternatives is None:
        return {}
    if not chat:
        return {"logprobs": alternatives}
    return {"logprobs": True, **({"top_logprobs": alternatives} if alternatives else {})}


def logprobs_of(choice: Mapping[str, Any]) -> tuple[TokenLogprob, ...] | None:
    """Return the log-probabilities of a choice or of a part of one; ``None`` where it has none.

    What a server writes otherwise than it should is no reason to lose a sample: it has none then.
    """
    told = choice.get("logprobs")
    try:
        if isinstance(told, Mapping) and isinstance(told.get("content"), list):
            return tuple(_of_chat(told["content"]))
        if isinstance(told, Mapping) and isinstance(told.get("tokens"), list):
            return tuple(_of_completion(told))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return None


def _of_chat(content: list[Any]) -> Iterator[TokenLogprob]:
    for token in content:
        top = tuple((str(one["token"]), _number(one["logprob"])) for one in token.get("top_logprobs") or ())
        yield TokenLogprob(str(token["token"]), _number(token["logprob"]), top)


def _of_completion(told: Mapping[str, Any]) -> Iterator[TokenLogprob]:
    tops = told.get("top_logprobs") or [None] * len(told["tokens"])
    for token, logprob, top in zip(told["tokens"], told["token_logprobs"], tops, strict=True):
        alternatives = tuple((str(name), _number(value)) for name, value in (top or {}).items())
        yield TokenLogprob(str(token), _number(logprob), alternatives)


def _number(value: Any) -> float:
    number = float(value)
    return round(max(LEAST, number), 4) if not math.isnan(number) else LEAST
