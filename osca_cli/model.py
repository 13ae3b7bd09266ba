"""The plain data that passes between the parts of osca: frozen, and free of behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

Split: TypeAlias = Literal["train", "held_out", "production"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One instance of a task.

    Attributes:
        task: Name of its task.
        id: Unique within the task.
        fields: Everything that prompts may use, the reference included.
        reference: What a verifier compares with; ``None`` where the problem has none.
        tags: The fields that groups and strata are made of.
    """

    task: str
    id: str
    fields: Mapping[str, Json]
    reference: Json = None
    tags: Mapping[str, Json] = field(default_factory=dict)


class Message(NamedTuple):
    """One turn of a chat."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A rendered prompt for a chat model."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """A rendered prompt that the model continues as plain text."""

    text: str


Prompt: TypeAlias = Chat | Completion


@dataclass(frozen=True, slots=True)
class Request:
    """All that fixes the distribution of a sample: what identity hashes, less the index.

    Attributes:
        provider: Who answers, whatever its address: ``llama_cpp``, ``openai``, a name from the spec.
        model: The model as identity knows it: a hash for a file, a name for a service.
        prompt: What is sent.
        parameters: Every sampling parameter that is sent, the backend's defaults included, the seed not.
        extra: What the user has sent as it is.
        revision: Tells apart two versions of one model under one name.
        logprobs: How many of the most probable tokens are told at each place of an answer; ``None`` asks for
            no log-probabilities. No part of identity: it changes nothing of what is drawn.
        problem: The problem itself, for a program that is given it; ``None`` for a model.
        variables: The configuration's variables, which go with the problem.
    """

    provider: str
    model: str
    prompt: Prompt
    parameters: Mapping[str, Json]
    extra: Mapping[str, Json] = field(default_factory=dict)
    revision: str | None = None
    logprobs: int | None = None
    problem: Mapping[str, Json] | None = None
    variables: Mapping[str, Json] = field(default_factory=dict)


class TokenLogprob(NamedTuple):
    """A token of an answer, its log-probability (natural), and the most probable tokens in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one request, as the server counts them.

    Attributes:
        input: All of the prompt, what came from the server's own prompt cache included.
        output: All that was written, reasoning included.
        cached: The part of the input that came from the server's prompt cache.
        reasoning: The part of the output that was reasoning; ``None`` where the server does not say.
    """

    input: int
    output: int
    cached: int = 0
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What a server says is left of a rate limit.

    Attributes:
        remaining: Requests that it still takes.
        reset_s: Seconds until it takes more.
    """

    remaining: int
    reset_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One draw, as a backend returns it.

    Attributes:
        text: What the model wrote; hostile text.
        finish_reason: ``stop``, ``length``, ``refusal`` or what else the engine says.
        input_tokens: As the engine counts, or ``None`` where it does not.
        output_tokens: The same, reasoning included.
        seconds: From asking to the answer, for this sample.
        usd: What it cost: as a program says, else its tokens at the price of the day it was drawn; ``None``
            where no price is known.
        model: The model's own name for itself, where it gives one.
        cached_tokens: The part of the input that came from the server's prompt cache.
        reasoning_tokens: The part of the output that was reasoning.
        quota: What the server said with it about its rate limit. Not kept.
        logprobs: Of the text's tokens, where they were asked for and told.
        details: What else a program gave: its own verdict, its steps, its standard error.
        busy_seconds: Its share of the time that its backend was busy, each instant divided equally among the
            samples in flight; ``None`` where that was not seen.
        choices: How many samples came with one answer, which counts the tokens of all of them: each has an
            equal share of these.
    """

    text: str
    finish_reason: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float | None = None
    usd: float | None = None
    model: str | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    quota: Quota | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    details: Mapping[str, Json] | None = None
    choices: int = 1
    busy_seconds: float | None = None

    def costing(self, usd: float | None) -> Sample:
        """Return the sample with what it cost."""
        return self if usd == self.usd else replace(self, usd=usd)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says of a sample.

    Attributes:
        passed: ``True``, ``False``, or ``None`` where the verifier itself failed.
        answer: What was extracted from the text; votes are counted on it.
        score: Between 0 and 1, where the verifier grades.
        reason: Why, in a few words.
        usd: What the verdict cost, where a model gave it; ``None`` where nothing or unknown.
        output_tokens: What a model wrote for it.
        seconds: What a model took for it.
    """

    passed: bool | None
    answer: str | None = None
    score: float | None = None
    reason: str = ""
    usd: float | None = None
    output_tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """All that a verdict depends on besides the text: what a verdict's identity hashes.

    Attributes:
        type: The verifier's type.
        version: The version that its class declares.
        settings: Its settings, as the spec writes them.
        given: What it reads of the problem and the configuration's variables.
        time_limit_s: How long the verdict may take, ``None`` for the run's own limit. It decides no verdict,
            so it is not hashed.
    """

    type: str
    version: int
    settings: Mapping[str, Json]
    given: Mapping[str, Json]
    time_limit_s: float | None = None
