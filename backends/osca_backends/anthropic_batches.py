"""The message batches of Anthropic: many requests at once, answered within a day at half the price."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from osca_backends.connection import Answer, mapping
from osca_cli.errors import BackendError, LostAnswerError, RetryableError
from osca_cli.protocols import BatchState, Found

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from osca_backends.connection import Connection, Data
    from osca_cli.model import Json, Request, Sample

PATH = "/v1/messages/batches"
CLOCK_SKEW = timedelta(minutes=10)
# The statuses that the API answers with when it is asked for one message.
_STATUS = {
    "authentication_error": 401, "billing_error": 402, "permission_error": 403, "not_found_error": 404,
    "request_too_large": 413, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504,
    "overloaded_error": 529,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AnthropicBatches:
    """Batches of one server.

    Args:
        connect: Returns the connection to it.
        asked: Returns the body of the request for a sample.
        read: Reads an answer.
    """

    most_rows: ClassVar[int] = 100_000
    most_bytes: ClassVar[int] = 100_000_000  # less than half of what the API takes: it is held in memory

    connect: Callable[[], Connection]
    asked: Callable[[str, Request], Mapping[str, Json]]
    read: Callable[[Answer], Sample]

    @property
    def create_s(self) -> float:
        """How long, in seconds, creating a batch may take."""
        return self.connect().place.timeout_s

    def row(self, name: str, model: str, request: Request, seed: int) -> bytes:  # noqa: ARG002 - no seed
        """Return one of the requests of a batch."""
        row = {"custom_id": name, "params": self.asked(model, request)}
        return json.dumps(row, separators=(",", ":")).encode()

    async def upload(self, rows: Sequence[bytes]) -> str:  # noqa: ARG002 - they go with the batch
        """Do nothing: the rows go with the batch."""
        return ""

    async def create(self, token: str, uploaded: str, rows: Sequence[bytes]) -> str:  # noqa: ARG002
        """Create a batch of the rows; their names hold the token."""
        connection = self.connect()
        data = await connection.post_bytes(PATH, b'{"requests":[' + b",".join(rows) + b"]}")
        if not isinstance(name := data.get("id"), str):
            raise LostAnswerError(connection.says("created a batch without an id"))
        return name

    async def find(self, token: str, rows: int, since: datetime) -> Found:
        """Look for the batch whose rows' names begin with the token.

        The API tells them only when a batch has ended: one of as many rows that is under way may be it.
        """
        after: dict[str, str] = {}
        certain = True
        while True:
            page = await self.connect().get(PATH, limit=100, **after)
            recent = [b for b in map(mapping, page.get("data") or ()) if _created(b) >= since - CLOCK_SKEW]
            for batch in recent:
                if _total(batch) != rows:
                    continue
                if batch.get("processing_status") != "ended":
                    certain = False
                elif await self._has(str(batch["id"]), token):
                    return Found(str(batch["id"]))
            if not page.get("has_more") or not recent:
                return Found(None, certain)
            after = {"after_id": str(page.get("last_id"))}

    async def state(self, batch: str) -> BatchState:
        """Ask how far a batch is; until it has ended, the API may count nothing as done."""
        data = await self.connect().get(f"{PATH}/{quote(batch, safe='')}")
        total = _total(data)
        processing = int(mapping(data.get("request_counts")).get("processing") or 0)
        return BatchState(data.get("processing_status") == "ended", total - processing, total)

    async def results(self, batch: str) -> AsyncGenerator[tuple[str, Sample | BackendError]]:
        """Yield the results."""
        async with aclosing(self.connect().lines(f"{PATH}/{quote(batch, safe='')}/results")) as lines:
            async for line in lines:
                yield str(line.get("custom_id")), self._result(mapping(line.get("result")))

    async def _has(self, batch: str, token: str) -> bool:
        async with aclosing(self.results(batch)) as results:
            async for name, _ in results:
                return name.startswith(token)
        return False

    def _result(self, result: Data) -> Sample | BackendError:
        connection = self.connect()
        match result.get("type"):
            case "succeeded":
                try:
                    message = mapping(result.get("message"))
                    return self.read(Answer(message, connection.place.host, None, None))
                except LostAnswerError as error:
                    return error
            case "errored":
                said = mapping(result.get("error"))
                kind = str(mapping(said.get("error", said)).get("type"))
                return connection.refusal(_STATUS.get(kind, 400), json.dumps(said), {})
            case "canceled":
                return BackendError(connection.says("the batch was canceled before this request"))
            case kind:
                return RetryableError(connection.says(f"the batch ended before this request ({kind})"))


def _total(batch: Data) -> int:
    return sum(int(count or 0) for count in mapping(batch.get("request_counts")).values())


def _created(batch: Data) -> datetime:
    try:
        return datetime.fromisoformat(str(batch.get("created_at")))
    except ValueError:
        return datetime.now(UTC)
