"""The identity of a sample: what makes two draws the same draw, so that none is ever paid for twice.

A request's hash covers everything that fixes the distribution of its samples; a sample's key is the same with
its index. What is in it and what is not: docs/decisions/002-identity-of-a-sample.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping

from osca_cli.model import Chat, Json, Prompt, Request

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
    return text_digest(canonical_json(value))


def text_digest(canonical: str) -> str:
    """Return the SHA-256 of a text that is canonical JSON already, in hexadecimal."""
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


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
    identity: dict[str, Json] = {
        "key": KEY_VERSION,
        "provider": request.provider,
        "model": request.model,
        "revision": request.revision,
        "prompt": prompt_identity(request.prompt),
        "parameters": request.parameters,
        "extra": request.extra,
    }
    if request.problem is not None:
        identity |= {"problem": request.problem, "vars": request.variables}
    return identity


def around_prompt(request: Request) -> tuple[str, str]:
    """Return a request's identity in canonical JSON, as what stands before and after problem and prompt.

    The requests of one configuration differ in these alone: so the rest is spelled once.
    """
    identity = request_identity(request)
    before = canonical_json({key: value for key, value in identity.items() if key < "problem"})
    after = canonical_json({key: value for key, value in identity.items() if key > "prompt"})
    return before[:-1], f",{after[1:]}"


def between(problem: str | None, prompt: str) -> str:
    """Return what stands between the two parts of :func:`around_prompt`.

    Args:
        problem: The problem in canonical JSON, where the request holds it.
        prompt: The prompt's identity in canonical JSON.
    """
    given = "" if problem is None else f',"problem":{problem}'
    return f'{given},"prompt":{prompt}'


def prompt_identity(prompt: Prompt) -> dict[str, Json]:
    """Return the part of a request's identity that its prompt is."""
    if isinstance(prompt, Chat):
        return {"messages": [{"role": role, "content": content} for role, content in prompt.messages]}
    return {"completion": prompt.text}


def _plain(value: Json) -> Json:
    """Replace whole floats by integers, and mappings and sequences by dicts and lists."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value]
