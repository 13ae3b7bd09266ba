"""Keeps an engine going: where memory runs out, it is started again with half as many samples together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

from osca_backends.vllm.process import EngineDiedError
from osca_cli.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from osca_backends.vllm.engine import Engine
    from osca_cli.model import Request, Sample


class Start(Protocol):
    """Starts an engine."""

    def __call__(self, max_num_seqs: int | None) -> Awaitable[Engine]:
        """Start it, with at most so many samples together; ``None`` leaves that to vLLM."""


class Recovering:
    """A model that is loaded when it is first asked, and again after it was freed or ran out of memory.

    Args:
        start: Loads it.
        notify: Tells the user one line of news.
    """

    def __init__(self, start: Start, notify: Callable[[str], None]) -> None:
        self.facts: Mapping[str, str] = {}
        self._start = start
        self._notify = notify
        self._engine: Engine | None = None
        self._most: int | None = None
        self._failed: UnavailableError | None = None
        self._lock = anyio.Lock()

    async def draw(self, request: Request, seed: int) -> Sample:
        """Draw one sample, with another engine if this one runs out of memory.

        Raises:
            RetryableError: the same request may succeed later.
            RejectedError: the model cannot take this prompt.
            RefusedError: vLLM does not take a parameter.
            UnavailableError: the model cannot be had here.
        """
        while True:
            engine = await self._ready()
            try:
                return await engine.draw(request, seed)
            except EngineDiedError as died:
                await self._recover(engine, died)

    async def free(self) -> None:
        """Free the model's memory; the next draw loads it again."""
        async with self._lock:
            if self._engine is not None:
                await self._engine.aclose()
            self._engine = None

    async def _ready(self) -> Engine:
        async with self._lock:  # concurrent first draws load once
            if self._failed is not None:  # those who wait do not start what cannot run
                raise self._failed
            if self._engine is None:
                self._engine = await self._load()
                self.facts = self._engine.facts
            return self._engine

    async def _load(self) -> Engine:
        while True:
            try:
                return await self._start(self._most)
            except UnavailableError as error:
                self._failed = error
                raise
            except EngineDiedError as died:
                # Of what fails in loading, only this depends on how many samples are drawn together.
                if "max_num_seqs" not in str(died):
                    raise self._give_up(died) from died
                self._halve(self._most or 256, died)

    async def _recover(self, engine: Engine, died: EngineDiedError) -> None:
        async with self._lock:
            if engine is not self._engine:  # another draw was quicker
                return
            self._engine = None
            await engine.aclose()
            if not died.out_of_memory:
                raise self._give_up(died) from died
            self._halve(engine.max_num_seqs, died)

    def _halve(self, most: int, died: EngineDiedError) -> None:
        if most <= 1:
            raise self._give_up(died) from died
        self._most = most // 2
        self._notify(f"out of memory with {most} samples together; going on with {self._most} ({died})")

    def _give_up(self, died: EngineDiedError) -> UnavailableError:
        self._failed = UnavailableError(str(died))
        return self._failed
