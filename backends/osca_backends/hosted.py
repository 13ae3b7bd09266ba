"""What the backends of hosted models share: one way to ask a server, and one reading of what goes wrong.

Requests go through the vendors' SDKs, whose own retries are off: a refused request is seen by osca's limiter,
and every attempt is paid for from the same purse. Bodies are ours, since the SDKs' signatures lack parameters
that servers take (docs/decisions/060-hosted-models.md).
"""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias
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
    from collections.abc import Callable

    from osca_cli.protocols import Site

MAX_IN_FLIGHT = 64
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


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and how to be let in.

    Attributes:
        base_url: As the SDK takes it.
        vendor: Whether it is the vendor's own server.
        key: The key itself, which must not be shown.
        timeout_s: How long one answer may take, from the first byte sent to the last one read.
    """

    base_url: str
    vendor: bool
    key: str
    timeout_s: float

    @property
    def host(self) -> str:
        """The server's name, as messages have it."""
        return urlsplit(self.base_url).netloc


def place(settings: Mapping[str, Json], *, vendor_url: str, key_variable: str) -> Place:
    """Read where a backend's server is from its settings, and its key from the environment.

    The vendor's key is never sent elsewhere: another server has its own ``api_key_env``, or gets none.

    Raises:
        UnavailableError: the variable that should hold the key is not set.
    """
    base_url = str(settings.get("base_url") or vendor_url)
    vendor = urlsplit(base_url).hostname == urlsplit(vendor_url).hostname
    variable = settings.get("api_key_env") or (key_variable if vendor else None)
    key = "none" if variable is None else os.environ.get(str(variable), "")
    if not key:
        raise UnavailableError(
            f"{urlsplit(base_url).netloc} needs a key, and the environment variable {variable} is not set; "
            "set it, or name another one with api_key_env in the backend's entry"
        )
    timeout = settings.get("timeout_s")
    return Place(base_url, vendor, key, float(timeout) if isinstance(timeout, int | float) else TIMEOUT_S)


def http_client(timeout_s: float) -> httpx2.AsyncClient:
    """Return a client that keeps as many connections as there are requests in flight."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=1000),
        follow_redirects=True,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer.

    Attributes:
        data: Its JSON.
        host: Whose it is, as messages have it.
        seconds: From sending the request to having the answer.
        quota: What is left of the server's rate limit, if it says so.
    """

    data: Data
    host: str
    seconds: float
    quota: Quota | None


