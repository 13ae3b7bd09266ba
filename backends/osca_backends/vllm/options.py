"""What the ``engine:`` of a spec means: to vLLM, and to the identity of samples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osca_cli.model import Json, Request

# Options that change what is drawn. The schema of specs says the same of each; a test compares.
OF_IDENTITY = frozenset(
    {"dtype", "extra", "hf_overrides", "kv_cache_dtype", "lora", "quantization", "revision", "tokenizer"}
    | {"tokenizer_revision"}
)
# Part of it where it is not exact.
SPECULATIVE = "speculative_config"
# What is known to leave the distribution as it is: proposals are verified, whoever makes them.
_EXACT = frozenset(
    {"disable_padded_drafter_batch", "draft_tensor_parallel_size", "enforce_eager", "max_model_len", "method"}
    | {"model", "num_speculative_tokens", "parallel_drafting", "prompt_lookup_max", "prompt_lookup_min"}
    | {"quantization", "rejection_sample_method", "revision", "suffix_decoding_max_cached_requests"}
    | {"suffix_decoding_max_spec_factor", "suffix_decoding_max_tree_depth", "suffix_decoding_min_token_prob"}
)
_EXACT_VERIFICATION = frozenset({"standard", "strict", "block"})

# With these, temperature 1 samples the model's own distribution, whatever its generation_config.json says.
DEFAULTS: Mapping[str, Json] = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "max_tokens": 512}
NEUTRAL: Mapping[str, Json] = {"frequency_penalty": 0.0, "presence_penalty": 0.0, "repetition_penalty": 1.0}

ADAPTER = "adapter"
"""What the LoRA adapter is called within vLLM."""


def of_identity(options: Mapping[str, Json]) -> dict[str, Json]:
    """Return the engine options that change the distribution of samples."""
    kept = {key: value for key, value in options.items() if key in OF_IDENTITY and value != "auto"}
    if SPECULATIVE in options and not is_exact(options[SPECULATIVE]):
        kept[SPECULATIVE] = options[SPECULATIVE]
    return kept


def is_exact(speculative: Any) -> bool:
    """Tell whether speculative decoding is known to leave the distribution as it is."""
    verification = speculative.get("rejection_sample_method", "standard")
    return speculative.keys() <= _EXACT and verification in _EXACT_VERIFICATION


def identity(model: str, options: Mapping[str, Json], hashed: Callable[[str], str]) -> str:
    """Return what identity hashes for a model as these options load it.

    Args:
        model: Its name, or its folder.
        options: The spec's ``engine:``.
        hashed: Gives the identity of a model, a tokenizer or an adapter that may be a folder.
    """
    kept = of_identity(options)
    for key in ("lora", "tokenizer"):
        if key in kept:
            kept[key] = hashed(str(kept[key]))
    return f"{hashed(model)} {json.dumps(kept, sort_keys=True)}" if kept else hashed(model)


def arguments(model: str, options: Mapping[str, Json]) -> dict[str, Any]:
    """Return the arguments of vLLM's engine.

    Args:
        model: The model's name or folder, as vLLM is to find it.
        options: The spec's ``engine:``.
    """
    given = dict(options)
    extra: Any = given.pop("extra", {})
    lora = {"enable_lora": True} if given.pop("lora", None) is not None else {}
    return {**given, **lora, **extra, "model": model}


def server_arguments(engine: Mapping[str, Any], *, name: str, lora: str | None, port: int) -> list[str]:
    """Return the command line of vLLM's server for these arguments of its engine."""
    line = [f"--served-model-name={name}", "--host=127.0.0.1", f"--port={port}"]
    if lora is not None:
        line += ["--lora-modules", f"{ADAPTER}={lora}"]
    return line + [_flag(key.replace("_", "-"), value) for key, value in engine.items()]


def _flag(name: str, value: Json) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name}={value if isinstance(value, str) else json.dumps(value)}"


def sampling(request: Request, seed: int) -> dict[str, Json]:
    """Return the sampling parameters of one sample, every sampler named."""
    return {**NEUTRAL, **request.parameters, **request.extra, "seed": seed}
