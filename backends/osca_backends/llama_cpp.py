"""GGUF models in this process, on the CPU: the backend that needs no server, no key and no GPU.

What is sent to the sampler and why: docs/decisions/020-llama-cpp-backend.md.
"""

from __future__ import annotations

import difflib
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar, Literal

import anyio

from osca_backends.gguf import NotGGUFError, metadata_keys
from osca_backends.llama_engine import Engine, EngineSettings, available_cpus, xllamacpp
from osca_backends.logprobs import asking
from osca_backends.models import KNOWN_MODELS, obtain
from osca_backends.remembered import remembered_sha256
from osca_cli.errors import RejectedError, UnavailableError
from osca_cli.model import Chat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from osca_cli.model import Json, Request, Sample
    from osca_cli.protocols import Site

# With these, temperature 1 samples the model's own distribution; llama.cpp's defaults would cut its tail.
DEFAULTS: Mapping[str, Json] = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "max_tokens": 512}

# Every other sampler of llama.cpp, switched off by name: its defaults change, and a GGUF may bring its own.
NEUTRAL: Mapping[str, Json] = {
    "adaptive_target": -1.0,
    "dry_multiplier": 0.0,
    "dynatemp_range": 0.0,
    "frequency_penalty": 0.0,
    "mirostat": 0,
    "presence_penalty": 0.0,
    "repeat_penalty": 1.0,
    "top_n_sigma": -1.0,
    "typical_p": 1.0,
    "xtc_probability": 0.0,
}

# What osca itself fills in; from `extra` they would break the seed of a sample or the reading of its answer.
RESERVED = frozenset(
    {"logprobs", "messages", "n", "prompt", "seed", "stream", "stream_options", "top_logprobs"}
)


class LlamaCpp:
    """The ``llama_cpp`` backend. Settings: ``threads``, ``slots`` and ``context`` (tokens of a slot)."""

    parameters: ClassVar[frozenset[str]] = frozenset({*DEFAULTS, "stop", "logprobs"})
    prompts: ClassVar[frozenset[Literal["chat", "completion"]]] = frozenset({"chat", "completion"})
    samples_per_request: ClassVar[int] = 1
    deterministic_at_zero: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Json], site: Site) -> None:
        def integer(name: str, default: int) -> int:
            value = settings.get(name)
            return value if isinstance(value, int) else default

        threads = integer("threads", available_cpus())
        # More slots than threads gain little, and each of them reads the prompt anew.
        self.max_in_flight = integer("slots", min(max(threads, 2), 8))
        self._settings = EngineSettings(
            threads=threads,
            slots=self.max_in_flight,
            context=integer("context", 2048),
        )
        self._site = site
        self._identities: dict[str, str] = {}
        self._engines: dict[str, Engine] = {}
        self._loading = anyio.Lock()

    def identify(self, model: str) -> str:
        """Return ``sha256:…`` of the model's file: pinned for a known model, else read from the file.

        Raises:
            UnavailableError: no model has this name, or the file is missing or not a GGUF.
        """
        if model not in self._identities:
            self._identities[model] = f"sha256:{self._sha256(model)}"
        return self._identities[model]

    def sent(self, parameters: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return all sampling parameters with the defaults explicit; see :data:`DEFAULTS`."""
        return {**DEFAULTS, **parameters}

    def provenance(self) -> Mapping[str, str]:
        """Return the engine and its version."""
        xllamacpp()
        return {"engine": "xllamacpp", "version": version("xllamacpp")}

    async def draw(self, model: str, request: Request, seeds: Sequence[int]) -> Sequence[Sample]:
        """Draw one sample for each seed, loading the model (and fetching it) on the first draw.

        Raises:
            RejectedError: the model cannot take this request.
            UnavailableError: the model or the engine cannot be had here.
        """
        if taken := RESERVED & request.extra.keys():
            raise RejectedError(
                f"llama_cpp: extra: {', '.join(sorted(taken))}: osca sets this itself; leave it out"
            )
        body = {**NEUTRAL, **self.sent(request.parameters), **request.extra}
        body |= asking(request.logprobs, chat=isinstance(request.prompt, Chat))
        engine = await self._engine(model)
        return [await engine.draw(request.prompt, {**body, "seed": seed}) for seed in seeds]

    async def aclose(self) -> None:
        """Free the models' memory."""
        self._engines.clear()

    async def _engine(self, model: str) -> Engine:
        async with self._loading:  # concurrent first draws load once
            if model not in self._engines:
                xllamacpp()
                path = await self._file(model)
                self._engines[model] = await anyio.to_thread.run_sync(Engine, path, self._settings)
            return self._engines[model]

    async def _file(self, model: str) -> Path:
        if model in KNOWN_MODELS:
            return await obtain(KNOWN_MODELS[model], self._site.cache, self._site.notify)
        return self._path(model)

    def _path(self, model: str) -> Path:
        """Return the file that a spec names by its path.

        Raises:
            UnavailableError: it is neither a path nor a known name.
        """
        if "/" in model or model.endswith(".gguf"):
            return _whole(self._site.folder / model)
        near = difflib.get_close_matches(model, KNOWN_MODELS, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else "."
        raise UnavailableError(
            f"llama_cpp knows no model '{model}'{hint} It knows {', '.join(KNOWN_MODELS)}, "
            "and any GGUF file by its path: 'model: llama_cpp/./file.gguf'"
        )

    def _sha256(self, model: str) -> str:
        if model in KNOWN_MODELS:
            return KNOWN_MODELS[model].sha256
        path = self._path(model)
        try:
            metadata_keys(path)
            return remembered_sha256(path, self._site.cache)
        except NotGGUFError as error:
            raise UnavailableError(str(error)) from error
        except OSError as error:
            raise UnavailableError(f"cannot read the model file {path}: {error.strerror}") from error


def _whole(path: Path) -> Path:
    """Refuse a part of a model: its hash would not be the model's."""
    if part := re.search(r"-\d{5}-of-(\d{5})\.gguf$", path.name):
        raise UnavailableError(
            f"{path} is one of {int(part[1])} parts of a model: merge them (llama-gguf-split --merge)"
        )
    return path
