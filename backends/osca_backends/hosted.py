"""What the backends of hosted models do alike (docs/decisions/060-hosted-models.md)."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from osca_backends.connection import Connection, Place, http_client, place
from osca_cli.errors import RefusedError
from osca_cli.model import Usage

if TYPE_CHECKING:
    import httpx2

    from osca_cli.model import Json
    from osca_cli.protocols import Site

MAX_IN_FLIGHT = 64


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
    samples_per_request: int = 1
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
        """Return the SDK, its version and the server's name: the rest of its address may be secret."""
        server = urlsplit(str(self._settings.get("base_url") or self.vendor_url)).netloc
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
            self._connected = Connection(sdk, self._sdk_client(sdk, where, http), http, where)
        return self._connected

    def _sdk_client(self, sdk: Any, where: Place, http: httpx2.AsyncClient) -> Any:
        raise NotImplementedError


def shared(usage: Usage | None, parts: int) -> list[Usage | None]:
    """Share the tokens of an answer out over its samples, as equally as whole numbers can be; they add up."""
    if usage is None:
        return [None] * parts
    columns = [_parts(count, parts) for count in (usage.input, usage.output, usage.cached)]
    reasoning = [None] * parts if usage.reasoning is None else _parts(usage.reasoning, parts)
    return [Usage(*counts) for counts in zip(*columns, reasoning, strict=True)]


def _parts(count: int, parts: int) -> list[int]:
    least, more = divmod(count, parts)
    return [least + (part < more) for part in range(parts)]


def refuse_reserved(extra: Mapping[str, Json], reserved: frozenset[str]) -> None:
    """Refuse what osca itself fills in.

    Raises:
        RefusedError: ``extra`` has one of these keys.
    """
    if taken := sorted(reserved & extra.keys()):
        raise RefusedError(f"extra: {', '.join(taken)}: osca sets this itself; leave it out")
