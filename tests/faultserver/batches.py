"""The batch APIs of OpenAI and of Anthropic, as a script for the fault server.

Batches are worked on whether or not anybody asks for them: what they cost is counted when they are created.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.faultserver.server import Asked, Reply, answer

Fault = str | int | None
"""What becomes of a row: None is the right answer, a number an error with that status; also ``expired``,
``cancelled``, ``missing`` (the server says nothing of it) and ``empty`` (an answer without a choice)."""


@dataclass
class Created:
    """A batch at the server."""

    id: str
    kind: str
    rows: list[tuple[str, dict[str, Any]]]
    metadata: dict[str, str]
    results: list[tuple[str, Any]]
    at: float
    asked: int = 0
    failure: tuple[str, str] | None = None


@dataclass
class Desk:
    """Takes batches.

    Attributes:
        polls: How often a batch is asked for or listed until it has ended.
        fault: Says what becomes of a row, from its prompt and how often that was asked before.
        most_rows: A larger batch is refused as too many tokens waiting.
        broken: Why the next batches are refused whole: a code and a message for each.
        hook: Is told what is asked before it is done; may answer in the desk's place.
        lose: How many answers to creations are lost on their way back.
    """

    polls: int = 2
    fault: Callable[[str, int], Fault] = lambda prompt, times: None
    most_rows: int | None = None
    broken: list[tuple[str, str]] = field(default_factory=list)
    hook: Callable[[str, Asked], Reply | None] = lambda what, asked: None
    lose: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Created] = field(default_factory=dict)
    charged: list[int] = field(default_factory=lambda: [0, 0])
    seen: Counter[str] = field(default_factory=Counter)

    def __call__(self, asked: Asked) -> Reply | None:
        path = asked.path.split("?")[0].removeprefix("/v1")
        for pattern, what in ROUTES:
            if (found := re.fullmatch(pattern, f"{asked.method} {path}")) is None:
                continue
            if reply := self.hook(what, asked):
                return reply
            reply = getattr(self, f"_{what}")(asked, *found.groups())
            return self.hook(f"{what} done", asked) or reply
        return None

    def usd(self) -> float:
        """What the batches cost, at 1000 and 2000 USD per million tokens and half the price."""
        return (self.charged[0] * 1000 + self.charged[1] * 2000) / 1e6 / 2

    def _upload(self, asked: Asked) -> Reply:
        assert b'name="purpose"\r\n\r\nbatch\r\n' in asked.raw
        content = asked.raw.split(b"osca.jsonl", 1)[1].split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 2)[0]
        name = f"file-{len(self.files)}"
        self.files[name] = content.split(b"\r\n--")[0]
        return reply({"id": name, "object": "file", "purpose": "batch"})

    def _create(self, asked: Asked) -> Reply:
        lines = [json.loads(line) for line in self.files[asked.body["input_file_id"]].splitlines()]
        assert {line["url"] for line in lines} == {asked.body["endpoint"]}
        rows = [(line["custom_id"], line["body"]) for line in lines]
        return self._created("openai", asked.body["endpoint"], rows, asked.body["metadata"])

    def _create_messages(self, asked: Asked) -> Reply:
        rows = [(row["custom_id"], row["params"]) for row in asked.body["requests"]]
        return self._created("anthropic", "/v1/messages", rows, {})

    def _created(self, kind: str, path: str, rows: Sequence[Any], metadata: dict[str, str]) -> Reply:
        assert len({name for name, _ in rows}) == len(rows)
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name, _ in rows)
        assert len({body["model"] for _, body in rows}) == 1
        batch = Created(f"batch_{len(self.batches)}", kind, list(rows), metadata, [], time.time())
        self.batches[batch.id] = batch
        if self.most_rows is not None and len(rows) > self.most_rows:
            batch.failure = "token_limit_exceeded", "Enqueued token limit reached"
        elif self.broken:
            batch.failure = self.broken.pop(0)
        else:
            batch.results = [self._worked(kind, path, *row) for row in reversed(rows)]
        if self.lose:
            self.lose -= 1
            return Reply(cut_after=0, body=b"x")
        return reply(self._shown(batch))

    def _worked(self, kind: str, path: str, name: str, body: dict[str, Any]) -> tuple[str, Any]:
        asked = Asked(0, 0.0, path, {}, body)
        fault = self.fault(asked.prompt, self.seen[asked.prompt])
        self.seen[asked.prompt] += 1
        if fault not in {None, "empty"}:
            return name, fault
        answered = answer(asked)
        self.charged[0] += answered.usage[0]
        self.charged[1] += answered.usage[1]
        message = json.loads(answered.body)
        return name, message if fault is None else {**message, "choices": [], "content": None}

    def _list(self, asked: Asked) -> Reply:
        after = re.search(r"after(?:_id)?=(\w+)", asked.path)
        kind = "anthropic" if "messages" in asked.path else "openai"
        newest_first = [batch for batch in reversed(self.batches.values()) if batch.kind == kind]
        names = [batch.id for batch in newest_first]
        start = names.index(after[1]) + 1 if after else 0
        page = newest_first[start : start + 2]
        for batch in page:
            batch.asked += 1
        more = start + 2 < len(names)
        last = page[-1].id if page else None
        return reply({"data": [self._shown(b) for b in page], "has_more": more, "last_id": last})

    def _show(self, asked: Asked, name: str) -> Reply:
        if name not in self.batches:
            return reply({"error": {"message": "no such batch"}}, 404)
        self.batches[name].asked += 1
        return reply(self._shown(self.batches[name]))

    def _shown(self, batch: Created) -> dict[str, Any]:
        ended = batch.asked > self.polls
        total, failed = len(batch.rows), sum(not isinstance(result, dict) for _, result in batch.results)
        if batch.kind == "anthropic":
            counts = {"processing": 0 if ended else total, "succeeded": total - failed if ended else 0}
            counts |= {"errored": failed if ended else 0, "canceled": 0, "expired": 0}
            return {
                "id": batch.id, "type": "message_batch", "request_counts": counts,
                "processing_status": "ended" if ended else "in_progress",
                "created_at": datetime.fromtimestamp(batch.at, UTC).isoformat(),
            }  # fmt: skip
        expired = any(result == "expired" for _, result in batch.results)
        status = ("expired" if expired else "completed") if ended else "in_progress"
        shown: dict[str, Any] = {
            "id": batch.id, "object": "batch", "metadata": batch.metadata, "created_at": int(batch.at),
            "status": "failed" if batch.failure else status,
            "request_counts": {"total": total, "completed": total - failed if ended else 0, "failed": 0},
        }  # fmt: skip
        if batch.failure:
            shown["errors"] = {"data": [dict(zip(("code", "message"), batch.failure, strict=True))]}
        elif ended:
            if failed < total:
                shown["output_file_id"] = f"out-{batch.id}"
            if failed:
                shown["error_file_id"] = f"err-{batch.id}"
        return shown

    def _content(self, asked: Asked, kind: str, name: str) -> Reply:
        results = self.batches[name].results
        chosen = [(row, result) for row, result in results if isinstance(result, dict) == (kind == "out")]
        return lines([_openai(row, result) for row, result in chosen if result != "missing"])

    def _results(self, asked: Asked, name: str) -> Reply:
        results = self.batches[name].results
        return lines([_anthropic(row, result) for row, result in results if result != "missing"])


ROUTES = (
    ("POST /files", "upload"),
    ("GET /files/(out|err)-(.*)/content", "content"),
    ("POST /batches", "create"),
    ("GET /(?:messages/)?batches", "list"),
    ("POST /messages/batches", "create_messages"),
    ("GET /(?:messages/)?batches/([^/]*)", "show"),
    ("GET /messages/batches/(.*)/results", "results"),
)


def reply(data: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status, json.dumps(data).encode())


def lines(rows: list[dict[str, Any]]) -> Reply:
    """Lines of JSON whose texts hold other ends of lines than ours, as they are."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return Reply(body=text.encode(), headers={"content-type": "application/x-jsonl"})


def _openai(name: str, result: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"id": f"row_{name}", "custom_id": name, "response": None, "error": None}
    if isinstance(result, dict):
        return {**row, "response": {"status_code": 200, "request_id": "x", "body": result}}
    if isinstance(result, int):
        body = {"error": {"message": f"told {result}", "type": "x", "code": None}}
        return {**row, "response": {"status_code": result, "request_id": "x", "body": body}}
    return {**row, "error": {"code": f"batch_{result}", "message": f"This request was {result}."}}


def _anthropic(name: str, result: Any) -> dict[str, Any]:
    if isinstance(result, dict):
        return {"custom_id": name, "result": {"type": "succeeded", "message": result}}
    if isinstance(result, int):
        kinds = {400: "invalid_request_error", 401: "authentication_error", 500: "api_error"}
        error = {"type": "error", "error": {"type": kinds[result], "message": f"told {result}"}}
        return {"custom_id": name, "result": {"type": "errored", "error": error}}
    return {"custom_id": name, "result": {"type": {"cancelled": "canceled"}.get(result, result)}}
