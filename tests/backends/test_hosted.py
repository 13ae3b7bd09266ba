"""The backends of hosted models, over the official SDKs and a transport that answers in place of a server."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import anyio
import httpx2
import pytest

from osca_backends.anthropic import Anthropic
from osca_backends.openai import OpenAI
from osca_cli.errors import LostAnswerError, RefusedError, RejectedError, UnavailableError
from osca_cli.model import Chat, Completion, Message, Prompt, Request, Sample
from osca_cli.protocols import Site

CHAT = Chat((Message("system", "Be brief."), Message("user", "What is 1 + 1?")))
OPENAI_ANSWER: dict[str, Any] = {
    "id": "x",
    "model": "tiny-2026",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "2"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 12},
        "completion_tokens_details": {"reasoning_tokens": 5},
    },
}
ANTHROPIC_ANSWER: dict[str, Any] = {
    "id": "x",
    "model": "claude-2026",
    "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "2"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 8, "cache_read_input_tokens": 12, "output_tokens": 7},
}

Ask = Callable[..., tuple[Sample, dict[str, Any], httpx2.Request]]


def request(parameters: Mapping[str, Any], prompt: Prompt = CHAT, **extra: Any) -> Request:
    return Request("test", "tiny", prompt, parameters, extra)


@pytest.fixture
def ask(site: Site, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Draw a sample; return it with the body and the request that were sent."""
    monkeypatch.setenv("OPENAI_API_KEY", "openai-key")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "anthropic-key")

    def asked(
        kind: type[OpenAI] | type[Anthropic],
        parameters: Mapping[str, Any] | None = None,
        *,
        answer: object = None,
        status: int = 200,
        settings: Mapping[str, Any] | None = None,
        prompt: Prompt = CHAT,
        headers: Mapping[str, str] | None = None,
        logprobs: int | None = None,
        **extra: Any,
    ) -> tuple[Sample, dict[str, Any], httpx2.Request]:
        seen: list[httpx2.Request] = []
        right = OPENAI_ANSWER if kind is OpenAI else ANTHROPIC_ANSWER

        def handle(received: httpx2.Request) -> httpx2.Response:
            seen.append(received)
            body = json.dumps(right if answer is None else answer)
            return httpx2.Response(status, text=body, headers=headers)

        async def draw() -> Sample:
            client = httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
            backend = kind(settings or {}, site, client=client)
            sent = backend.sent(parameters or {})
            asked = replace(request(sent, prompt, **extra), logprobs=logprobs)
            try:
                [sample] = await backend.draw("tiny", asked, [41])
            finally:
                await backend.aclose()
            return sample

        sample = anyio.run(draw)
        return sample, json.loads(seen[0].content), seen[0]

    return asked


def test_openai_sends_the_parameters_of_the_configuration_and_no_others(ask):
    _, body, sent = ask(
        OpenAI, {"temperature": 0.5, "max_tokens": 9, "stop": ["x"], "reasoning_effort": "low"}, top_a=0.1
    )

    assert str(sent.url) == "https://api.openai.com/v1/chat/completions"
    assert sent.headers["authorization"] == "Bearer openai-key"
    assert body == {
        "model": "tiny",
        "messages": [message._asdict() for message in CHAT.messages],
        "temperature": 0.5,
        "max_completion_tokens": 9,
        "stop": ["x"],
        "reasoning_effort": "low",
        "seed": 41,
        "top_a": 0.1,
    }


def test_a_compatible_server_gets_max_tokens_and_never_the_vendors_key(ask):
    _, body, sent = ask(
        OpenAI, {"max_tokens": 9, "top_k": 4, "min_p": 0.1}, settings={"base_url": "http://box:8000/v1"}
    )

    assert str(sent.url) == "http://box:8000/v1/chat/completions"
    assert "openai-key" not in str(sent.headers.raw)
    assert (body["max_tokens"], body["top_k"], body["min_p"]) == (9, 4, 0.1)


def test_a_compatible_server_has_a_key_of_its_own(ask, monkeypatch):
    monkeypatch.setenv("BOX_KEY", "box-key")
    settings = {"base_url": "http://box:8000", "api_key_env": "BOX_KEY"}

    assert ask(OpenAI, settings=settings)[2].headers["authorization"] == "Bearer box-key"
    assert ask(Anthropic, settings=settings)[2].headers["authorization"] == "Bearer box-key"


def test_a_server_without_seeds_is_sent_none(ask):
    assert "seed" not in ask(OpenAI, settings={"seed": False})[1]


def test_openai_continues_plain_text(ask):
    choice = {"text": "2", "finish_reason": "length"}
    sample, body, sent = ask(
        OpenAI, {"max_tokens": 3}, prompt=Completion("1 + 1 ="), answer={**OPENAI_ANSWER, "choices": [choice]}
    )

    assert sent.url.path == "/v1/completions"
    assert (body["prompt"], body["max_tokens"]) == ("1 + 1 =", 3)
    assert (sample.text, sample.finish_reason) == ("2", "length")


