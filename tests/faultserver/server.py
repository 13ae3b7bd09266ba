"""A server of models that fails as it is told to, on the wire protocol of OpenAI and of Anthropic.

It runs in a thread of its own, counts what it is asked and what it charges for, and answers right unless its
script says otherwise. A prompt holds the answer in brackets, as in ``What is 1 + 1? [2]``.
"""

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """One request: its number, counted from 0, and what was in it."""

    number: int
    at: float
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    method: str = "POST"
    raw: bytes = b""

    @property
    def prompt(self) -> str:
        messages = self.body.get("messages")
        return messages[-1]["content"] if messages else self.body.get("prompt", "")

    @property
    def key(self) -> str:
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Reply:
    """What goes over the wire.

    Attributes:
        cut_after: Close the connection after so many bytes of the body.
        wait_s: Wait before the answer.
        drip_s: Wait after each byte of the body.
        usage: The tokens that the server charges for, input and output.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    wait_s: float = 0.0
    drip_s: float = 0.0
    usage: tuple[int, int] | None = None


Script = Callable[[Asked], Reply | None]


def answer(asked: Asked, *, text: str | None = None, choices: int | None = None, **more: Any) -> Reply:
    """The right answer to a request, in its own protocol, with as many choices as were asked for."""
    found = re.search(r"\[(.*?)\]", asked.prompt)
    text = text if text is not None else f"It is {found[1] if found else 'unknown'}."
    choices = asked.body.get("n", 1) if choices is None else choices
    usage = (len(asked.prompt.split()), choices * len(text.split()))
    return Reply(body=json.dumps(_body(asked, text, usage, choices)).encode(), usage=usage, **more)


def _body(asked: Asked, text: str, usage: tuple[int, int], choices: int) -> dict[str, Any]:
    model = asked.body.get("model", "unknown")
    if asked.path.endswith("/messages"):
        return {
            "id": f"msg_{asked.number}", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": usage[0], "output_tokens": usage[1]},
        }  # fmt: skip
    chat = asked.path.endswith("/chat/completions")
    said: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    if asked.body.get("logprobs"):
        tokens = [{"token": token, "logprob": -0.25, "top_logprobs": []} for token in text.split()]
        said["logprobs"] = {"content": tokens}
    return {
        "id": f"cmpl-{asked.number}", "object": "chat.completion", "created": 0, "model": model,
        "choices": [{"index": index, **said, "finish_reason": "stop"} for index in range(choices)],
        "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)},
    }  # fmt: skip


def error(status: int, message: str = "as told", code: str | None = None, **headers: str) -> Reply:
    """An error as both vendors write it. Header names have ``_`` for ``-``."""
    body = {"type": "error", "error": {"type": code or "error", "code": code, "message": message}}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), names)


class FaultServer:
    """The server, at ``url`` once it is started.

    Attributes:
        script: Says what is answered to a request; ``None`` is the right answer.
        asked: All requests so far.
        charged: The tokens charged so far, input and output.
    """

    def __init__(self, script: Script = lambda _: None) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.refused = 0
        self.charged = [0, 0]
        self.most_in_flight = 0
        self._in_flight = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(10)

    async def _main(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        await asyncio.sleep(0.1)  # what was connecting has then connected: cancelled before, it would leak
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.02)  # sockets close in the loop's next turns

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while asked := await self._read(reader):
                self._in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self._in_flight)
                try:
                    await self._reply(writer, self.script(asked) or answer(asked))
                finally:
                    self._in_flight -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()  # a closed transport keeps its socket while it has bytes to send

    async def _read(self, reader: asyncio.StreamReader) -> Asked:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = head[0].split()
        is_json = raw and headers.get("content-type", "").startswith("application/json")
        body = json.loads(raw) if is_json else {}
        asked = Asked(len(self.asked), time.monotonic(), path, headers, body, method, raw)
        self.asked.append(asked)
        return asked

    async def _reply(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        if reply.status in {429, 503, 529}:
            self.refused += 1
        if reply.usage is not None:
            self.charged[0] += reply.usage[0]
            self.charged[1] += reply.usage[1]
        await asyncio.sleep(reply.wait_s)
        headers = {
            "content-type": "application/json",
            **reply.headers,
            "content-length": str(len(reply.body)),
        }
        lines = [f"HTTP/1.1 {reply.status} Told", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        if reply.drip_s:
            for byte in reply.body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(reply.drip_s)
        writer.write(b"" if reply.drip_s else reply.body[: reply.cut_after])
        await writer.drain()
        if reply.cut_after is not None:
            raise ConnectionAbortedError
