"""A model behind vLLM's own server, which osca starts, asks through the ``openai`` backend, and stops."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import anyio
import httpx2

from osca_backends.openai import OpenAI
from osca_backends.vllm.options import ADAPTER, NEUTRAL
from osca_backends.vllm.process import EngineProcess
from osca_cli.errors import RetryableError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from osca_cli.model import Request, Sample
    from osca_cli.protocols import Site

_ASK_EVERY_S = 0.5
_TIMEOUT_S = 86_400.0  # it is ours, and its end is noticed; an answer may wait for its turn
_DYING_S = 5.0
_MOST = 256


class Served:
    """vLLM's server, on a free port of this machine alone."""

    def __init__(
        self, process: EngineProcess, api: OpenAI, name: str, facts: Mapping[str, str], most: int
    ) -> None:
        self.facts = facts
        self.max_num_seqs = most
        self._process = process
        self._api = api
        self._name = name

    @classmethod
    async def start(
        cls, engine: Mapping[str, Any], *, name: str, lora: str | None, log: Path, site: Site
    ) -> Self:
        """Start a server and wait until it is well; takes a minute or more.

        Args:
            engine: The arguments of its engine.
            name: What requests are to call the model.
            lora: The folder or name of an adapter.
            log: Where it may write what it does.
            site: Where the backend works.

        Raises:
            EngineDiedError: vLLM cannot load the model.
            UnavailableError: it does not fit this machine.
        """
        port = _free_port()
        job = {"engine": engine, "lora": lora, "serve": {"name": name, "port": port}}
        process = await EngineProcess.start(job, log)
        try:
            facts = await _healthy(process, port)
        except BaseException:
            await process.aclose()
            raise
        api = OpenAI({"base_url": f"http://127.0.0.1:{port}/v1", "timeout_s": _TIMEOUT_S}, site)
        called = ADAPTER if lora is not None else name
        dtype = str(engine.get("dtype", "auto"))
        return cls(process, api, called, {**facts, "dtype": dtype}, int(engine.get("max_num_seqs", _MOST)))

    async def draw(self, request: Request, seed: int) -> Sample:
        """Draw one sample.

        Raises:
            EngineDiedError: the server ended.
            RetryableError: the same request may succeed later.
            RejectedError: the model cannot take this prompt.
            RefusedError: vLLM does not take a parameter.
        """
        neutral = replace(request, extra={**NEUTRAL, **request.extra})
        try:
            (sample,) = await self._api.draw(self._name, neutral, [seed])
        except RetryableError as error:
            # The answer may be lost a moment before the server ends, and that is what is to be told.
            with anyio.move_on_after(_DYING_S):
                raise await self._process.death() from error
            raise
        return sample

    async def aclose(self) -> None:
        """Stop the server."""
        await self._api.aclose()
        await self._process.aclose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _healthy(process: EngineProcess, port: int) -> Mapping[str, str]:
    """Wait until a server is well; return its version.

    Raises:
        EngineDiedError: it ended before.
        UnavailableError: its model does not fit this machine.
    """
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
        while True:
            with anyio.move_on_after(_ASK_EVERY_S):
                said = await process.receive()  # its only message says why it does not start
                raise UnavailableError(f"vllm: {said['unavailable']}")
            try:
                if (await client.get("/health")).is_success:
                    return {"version": str((await client.get("/version")).json()["version"])}
            except httpx2.TransportError:
                continue
