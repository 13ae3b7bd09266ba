"""The batch API of OpenAI: a file of requests, answered within a day at half the price."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from osca_backends.connection import Answer, mapping
from osca_cli.errors import BackendError, BusyError, LostAnswerError, RefusedError, RetryableError
from osca_cli.protocols import BatchState, Found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from osca_backends.connection import Connection, Data
    from osca_cli.model import Json, Request, Sample

ENDED = {"cancelled", "completed", "expired", "failed"}
CLOCK_SKEW = timedelta(minutes=10)
_TOKEN = "osca"  # noqa: S105 - the key of a batch's metadata
# The account has too many tokens waiting in batches: it takes more when one of them ends.
_FULL = "token_limit_exceeded"


@dataclass(frozen=True, slots=True)
class OpenAIBatches:
    """Batches of one server.

    Args:
        connect: Returns the connection to it.
        asked: Returns the path and body of the request for a sample.
        read: Reads an answer.
    """

    most_rows: ClassVar[int] = 50_000
    most_bytes: ClassVar[int] = 100_000_000  # half of what the API takes: it is held in memory

    connect: Callable[[], Connection]
    asked: Callable[[str, Request, int], tuple[str, Mapping[str, Json]]]
    read: Callable[[Answer], Sample]

    @property
    def create_s(self) -> float:
        """How long, in seconds, creating a batch may take."""
        return self.connect().place.timeout_s

    def row(self, name: str, model: str, request: Request, seed: int) -> bytes:
        """Return a line of the file."""
        path, body = self.asked(model, request, seed)
        line = {"custom_id": name, "method": "POST", "url": f"/v1{path}", "body": body}
        return json.dumps(line, separators=(",", ":")).encode()

    async def upload(self, rows: Sequence[bytes]) -> str:
        """Upload the file and return its id."""
        file = await self.connect().upload("/files", "osca.jsonl", b"\n".join(rows), {"purpose": "batch"})
        return str(file.get("id"))

    async def create(self, token: str, uploaded: str, rows: Sequence[bytes]) -> str:
        """Create a batch from the file; all of its rows go to the path of the first."""
        answer = await self.connect().post(
            "/batches",
            {
                "input_file_id": uploaded,
                "endpoint": json.loads(rows[0])["url"],
                "completion_window": "24h",
                "metadata": {_TOKEN: token},
            },
        )
        return _id(answer.data, self.connect())

    async def find(self, token: str, rows: int, since: datetime) -> Found:  # noqa: ARG002 - the token says all
        """Look for the batch whose metadata holds the token; the newest come first."""
        after: dict[str, str] = {}
        while True:
            page = await self.connect().get("/batches", limit=100, **after)
            batches = [mapping(batch) for batch in page.get("data") or ()]
            for batch in batches:
                if mapping(batch.get("metadata")).get(_TOKEN) == token:
                    return Found(str(batch["id"]))
            if not page.get("has_more") or all(_created(batch) < since - CLOCK_SKEW for batch in batches):
                return Found(None)
            after = {"after": str(batches[-1].get("id"))}

    async def state(self, batch: str) -> BatchState:
        """Ask how far a batch is."""
        data = await self._get(batch)
        counts = mapping(data.get("request_counts"))
        done = int(counts.get("completed") or 0) + int(counts.get("failed") or 0)
        failure = self._failure(data) if data.get("status") == "failed" else None
        return BatchState(data.get("status") in ENDED, done, int(counts.get("total") or 0), failure)

    async def results(self, batch: str) -> AsyncIterator[tuple[str, Sample | BackendError]]:
        """Yield what both of the batch's files hold; either may be missing."""
        data = await self._get(batch)
        for kind in ("output_file_id", "error_file_id"):
            if file := data.get(kind):
                path = f"/files/{quote(str(file), safe='')}/content"
                async for line in self.connect().lines(path):
                    yield str(line.get("custom_id")), self._result(line)

    async def _get(self, batch: str) -> Data:
        return await self.connect().get(f"/batches/{quote(batch, safe='')}")

    def _failure(self, data: Data) -> BackendError:
        errors = [mapping(error) for error in mapping(data.get("errors")).get("data") or ()]
        said = "; ".join(str(error.get("message")) for error in errors[:3]) or "no reason given"
        message = self.connect().says(f"refused the batch {data.get('id')}: {said}")
        if any(error.get("code") == _FULL for error in errors):
            return BusyError(message)
        return RefusedError(message)

    def _result(self, line: Data) -> Sample | BackendError:
        connection, response = self.connect(), mapping(line.get("response"))
        status, body = response.get("status_code"), mapping(response.get("body"))
        if isinstance(status, int) and status >= 400:
            return connection.refusal(status, json.dumps(body), {})
        if isinstance(status, int):
            try:
                return self.read(Answer(body, connection.place.host, None, None))
            except LostAnswerError as error:
                return error
        said = mapping(line.get("error"))
        message = connection.says(f"{said.get('message') or said.get('code') or 'no result'}")
        return BackendError(message) if said.get("code") == "batch_cancelled" else RetryableError(message)


def _id(data: Mapping[str, Any], connection: Connection) -> str:
    if not isinstance(name := data.get("id"), str):
        raise LostAnswerError(connection.says("created a batch without an id"))
    return name


def _created(batch: Data) -> datetime:
    return datetime.fromtimestamp(float(batch.get("created_at") or 0), UTC)
