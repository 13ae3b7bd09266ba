"""One way to ask a server of models, and one reading of what goes wrong.

Requests go through the vendors' SDKs, whose own retries are off: a refused request is seen by osca's limiter,
and every attempt is paid for from the same purse. Bodies are ours, since the SDKs' signatures lack parameters
that servers take (docs/decisions/060-hosted-models.md).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import anyio
import httpx2

from osca_backends.rate_headers import quota, retry_after
from osca_cli.errors import (
    BackendError,
    BusyError,
    LostAnswerError,
    RefusedError,
    RejectedError,
    RetryableError,
    UnavailableError,
)
from osca_cli.model import Json, Quota

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

TIMEOUT_S = 600.0
CONNECT_TIMEOUT_S = 10.0

Data: TypeAlias = Mapping[str, Any]

# How servers say that one prompt is at fault, and not all that a configuration asks.
_OF_THE_PROMPT = (
    "content_filter", "content_policy", "content management policy", "context length", "context size",
    "context window", "context_length", "exceed_context", "input is too long", "maximum context",
    "prompt is too long", "string_above_max_length", "too many tokens", "usage policies",
)  # fmt: skip
# A rate limit that no waiting ends.
_OUT_OF_CREDIT = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota")
_BUSY = {429, 503, 529}


def integer(value: object) -> int | None:
    """Return a count that a server says, or ``None`` where it says none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping(value: object) -> Data:
    """Return a JSON object that a server may leave out."""
    return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and how to be let in.

    Attributes:
        base_url: As the SDK takes it.
        vendor: Whether it is the vendor's own server.
        key: The key itself, which must not be shown; ``None`` where the server wants none.
        timeout_s: How long one answer may take, from the first byte sent to the last one read.
    """

    base_url: str
    vendor: bool
    key: str | None
    timeout_s: float

    @property
    def host(self) -> str:
        """The server's name, as messages have it."""
        return urlsplit(self.base_url).netloc

    def without_key(self, text: str) -> str:
        """Return what a server said without the key: some repeat it."""
        return text.replace(self.key, "[key]") if self.key else text


def place(settings: Mapping[str, Json], *, vendor_url: str, key_variable: str) -> Place:
    """Read where a backend's server is from its settings, and its key from the environment.

    The vendor's key is never sent elsewhere: another server has its own ``api_key_env``, or gets none.

    Raises:
        UnavailableError: the variable that should hold the key is not set.
    """
    base_url = str(settings.get("base_url") or vendor_url)
    vendor = urlsplit(base_url).hostname == urlsplit(vendor_url).hostname
    variable = settings.get("api_key_env") or (key_variable if vendor else None)
    key = None if variable is None else os.environ.get(str(variable), "")
    if key == "":
        raise UnavailableError(
            f"{urlsplit(base_url).netloc} needs a key, and the environment variable {variable} is not set; "
            "set it, or name another one with api_key_env in the backend's entry"
        )
    timeout = settings.get("timeout_s")
    return Place(base_url, vendor, key, float(timeout) if isinstance(timeout, int | float) else TIMEOUT_S)