class Connection:
    """Asks one server through an SDK's client.

    Args:
        sdk: The SDK's module: ``openai`` or ``anthropic``, whose errors have the same names.
        client: The SDK's asynchronous client.
        place: The server.
        clock: Tells the time in seconds.
    """

    def __init__(
        self, sdk: Any, client: Any, place: Place, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.place = place
        self._sdk = sdk
        self._client = client
        self._clock = clock

    async def post(self, path: str, body: Mapping[str, Json]) -> Answer:
        """Send a request and return the answer, which is a JSON object.

        Raises:
            RetryableError: the same request may succeed later.
            RejectedError: the server does not take this prompt.
            RefusedError: the server does not take the key, the model or a parameter.
        """
        start = self._clock()
        try:
            with anyio.fail_after(self.place.timeout_s):
                response = await self._client.post(path, cast_to=httpx2.Response, body=body)
        except TimeoutError:
            raise LostAnswerError(self._says(f"no answer within {self.place.timeout_s:g} s")) from None
        except self._sdk.APIStatusError as error:
            raise self._refusal(error.status_code, error.response) from None
        except self._sdk.APIConnectionError as error:
            raise self._broken(error) from None
        return Answer(self._read(response), self.place.host, self._clock() - start, quota(response.headers))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _read(self, response: httpx2.Response) -> Data:
        try:
            data = response.json()
        except ValueError:
            data = None
        if not isinstance(data, dict):
            kind = response.headers.get("content-type", "no content type")
            raise LostAnswerError(self._says(f"answered with something that is not a JSON object ({kind})"))
        if isinstance(error := data.get("error"), dict):  # some gateways put it into a 200
            code = error.get("code")
            raise self._refusal(code if isinstance(code, int) else 500, response)
        return data

    def _broken(self, error: Exception) -> BackendError:
        """Tell a request that never left from an answer that was lost."""
        cause = error.__cause__
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
            return RetryableError(self._says("cannot be reached; is it running?"))
        if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
            return RefusedError(self._says(f"is no address of a server: {cause}"))
        return LostAnswerError(self._says(f"the connection broke before the answer was whole: {cause}"))

    def _refusal(self, status: int, response: httpx2.Response) -> BackendError:
        """Return what an error of the server means for this request, and for those like it."""
        said = _message(response)
        message = self._says(f"{status}: {said}")
        lowered = response.text.lower()
        if status == 429 and any(words in lowered for words in _OUT_OF_CREDIT):
            return RefusedError(message)
        if status in _BUSY:
            return BusyError(message, retry_after_s=retry_after(response.headers))
        if status in {408, 409, 425} or status >= 500:
            return RetryableError(message, retry_after_s=retry_after(response.headers))
        if status == 413 or (status in {400, 422} and any(words in lowered for words in _OF_THE_PROMPT)):
            return RejectedError(message)
        return RefusedError(message)

    def _says(self, what: str) -> str:
        """Return a message that names the server, and never holds the key: some servers repeat it."""
        return f"{self.place.host}: {what}".replace(self.place.key, "[key]")


def _message(response: httpx2.Response) -> str:
    """Return the words of an error: those that the server's JSON has, else the beginning of its text."""
    try:
        data = json.loads(response.text)
    except ValueError:
        data = None
    error = data.get("error", data) if isinstance(data, dict) else data
    said = error.get("message") if isinstance(error, dict) else error
    text = said if isinstance(said, str) else response.text
    return " ".join(text.split())[:500] or "no reason given"


class Hosted:
    """What all backends of hosted models do alike.

    Args:
        settings: Of the spec's entry: ``base_url``, ``api_key_env``, ``timeout_s``, ``max_in_flight``.
        site: Where the backend works.
        client: The HTTP client to use instead of one of our own.
    """

    sdk: ClassVar[str]
    vendor_url: ClassVar[str]
    key_variable: ClassVar[str]
    samples_per_request: ClassVar[int] = 1
    deterministic_at_zero: ClassVar[bool] = False
    hosted: ClassVar[bool] = True

    def __init__(
        self,
        settings: Mapping[str, Json],
        site: Site,  # noqa: ARG002 - part of the protocol
        *,
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        in_flight = settings.get("max_in_flight")
        self.max_in_flight = in_flight if isinstance(in_flight, int) else MAX_IN_FLIGHT
        self._settings = settings
        self._http = client
        self._connected: Connection | None = None

    def identify(self, model: str) -> str:
        """Return the model's name: what a server serves under it, it alone knows."""
        return model

    def provenance(self) -> Mapping[str, str]:
        """Return the SDK, its version and the server's address."""
        server = str(self._settings.get("base_url") or self.vendor_url)
        return {"engine": self.sdk, "version": version(self.sdk), "server": server}

    async def aclose(self) -> None:
        """Close the connections."""
        if self._connected is not None:
            await self._connected.aclose()

    def _connection(self) -> Connection:
        """Return the connection, made when first asked for: importing an SDK takes seconds."""
        if self._connected is None:
            where = place(self._settings, vendor_url=self.vendor_url, key_variable=self.key_variable)
            sdk = importlib.import_module(self.sdk)
            http = self._http or http_client(where.timeout_s)
            self._connected = Connection(sdk, self._sdk_client(sdk, where, http), where)
        return self._connected

    def _sdk_client(self, sdk: Any, where: Place, http: httpx2.AsyncClient) -> Any:
        raise NotImplementedError


def integer(value: object) -> int | None:
    """Return a count that a server says, or ``None`` where it says none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping(value: object) -> Data:
    """Return a JSON object that a server may leave out."""
    return value if isinstance(value, Mapping) else {}


def refuse_reserved(extra: Mapping[str, Json], reserved: frozenset[str]) -> None:
    """Refuse what osca itself fills in.

    Raises:
        RefusedError: ``extra`` has one of these keys.
    """
    if taken := sorted(reserved & extra.keys()):
        raise RefusedError(f"extra: {', '.join(taken)}: osca sets this itself; leave it out")
