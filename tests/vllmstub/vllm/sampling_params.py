from dataclasses import dataclass


class RequestOutputKind:
    FINAL_ONLY = 2


class StructuredOutputsParams:
    def __init__(self, **settings: object) -> None:
        self.settings = settings


@dataclass
class SamplingParams:
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    max_tokens: int
    seed: int
    frequency_penalty: float
    presence_penalty: float
    repetition_penalty: float
    output_kind: int
    logprobs: int | None
    stop: list[str] | None = None
    structured_outputs: StructuredOutputsParams | None = None
