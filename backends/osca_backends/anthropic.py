"""The Anthropic API, and servers that speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from osca_backends.anthropic_batches import AnthropicBatches
from osca_backends.connection import integer, mapping
from osca_backends.hosted import Hosted, refuse_reserved
from osca_cli.errors import LostAnswerError, RefusedError
from osca_cli.model import Chat, Sample, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2

    from osca_backends.connection import Answer, Data, Place
    from osca_cli.model import Json, Request

# The one parameter that the API does not go without.
DEFAULTS: Mapping[str, Json] = {"max_tokens": 4096}

RESERVED = frozenset({"messages", "model", "stream", "system"})

# As the other backends call it.
_FINISH_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}


class Anthropic(Hosted):
    """The ``anthropic`` backend. Settings: ``base_url``, ``api_key_env``, ``timeout_s``, ``max_in_flight``.

    The API takes no seed.
    """

    parameters: ClassVar[frozenset[str]] = frozenset(
        {"temperature", "top_p", "top_k", "max_tokens", "stop", "reasoning_effort", "thinking_tokens"}
    )
    prompts: ClassVar[frozenset[Literal["chat", "completion"]]] = frozenset({"chat"})
    sdk: ClassVar[str] = "anthropic"
    vendor_url: ClassVar[str] = "https://api.anthropic.com"
    key_variable: ClassVar[str] = "ANTHROPIC_API_KEY"

    @property
    def batches(self) -> AnthropicBatches:
        """The server's batch API."""
        return AnthropicBatches(self._connection, _body, _sample)

    def sent(self, parameters: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the parameters with ``max_tokens``, which the API does not go without."""
        return {**DEFAULTS, **parameters}

    async def draw(self, model: str, request: Request, seeds: Sequence[int]) -> Sequence[Sample]:  # noqa: ARG002 - no seed
        """Draw one sample.

        Raises:
            RetryableError: the same request may succeed later.
            RejectedError: the server does not take this prompt.
            RefusedError: the server does not take the key, the model or a parameter.
            UnavailableError: there is no key.
        """
        return [_sample(await self._connection().post("/v1/messages", _body(model, request)))]

    def _sdk_client(self, sdk: Any, where: Place, http: httpx2.AsyncClient) -> Any:
        address = where.base_url.rstrip("/").removesuffix("/v1")  # the path of a request begins with it
        return sdk.AsyncAnthropic(
            api_key=where.key or "none", base_url=address, max_retries=0, http_client=http
        )


def _body(model: str, request: Request) -> dict[str, Json]:
    """Return the body of the request for a sample."""
    refuse_reserved(request.extra, RESERVED)
    return {"model": model, **_parameters(request.parameters), **_prompt(request), **request.extra}


def _prompt(request: Request) -> dict[str, Json]:
    """Return the messages; what the system says stands beside them."""
    if not isinstance(request.prompt, Chat):
        raise RefusedError("anthropic takes chat prompts only; write the prompt as a text or as messages")
    system = "\n\n".join(content for role, content in request.prompt.messages if role == "system")
    messages = [message._asdict() for message in request.prompt.messages if message.role != "system"]
    return {"messages": messages, **({"system": system} if system else {})}


def _parameters(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """Return the sampling parameters as the API calls them."""
    sent = dict(parameters)
    if "stop" in sent:
        sent["stop_sequences"] = sent.pop("stop")
    if "reasoning_effort" in sent:
        sent["output_config"] = {"effort": sent.pop("reasoning_effort")}
    if "thinking_tokens" in sent:
        sent["thinking"] = {"type": "enabled", "budget_tokens": sent.pop("thinking_tokens")}
    return sent


def _sample(answer: Answer) -> Sample:
    """Read an answer; of its blocks only the text is what the model says.

    Raises:
        LostAnswerError: it has no content.
    """
    data = answer.data
    usage = _usage(mapping(data.get("usage")))
    content = data.get("content")
    if not isinstance(content, list) or data.get("stop_reason") is None:
        raise LostAnswerError(f"{answer.host}: answered without content", usage=usage)
    reason = str(data["stop_reason"])
    return Sample(
        text="".join(
            str(block.get("text", "")) for block in map(mapping, content) if block.get("type") == "text"
        ),
        finish_reason=_FINISH_REASONS.get(reason, reason),
        input_tokens=usage.input if usage else None,
        output_tokens=usage.output if usage else None,
        cached_tokens=usage.cached if usage else None,
        reasoning_tokens=usage.reasoning if usage else None,
        seconds=answer.seconds,
        model=str(data["model"]) if data.get("model") else None,
        quota=answer.quota,
    )


def _usage(usage: Data) -> Usage | None:
    """Return the tokens; the API counts what was read from and written to its prompt cache apart."""
    given, written = integer(usage.get("input_tokens")), integer(usage.get("output_tokens"))
    if given is None or written is None:
        return None
    read = integer(usage.get("cache_read_input_tokens")) or 0
    stored = integer(usage.get("cache_creation_input_tokens")) or 0
    return Usage(
        input=given + read + stored,
        output=written,
        cached=read,
        reasoning=integer(mapping(usage.get("output_tokens_details")).get("thinking_tokens")),
    )
