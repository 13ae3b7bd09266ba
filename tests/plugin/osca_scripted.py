"""A deterministic backend for tests, found through its entry point like anybody's plug-in.

A prompt holds the answer in brackets, as in ``What is 1 + 1? [2]``. A sample is right with a probability that
depends on the model and the prompt alone, decided by the seed. Without brackets it is always wrong.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio

from osca_cli.errors import RejectedError, RetryableError, UnavailableError
from osca_cli.model import Chat, Request, Sample


def _fraction(*parts: object) -> float:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6]) / 2**48


class Scripted:
    parameters = frozenset({"temperature", "top_p", "max_tokens", "stop"})
    prompts = frozenset({"chat", "completion"})
    samples_per_request = 1
    deterministic_at_zero = True

    def __init__(self, settings: Mapping[str, object], site: object) -> None:
        self.broken = settings.get("broken")
        if self.broken == "opening":
            raise TypeError("no such setting")
        self.delay_s = float(settings.get("delay_s", 0))
        self.log = settings.get("log")
        self.max_in_flight = int(settings.get("slots", 8))
        self.fail_first = int(settings.get("fail_first", 0))

    def identify(self, model: str) -> str:
        if self.broken == "identifying":
            raise KeyError(model)
        if model == "missing":
            raise UnavailableError(f"no model '{model}'")
        return model

    def sent(self, parameters: Mapping[str, object]) -> Mapping[str, object]:
        return {"temperature": 1, **parameters}

    def provenance(self) -> Mapping[str, str]:
        return {"engine": "scripted", "version": "1"}

    async def draw(self, model: str, request: Request, seeds: Sequence[int]) -> Sequence[Sample]:
        await anyio.sleep(self.delay_s)
        if self.fail_first > 0:
            self.fail_first -= 1
            raise RetryableError("the scripted server was busy")
        if model == "refusing":
            raise RejectedError("the scripted server refuses this request")
        if model == "crashing" and "What is 3 " in request.prompt.messages[-1].content:
            raise KeyError(f"no answer for {os.environ.get('SCRIPTED_KEY')}")
        if model == "faulty":
            return [Sample(text=None, finish_reason="stop")]
        if model == "silent":
            return []
        samples = [self._sample(model, request, seed) for seed in seeds]
        if self.log:
            with Path(str(self.log)).open("a") as file:
                file.writelines(f"{os.getpid()} {model} {seed}\n" for seed in seeds)
        return samples

    def _sample(self, model: str, request: Request, seed: int) -> Sample:
        prompt = request.prompt
        text = prompt.messages[-1].content if isinstance(prompt, Chat) else prompt.text
        rate = 1 if model == "sure" else _fraction("rate", model, request.parameters["temperature"], text)
        answer = text[text.rindex("[") + 1 : text.rindex("]")] if "]" in text else "unknown"
        right = rate > _fraction("draw", seed)
        return Sample(
            text=f"It is {answer}." if right else "I do not know 999999.",
            finish_reason="stop",
            input_tokens=len(text.split()),
            output_tokens=3 if right else 5,
            seconds=0.5,
        )

    async def aclose(self) -> None:
        if self.broken == "closing":
            raise OSError("cannot stop")