def test_openai_reads_tokens_with_their_parts(ask):
    sample, *_ = ask(
        OpenAI, headers={"x-ratelimit-remaining-requests": "4", "x-ratelimit-reset-requests": "1.5s"}
    )

    assert (sample.text, sample.finish_reason, sample.model) == ("2", "stop", "tiny-2026")
    assert (sample.input_tokens, sample.output_tokens) == (20, 7)
    assert (sample.cached_tokens, sample.reasoning_tokens) == (12, 5)
    assert sample.quota is not None
    assert (sample.quota.remaining, sample.quota.reset_s) == (4, 1.5)


def test_a_refusal_is_a_sample(ask):
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    answer = {**OPENAI_ANSWER, "choices": [{"message": message, "finish_reason": "stop"}]}

    sample, *_ = ask(OpenAI, answer=answer)

    assert (sample.text, sample.finish_reason) == ("I cannot help with that.", "refusal")


def test_an_answer_that_ends_in_its_reasoning_is_an_empty_sample(ask):
    message = {"role": "assistant", "content": None}
    answer = {**OPENAI_ANSWER, "choices": [{"message": message, "finish_reason": "length"}]}

    assert ask(OpenAI, answer=answer)[0].text == ""


def draw_many(site: Site, answer: dict[str, Any], number: int = 3) -> tuple[list[Sample], dict[str, Any]]:
    """Ask for several samples by one request; return them with the body that was sent."""
    bodies = []

    def handle(received: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(received.content))
        return httpx2.Response(200, json=answer)

    async def draw() -> list[Sample]:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
        backend = OpenAI({"base_url": "http://box:8000/v1", "n": 8}, site, client=client)
        try:
            return list(await backend.draw("tiny", request({}), range(41, 41 + number)))
        finally:
            await backend.aclose()

    return anyio.run(draw), bodies[0]


def choices_of(*texts: str) -> dict[str, Any]:
    choices = [{"index": i, "message": {"content": text}} for i, text in enumerate(texts)]
    return {**OPENAI_ANSWER, "choices": choices}


def test_the_tokens_of_one_answer_are_shared_out_and_add_up(site):
    samples, body = draw_many(site, choices_of("1", "2", "3"))

    assert (body["n"], body["seed"]) == (3, 41)
    assert [sample.text for sample in samples] == ["1", "2", "3"]
    assert {sample.choices for sample in samples} == {3}
    assert [sample.input_tokens for sample in samples] == [7, 7, 6]
    assert [sample.output_tokens for sample in samples] == [3, 2, 2]
    assert sum(sample.cached_tokens for sample in samples) == 12
    assert sum(sample.reasoning_tokens for sample in samples) == 5
    assert all(sample.cached_tokens <= sample.input_tokens for sample in samples)


def test_no_more_samples_are_taken_than_were_asked_for_and_what_is_no_choice_is_left_out(site):
    answer = choices_of("1", "2", "3")
    answer["choices"].insert(1, None)

    assert [sample.text for sample in draw_many(site, answer, 2)[0]] == ["1", "2"]
    assert sum(sample.output_tokens for sample in draw_many(site, answer, 2)[0]) == 7


def test_llama_cpp_counts_one_choice_so_that_the_tokens_of_several_are_unknown(site):
    told = draw_many(site, {**choices_of("1", "2"), "timings": {}})[0]
    single = draw_many(site, {**choices_of("1"), "timings": {}})[0]

    assert [sample.output_tokens for sample in told] == [None, None]
    assert [sample.output_tokens for sample in single] == [7]


CHAT_LOGPROBS = {
    "content": [
        {"token": "2", "bytes": [50], "logprob": -0.123456, "top_logprobs": []},
        {"token": "!", "bytes": None, "logprob": -9999.0, "top_logprobs": [{"token": ".", "logprob": -0.5}]},
    ]
}


@pytest.mark.parametrize(("number", "sent"), [(0, None), (3, 3)])
def test_openai_reads_log_probabilities_of_chats(ask, number, sent):
    answer = {**OPENAI_ANSWER, "choices": [{**OPENAI_ANSWER["choices"][0], "logprobs": CHAT_LOGPROBS}]}

    sample, body, _ = ask(OpenAI, answer=answer, logprobs=number)

    assert (body["logprobs"], body.get("top_logprobs")) == (True, sent)
    assert sample.logprobs == (("2", -0.1235, ()), ("!", -9999.0, ((".", -0.5),)))


def test_openai_reads_log_probabilities_of_completions(ask):
    told = {
        "tokens": ["a", "b"],
        "token_logprobs": [-1.5, float("-inf")],
        "top_logprobs": [{"a": -1.5, "c": -2}, None],
    }
    answer = json.dumps({**OPENAI_ANSWER, "choices": [{"text": "ab", "logprobs": told}]})

    sample, body, _ = ask(
        OpenAI, answer=json.loads(answer.replace("-Infinity", "-1e999")), prompt=Completion("1"), logprobs=2
    )

    assert body["logprobs"] == 2
    assert sample.logprobs == (("a", -1.5, (("a", -1.5), ("c", -2.0))), ("b", -9999.0, ()))


