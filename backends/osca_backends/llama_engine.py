"""One GGUF model, loaded by llama.cpp in this process (``xllamacpp``)."""

from __future__ import annotations

import importlib
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import anyio

from osca_backends.gguf import NotGGUFError, metadata_keys
from osca_backends.logprobs import logprobs_of
from osca_cli.errors import RejectedError, UnavailableError
from osca_cli.model import Chat, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from osca_cli.model import Json, Prompt, TokenLogprob


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How much of the machine an engine takes. None of it changes what is drawn.

    Attributes:
        threads: Threads of computation.
        slots: Sequences generated together.
        context: Tokens, of prompt and answer together, that a sequence has room for.
    """

    threads: int
    slots: int
    context: int


class Engine:
    """A loaded model that answers in ``slots`` threads at once."""

    def __init__(self, path: Path, settings: EngineSettings) -> None:
        """Load the model; takes seconds.

        Raises:
            UnavailableError: the file is no model that this llama.cpp can load, or memory is short.
        """
        self._path = path
        self._context = settings.context
        try:
            self._takes_chat = "tokenizer.chat_template" in metadata_keys(path)
            self._server = xllamacpp().Server(_parameters(path, settings))
        except (NotGGUFError, OSError) as error:
            raise UnavailableError(str(error)) from error
        except RuntimeError as error:
            raise UnavailableError(
                f"llama.cpp cannot load {path}: the file is damaged, its architecture is newer than the "
                f"installed xllamacpp, or {settings.slots} slots with a context of {settings.context} tokens "
                "need more memory than there is"
            ) from error
        self._limiter = anyio.CapacityLimiter(settings.slots)

    async def draw(self, prompt: Prompt, parameters: Mapping[str, Json]) -> Sample:
        """Draw one sample; when cancelled, the generation ends with the token under way.

        Raises:
            RejectedError: the model cannot take this request.
        """
        if isinstance(prompt, Chat) and not self._takes_chat:
            raise RejectedError(
                f"{self._path.name} has no chat template: it is a base model. "
                "Write its prompt as text to be continued: 'prompt: {completion: …}'"
            )
        cancelled = Event()
        try:
            return await anyio.to_thread.run_sync(
                self._generate, prompt, parameters, cancelled, abandon_on_cancel=True, limiter=self._limiter
            )
        finally:
            cancelled.set()

    def _generate(self, prompt: Prompt, parameters: Mapping[str, Json], cancelled: Event) -> Sample:
        reply = _Reply(cancelled)
        started = time.perf_counter()
        # Streamed, because only a stream can be ended before its time.
        body = {**parameters, "stream": True, "stream_options": {"include_usage": True}}
        if isinstance(prompt, Chat):
            messages = [message._asdict() for message in prompt.messages]
            self._server.handle_chat_completions({**body, "messages": messages}, reply.take)
        else:
            self._server.handle_completions({**body, "prompt": prompt.text}, reply.take)
        return self._sample(reply, parameters, time.perf_counter() - started)

    def _sample(self, reply: _Reply, parameters: Mapping[str, Json], seconds: float) -> Sample:
        if reply.error:
            raise RejectedError(self._why_rejected(reply.error))
        if reply.finish_reason is None:
            raise RejectedError(f"{self._path.name}: llama.cpp ended the answer without a reason")
        used, room = int(reply.usage.get("prompt_tokens", 0)), parameters["max_tokens"]
        if isinstance(room, int) and used + room > self._context:
            # Cut where the context ends, answers would depend on a setting that identity does not hash.
            raise RejectedError(
                f"the prompt's {used} tokens and max_tokens: {room} pass the context of {self._context}; "
                "lower max_tokens, or raise 'context:' of the backend in the spec"
            )
        return Sample(
            text="".join(reply.pieces),
            finish_reason=reply.finish_reason,
            input_tokens=used,
            output_tokens=int(reply.usage.get("completion_tokens", 0)),
            seconds=seconds,
            logprobs=tuple(reply.logprobs) or None,
        )

    def _why_rejected(self, error: Mapping[str, Any]) -> str:
        if error.get("type") == "exceed_context_size_error":
            return (
                f"the prompt's {error['n_prompt_tokens']} tokens pass the context of {self._context}; "
                "shorten it, or raise 'context:' of the backend in the spec"
            )
        return f"llama.cpp rejects the request: {error.get('message', error)}"


class _Reply:
    """Gathers the chunks of one streamed answer."""

    def __init__(self, cancelled: Event) -> None:
        self._cancelled = cancelled
        self.pieces: list[str] = []
        self.logprobs: list[TokenLogprob] = []
        self.finish_reason: str | None = None
        self.usage: Mapping[str, Any] = {}
        self.error: Mapping[str, Any] | None = None

    def take(self, chunk: Mapping[str, Any]) -> bool:
        """Keep what a chunk says; return whether to stop. Must not raise: the engine would swallow it."""
        self.error = chunk.get("error") or self.error
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or ():
            self.pieces.append(choice.get("text") or choice.get("delta", {}).get("content") or "")
            self.logprobs += logprobs_of(choice) or ()
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        return self.error is not None or self._cancelled.is_set()


def xllamacpp() -> ModuleType:
    """Return the engine's module.

    Raises:
        UnavailableError: it is not installed, or not for this machine.
    """
    try:
        # Threads of computation meet hundreds of times a token. By default they spin while they wait, and
        # where anything else wants the processor all of it is lost; read when the module is loaded.
        os.environ.setdefault("GOMP_SPINCOUNT", "300")
        module: ModuleType = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise UnavailableError(
            f"the llama_cpp backend needs the package xllamacpp ({error}): pip install 'osca[local]'"
        ) from error
    return module


def available_cpus() -> int:
    """Return how many processors this process may use: its affinity, within its control group's quota."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        usable = os.cpu_count() or 1
    return max(1, min(usable, _quota(Path("/sys/fs/cgroup")) or usable))


def _quota(groups: Path) -> int | None:
    """Return a container's quota in whole processors (control groups 2, then 1), or ``None``."""
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        try:
            quota, period = " ".join((groups / name).read_text() for name in names).split()
            return int(quota) // int(period) or 1 if int(quota) > 0 else None
        except (OSError, ValueError):  # no such file; "max 100000" is no quota
            continue
    return None


def _parameters(path: Path, settings: EngineSettings) -> Any:
    parameters = xllamacpp().CommonParams()
    parameters.model.path = str(path)
    parameters.n_parallel = settings.slots
    parameters.n_ctx = settings.slots * settings.context
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = settings.threads
    parameters.use_jinja = True
    parameters.warmup = False
    parameters.verbosity = 0  # silent: what it has to say comes with the answers
    # The engine always listens on a loopback port too; nobody is given its key.
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [secrets.token_hex()]
    parameters.n_threads_http = 1
    parameters.ui = parameters.endpoint_slots = False
    return parameters
