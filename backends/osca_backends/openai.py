"""The OpenAI API, and every server that speaks it: vLLM, llama.cpp, Ollama, SGLang and gateways.

A vendor's own server takes fewer parameters than the others, and names one of them otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from osca_backends.connection import integer, mapping
from osca_backends.hosted import Hosted, refuse_reserved, shared
from osca_backends.logprobs import asking, logprobs_of
from osca_backends.openai_batches import OpenAIBatches
from osca_cli.errors import LostAnswerError
from osca_cli.model import Chat, Sample, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2

    from osca_backends.connection import Answer, Data, Place
    from osca_cli.model import Json, Request
    from osca_cli.protocols import Site

# What osca itself fills in; `extra` may hold anything else.
RESERVED = frozenset(
    {"logprobs", "messages", "model", "n", "prompt", "seed", "stream", "stream_options", "top_logprobs"}
)


class OpenAI(Hosted):
    """The ``openai`` backend.

    Settings: ``base_url``, ``api_key_env``, ``timeout_s``, ``max_in_flight``; ``seed: false`` for servers
    that do not take a seed; ``n``, how many samples of a prompt one request asks for.
    """

    parameters: ClassVar[frozenset[str]] = frozenset(
        {"temperature", "top_p", "top_k", "min_p", "max_tokens", "stop", "reasoning_effort", "logprobs"}
    )
    prompts: ClassVar[frozenset[Literal["chat", "completion"]]] = frozenset({"chat", "completion"})
    sdk: ClassVar[str] = "openai"
    vendor_url: ClassVar[str] = "https://api.openai.com/v1"
    key_variable: ClassVar[str] = "OPENAI_API_KEY"

    def __init__(
        self, settings: Mapping[str, Json], site: Site, *, client: httpx2.AsyncClient | None = None
    ) -> None:
        super().__init__(settings, site, client=client)
        self.samples_per_request = integer(settings.get("n")) or 1

    @property
    def batches(self) -> OpenAIBatches:
        """The server's batch API."""
        return OpenAIBatches(self._connection, self._asked, _read)

    def sent(self, parameters: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the parameters as they are: a server's defaults are its own, and some take no others."""
        return parameters

    async def draw(self, model: str, request: Request, seeds: Sequence[int]) -> Sequence[Sample]:
        """Draw samples by one request, with the first seed: as many as there are seeds, if the server likes.

        Raises:
            RetryableError: the same request may succeed later.
            RejectedError: the server does not take this prompt.
            RefusedError: the server does not take the key, the model or a parameter.
            UnavailableError: there is no key.
        """
        path, body = self._asked(model, request, seeds[0])
        if len(seeds) > 1:
            body["n"] = len(seeds)
        return _samples(await self._connection().post(path, body), len(seeds))

    def _asked(self, model: str, request: Request, seed: int) -> tuple[str, dict[str, Json]]:
        """Return the path and the body of the request for one sample."""
        refuse_reserved(request.extra, RESERVED)
        body = {"model": model, **self._parameters(request), **request.extra}
        body |= asking(request.logprobs, chat=isinstance(request.prompt, Chat))
        if self._settings.get("seed") is not False:
            body["seed"] = seed
        if isinstance(request.prompt, Chat):
            messages = [message._asdict() for message in request.prompt.messages]
            return "/chat/completions", {**body, "messages": messages}
        return "/completions", {**body, "prompt": request.prompt.text}

    def _parameters(self, request: Request) -> dict[str, Json]:
        """Return the sampling parameters as this server calls them."""
        sent = dict(request.parameters)
        if "max_tokens" in sent and self._connection().place.vendor and isinstance(request.prompt, Chat):
            sent["max_completion_tokens"] = sent.pop("max_tokens")
        return sent

    def _sdk_client(self, sdk: Any, where: Place, http: httpx2.AsyncClient) -> Any:
        key = where.key or "none"
        client = sdk.AsyncOpenAI(api_key=key, base_url=where.base_url, max_retries=0, http_client=http)
        if not where.vendor:
            client.organization = client.project = None  # from the environment, and for the vendor
        return client


def _read(answer: Answer) -> Sample:
    """Read the one choice of an answer."""
    return _samples(answer, 1)[0]


def _samples(answer: Answer, asked: int) -> list[Sample]:
    """Read the choices of an answer, at most as many as were asked for.

    Raises:
        LostAnswerError: there is none.
    """
    data = answer.data
    usage = _usage(mapping(data.get("usage")))
    told = data.get("choices")
    choices = (
        [choice for choice in told if isinstance(choice, dict)][:asked] if isinstance(told, list) else []
    )
    if not choices:
        raise LostAnswerError(f"{answer.host}: answered without a choice", usage=usage)
    if len(choices) > 1 and "timings" in data:
        usage = None  # llama.cpp counts the tokens of one choice only
    shares = shared(usage, len(choices))
    return [
        _sample(answer, choice, share, len(choices)) for choice, share in zip(choices, shares, strict=True)
    ]


def _sample(answer: Answer, choice: Data, usage: Usage | None, choices: int) -> Sample:
    text, finish_reason = _text(choice)
    return Sample(
        text=text,
        finish_reason=finish_reason,
        input_tokens=usage.input if usage else None,
        output_tokens=usage.output if usage else None,
        cached_tokens=usage.cached if usage else None,
        reasoning_tokens=usage.reasoning if usage else None,
        seconds=answer.seconds,
        model=str(answer.data["model"]) if answer.data.get("model") else None,
        quota=answer.quota,
        logprobs=logprobs_of(choice),
        choices=choices,
    )


def _text(choice: Data) -> tuple[str, str]:
    """Return what was written and why it ended; a refusal is an answer like any other."""
    message = mapping(choice.get("message"))
    finish_reason = str(choice.get("finish_reason") or "unknown")
    if refusal := message.get("refusal"):
        return str(message.get("content") or refusal), "refusal"
    return str(message.get("content") or choice.get("text") or ""), finish_reason


def _usage(usage: Data) -> Usage | None:
    given, written = integer(usage.get("prompt_tokens")), integer(usage.get("completion_tokens"))
    if given is None or written is None:
        return None
    return Usage(
        input=given,
        output=written,
        cached=integer(mapping(usage.get("prompt_tokens_details")).get("cached_tokens")) or 0,
        reasoning=integer(mapping(usage.get("completion_tokens_details")).get("reasoning_tokens")),
    )
