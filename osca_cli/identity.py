"""The identity of a sample: what makes two draws the same draw, so that none is ever paid for twice.

A request's hash covers everything that fixes the distribution of its samples; a sample's key is the same with
its index. What is in it and what is not: docs/decisions/002-identity-of-a-sample.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence

from osca_cli.model import Chat, Json, Request

KEY_VERSION = 1


def canonical_json(value: Json) -> str:
    r"""Return the one spelling of a JSON value that hashes are made of.

    Keys are sorted, nothing is padded, and a number has one spelling: ``1.0`` is written ``1``.

    Raises:
        ValueError: for a number that JSON cannot write (NaN, infinity).

    >>> canonical_json({"b": 0.50, "a": [1.0, "é"]})
    '{"a":[1,"é"],"b":0.5}'
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Json) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def request_hash(request: Request) -> str:
    """Return the identity that all samples of one request share."""
    return digest(request_identity(request))


def sample_key(request: Request, index: int) -> str:
    """Return the identity of the sample with this index of a request."""
    return digest({**request_identity(request), "index": index})


def draw_seed(run_seed: int, key: str) -> int:
    """Return the seed of a draw, 31 bits, from the run's seed and the sample's key.

    It is no part of the identity: under another seed a sample that is there is not drawn again.
    """
    return int.from_bytes(hashlib.sha256(f"{run_seed}:{key}".encode()).digest()[:4]) & 0x7FFFFFFF


def request_identity(request: Request) -> dict[str, Json]:
    """Return what the identity of a request's samples is made of, the index apart."""
    prompt = request.prompt
    sent: dict[str, Json] = (
        {"messages": [{"role": role, "content": content} for role, content in prompt.messages]}
        if isinstance(prompt, Chat)
        else {"completion": prompt.text}
    )
    return {
        "key": KEY_VERSION,
        "provider": request.provider,
        "model": request.model,
        "revision": request.revision,
        "prompt": sent,
        "parameters": request.parameters,
        "extra": request.extra,
    }


def _plain(value: Json) -> Json:
    """Replace whole floats by integers, and mappings and sequences by dicts and lists."""
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