@pytest.mark.parametrize(
    "told",
    [None, {}, "yes", {"content": None}, {"content": [1]}, {"content": [{"token": "a", "logprob": None}]},
     {"tokens": ["a"], "token_logprobs": []}],
)  # fmt: skip
def test_log_probabilities_that_make_no_sense_cost_no_sample(ask, told):
    answer = {**OPENAI_ANSWER, "choices": [{**OPENAI_ANSWER["choices"][0], "logprobs": told}]}

    sample, *_ = ask(OpenAI, answer=answer, logprobs=1)

    assert (sample.text, sample.logprobs) == ("2", None)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "many", "completion_tokens": 1}])
def test_a_server_that_does_not_count_leaves_the_tokens_unknown(ask, usage):
    sample, *_ = ask(OpenAI, answer={**OPENAI_ANSWER, "usage": usage})

    assert sample.input_tokens is None
    assert sample.output_tokens is None


def test_anthropic_sends_what_its_sdk_has_no_parameters_for(ask):
    parameters = {
        "temperature": 0.5, "top_p": 0.9, "top_k": 3, "max_tokens": 4096, "stop": ["x"],
        "reasoning_effort": "low", "thinking_tokens": 1024,
    }  # fmt: skip
    _, body, sent = ask(Anthropic, parameters, metadata={"user_id": "me"})

    assert str(sent.url) == "https://api.anthropic.com/v1/messages"
    assert sent.headers["authorization"] == "Bearer anthropic-key"
    assert body == {
        "model": "tiny",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "What is 1 + 1?"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "max_tokens": 4096,
        "stop_sequences": ["x"],
        "output_config": {"effort": "low"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "metadata": {"user_id": "me"},
    }


def test_anthropic_reads_text_without_thinking_and_counts_cached_tokens_as_input(ask):
    sample, *_ = ask(Anthropic)

    assert (sample.text, sample.finish_reason, sample.model) == ("2", "stop", "claude-2026")
    assert (sample.input_tokens, sample.cached_tokens, sample.output_tokens) == (20, 12, 7)


@pytest.mark.parametrize(
    ("reason", "ours"), [("max_tokens", "length"), ("refusal", "refusal"), ("stop_sequence", "stop")]
)
def test_anthropics_reasons_to_stop_have_common_names(ask, reason, ours):
    assert ask(Anthropic, answer={**ANTHROPIC_ANSWER, "stop_reason": reason})[0].finish_reason == ours


def test_anthropic_takes_an_address_with_and_without_its_version(ask):
    for address in ("http://box:8000", "http://box:8000/", "http://box:8000/v1"):
        assert str(ask(Anthropic, settings={"base_url": address})[2].url) == "http://box:8000/v1/messages"


def test_anthropic_takes_no_plain_text(ask):
    with pytest.raises(RefusedError, match="chat prompts only"):
        ask(Anthropic, prompt=Completion("1 + 1 ="))


@pytest.mark.parametrize("kind", [OpenAI, Anthropic])
def test_what_osca_sets_itself_is_refused_in_extra(ask, kind):
    with pytest.raises(RefusedError, match="extra: stream: osca sets this itself"):
        ask(kind, stream=True)


@pytest.mark.parametrize("kind", [OpenAI, Anthropic])
def test_a_missing_key_is_named(ask, kind, monkeypatch):
    monkeypatch.delenv(kind.key_variable)

    with pytest.raises(UnavailableError, match=f"{kind.key_variable} is not set"):
        ask(kind)


@pytest.mark.parametrize("kind", [OpenAI, Anthropic])
@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"message": "temperature is not supported"}, RefusedError),
        (400, {"message": "prompt is too long: 9 tokens > 8 maximum"}, RejectedError),
        (400, {"message": "rejected", "code": "content_filter"}, RejectedError),
        (413, {"message": "too large"}, RejectedError),
        (429, {"message": "pay", "code": "insufficient_quota"}, RefusedError),
        (200, {"message": "no such model", "code": 404}, RefusedError),
    ],
)
def test_errors_tell_a_prompt_at_fault_from_a_configuration_at_fault(ask, kind, status, error, expected):
    with pytest.raises(expected, match=str(error.get("code") if status == 200 else status)):
        ask(kind, answer={"error": error}, status=status)


def test_a_lost_answer_keeps_the_tokens_that_were_counted(ask):
    with pytest.raises(LostAnswerError) as caught:
        ask(OpenAI, answer={**OPENAI_ANSWER, "choices": []})

    assert caught.value.usage is not None
    assert (caught.value.usage.input, caught.value.usage.output) == (20, 7)