def http_client(timeout_s: float) -> httpx2.AsyncClient:
    """Return a client that keeps as many connections as there are requests in flight.

    It follows no redirects: another server would be sent the key.
    """
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=1000),
        follow_redirects=False,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer.

    Attributes:
        data: Its JSON.
        host: Whose it is, as messages have it.
        seconds: From sending the request to having the answer; ``None`` where nobody waited for it.
        quota: What is left of the server's rate limit, if it says so.
    """

    data: Data
    host: str
    seconds: float | None
    quota: Quota | None


class Connection:
    """Asks one server through an SDK's client.

    Args:
        sdk: The SDK's module: ``openai`` or ``anthropic``, whose errors have the same names.
        client: The SDK's asynchronous client.
        http: The HTTP client that it uses.
        place: The server.
        clock: Tells the time in seconds.
    """

    def __init__(
        self,
        sdk: Any,
        client: Any,
        http: httpx2.AsyncClient,
        place: Place,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.place = place
        self._sdk = sdk
        self._client = client
        self._http = http
        self._clock = clock

    async def post(self, path: str, body: Mapping[str, Json]) -> Answer:
        """Send a request and return the answer, which is a JSON object.

        Raises:
            RetryableError: the same request may succeed later.
            RejectedError: the server does not take this prompt.
            RefusedError: the server does not take the key, the model or a parameter.
        """
        start = self._clock()
        response = await self._whole(self._client.post(path, cast_to=httpx2.Response, body=body))
        return Answer(self._read(response), self.place.host, self._clock() - start, quota(response.headers))

    async def post_bytes(self, path: str, content: bytes) -> Data:
        """Send JSON that is spelled already; return the answer. Raises what :meth:`post` does."""
        headers = {"headers": {"Content-Type": "application/json"}}
        sent = self._client.post(path, cast_to=httpx2.Response, content=content, options=headers)
        return self._read(await self._whole(sent))

    async def upload(self, path: str, name: str, content: bytes, fields: Mapping[str, str]) -> Data:
        """Send a file with the fields of its form; return the answer. Raises what :meth:`post` does."""
        sent = self._client.post(
            path,
            cast_to=httpx2.Response,
            body=fields,
            files={"file": (name, content)},
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )
        return self._read(await self._whole(sent))

    async def get(self, path: str, **query: str | int) -> Data:
        """Return what is at a path. Raises what :meth:`post` does."""
        got = self._client.get(path, cast_to=httpx2.Response, options={"params": query})
        return self._read(await self._whole(got))

    async def lines(self, path: str) -> AsyncGenerator[Data]:
        """Yield the JSON object of each line of a file, as they arrive. Raises what :meth:`post` does."""
        sent = {**self._client.default_headers, **self._client.auth_headers}
        headers = {name: value for name, value in sent.items() if isinstance(value, str)}
        address = str(self._client.base_url).rstrip("/") + path
        try:
            async with self._http.stream("GET", address, headers=headers) as response:
                if not response.is_success:
                    await response.aread()
                    raise self.refusal(response.status_code, response.text, response.headers)
                async for line in _lines(response.aiter_bytes()):
                    yield mapping(json.loads(self.place.without_key(line.decode())))
        except httpx2.TransportError as error:
            raise self._broken(error) from None
        except ValueError:
            raise LostAnswerError(self.says("sent a line that is not JSON")) from None

    async def _whole(self, asked: Awaitable[httpx2.Response]) -> httpx2.Response:
        """Return a response that is there as a whole in time."""
        try:
            with anyio.fail_after(self.place.timeout_s):
                return await asked
        except TimeoutError:
            raise LostAnswerError(self.says(f"no answer within {self.place.timeout_s:g} s")) from None
        except self._sdk.APIStatusError as error:
            response = error.response
            raise self.refusal(error.status_code, response.text, response.headers) from None
        except self._sdk.APIConnectionError as error:
            raise self._broken(error.__cause__) from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _read(self, response: httpx2.Response) -> Data:
        try:
            data = json.loads(self.place.without_key(response.content.decode()))
        except ValueError:
            data = None
        if not isinstance(data, dict):
            kind = response.headers.get("content-type", "no content type")
            raise LostAnswerError(self.says(f"answered with something that is not a JSON object ({kind})"))
        if isinstance(error := data.get("error"), dict):  # some gateways put it into a 200
            code = error.get("code")
            raise self.refusal(code if isinstance(code, int) else 500, response.text, response.headers)
        return data

    def _broken(self, cause: BaseException | None) -> BackendError:
        """Tell a request that never left from an answer that was lost."""
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
            return RetryableError(self.says("cannot be reached; is it running?"))
        if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
            return RefusedError(self.says(f"is no address of a server: {cause}"))
        return LostAnswerError(self.says(f"the connection broke before the answer was whole: {cause}"))

    def refusal(self, status: int, text: str, headers: Mapping[str, str]) -> BackendError:
        """Return what an error of the server means for this request, and for those like it."""
        message = self.says(f"{status}: {_message(self.place.without_key(text))}")
        lowered = text.lower()
        if status == 429 and any(words in lowered for words in _OUT_OF_CREDIT):
            return RefusedError(message)
        if status in _BUSY:
            return BusyError(message, retry_after_s=retry_after(headers))
        if status in {408, 409, 425} or status >= 500:
            return RetryableError(message, retry_after_s=retry_after(headers))
        if 300 <= status < 400:
            elsewhere = headers.get("location", "another address")
            return RefusedError(self.says(f"{status}: sends to {elsewhere}; write that as base_url"))
        if status == 413 or (status in {400, 422} and any(words in lowered for words in _OF_THE_PROMPT)):
            return RejectedError(message)
        return RefusedError(message)

    def says(self, what: str) -> str:
        """Return a message that names the server, and never holds the key."""
        return self.place.without_key(f"{self.place.host}: {what}")


def _message(text: str) -> str:
    """Return the words of an error: those that the server's JSON has, else the beginning of its text."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    error = data.get("error", data) if isinstance(data, dict) else data
    said = error.get("message") if isinstance(error, dict) else error
    return " ".join((said if isinstance(said, str) else text).split())[:500] or "no reason given"


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Cut bytes at line feeds alone: texts may hold other characters that end a line."""
    rest: list[bytes] = []
    async for piece in pieces:
        *ended, last = piece.split(b"\n")
        for end in ended:
            if line := b"".join((*rest, end)).strip():
                yield line
            rest = []
        rest.append(last)
    if line := b"".join(rest).strip():
        yield line
