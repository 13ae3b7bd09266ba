"""A model that vLLM's engine has loaded: many samples are drawn at once, each with its own seed."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, Self

import anyio

from osca_backends.logprobs import logprobs_of
from osca_backends.vllm.options import sampling
from osca_backends.vllm.process import EngineDiedError, EngineProcess
from osca_cli.errors import RefusedError, RejectedError, UnavailableError
from osca_cli.model import Chat, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from osca_cli.model import Request


class Engine(Protocol):
    """A loaded model.

    Attributes:
        facts: What a reader of its samples should know: vLLM's version, the data type.
        max_num_seqs: How many samples it draws together, at most.
    """

    facts: Mapping[str, str]
    max_num_seqs: int

    async def draw(self, request: Request, seed: int) -> Sample:
        """Draw one sample.

        Raises:
            EngineDiedError: the engine ended; another one can be started.
        """

    async def aclose(self) -> None:
        """Free its memory."""


class Offline:
    """vLLM's engine, fed sample by sample: it batches what is there, and tells of each as it is done."""

    def __init__(self, process: EngineProcess, ready: Mapping[str, Any]) -> None:
        self.facts: Mapping[str, str] = ready["ready"]
        self.max_num_seqs: int = ready["max_num_seqs"]
        self._process = process
        self._numbers = count()
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._woken: dict[int, anyio.Event] = {}
        self._reading = False

    @classmethod
    async def start(cls, job: Mapping[str, Any], log: Path) -> Self:
        """Load a model; takes a minute or more, and as long as fetching it takes.

        Raises:
            EngineDiedError: vLLM cannot load it.
            UnavailableError: it does not fit this machine.
        """
        process = await EngineProcess.start(job, log)
        try:
            ready = await process.receive()
            if "unavailable" in ready:
                raise UnavailableError(f"vllm: {ready['unavailable']}")
        except BaseException:
            await process.aclose()
            raise
        return cls(process, ready)

    async def draw(self, request: Request, seed: int) -> Sample:
        """Draw one sample; when cancelled, the engine leaves it.

        Raises:
            EngineDiedError: the engine ended.
            RejectedError: the model cannot take this prompt.
            RefusedError: vLLM does not take a parameter.
        """
        number = next(self._numbers)
        self._woken[number] = anyio.Event()
        try:
            await self._process.send({"id": number, **_message(request, seed)})
            answer = await self._answer(number)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True), suppress(EngineDiedError):
                await self._process.send({"abort": number})
            raise
        finally:
            del self._woken[number]
            self._wake_a_reader()
        if "rejected" in answer:
            raise RejectedError(str(answer["rejected"]))
        if "refused" in answer:
            raise RefusedError(str(answer["refused"]))
        return _sample(answer)

    async def aclose(self) -> None:
        """End the engine's process."""
        await self._process.aclose()

    async def _answer(self, number: int) -> Mapping[str, Any]:
        """Return the answer to a request. One of those who wait reads for all of them."""
        while number not in self._answers:
            if self._reading:
                await self._woken[number].wait()
                self._woken[number] = anyio.Event()
            else:
                await self._read_until(number)
        return self._answers.pop(number)

    async def _read_until(self, number: int) -> None:
        self._reading = True
        try:
            while number not in self._answers:
                answer = await self._process.receive()
                if answer["id"] in self._woken:  # else it was cancelled
                    self._answers[answer["id"]] = answer
                    self._woken[answer["id"]].set()
        finally:
            self._reading = False

    def _wake_a_reader(self) -> None:
        """Have somebody else read, where whoever did is gone."""
        waiting = (event for number, event in self._woken.items() if number not in self._answers)
        if not self._reading and (event := next(waiting, None)) is not None:
            event.set()


def _message(request: Request, seed: int) -> dict[str, Any]:
    parameters = sampling(request, seed) | {"logprobs": request.logprobs}
    template = parameters.pop("chat_template_kwargs", {})
    if isinstance(request.prompt, Chat):
        messages = [message._asdict() for message in request.prompt.messages]
        return {"messages": messages, "chat_template_kwargs": template, "sampling": parameters}
    return {"text": request.prompt.text, "sampling": parameters}


def _sample(answer: Mapping[str, Any]) -> Sample:
    return Sample(
        text=answer["text"],
        finish_reason=answer["finish_reason"],
        input_tokens=answer["input_tokens"],
        output_tokens=answer["output_tokens"],
        cached_tokens=answer["cached_tokens"],
        seconds=answer["seconds"],
        logprobs=logprobs_of(answer),
    )
