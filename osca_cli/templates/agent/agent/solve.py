"""A small workflow over the embedded model: solves a problem twice, and repairs what disagrees.

It is run by osca once for each sample, as the spec beside it says: a request in JSON on standard input, an
answer in JSON on standard output. It speaks of itself on standard error.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from functools import partial

import anyio
import xllamacpp

from osca_backends.models import SMOLLM2, obtain
from osca_cli.backends import cache_folder

EXAMPLES = "3 + 4 = 7\n6 * 5 = 30\ngcd(6, 9) = 3\ncount(o, robot) = 2\n2, 4, 6, 8, 10\n"


@dataclass
class Model:
    """The embedded model, and how many tokens it has read and written."""

    seed: int
    input_tokens: int = 0
    output_tokens: int = 0
    steps: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Load it; fetch it first, if this is the first program that needs it."""
        place = SMOLLM2.place(cache_folder())
        if not place.exists():
            anyio.run(obtain, SMOLLM2, cache_folder(), partial(print, file=sys.stderr))
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(place)
        parameters.n_ctx = 512
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
        parameters.warmup = False
        parameters.verbosity = 0
        parameters.hostnames, parameters.port = ["127.0.0.1"], 0
        self.server = xllamacpp.Server(parameters)

    def ask(self, step: str, temperature: float, **prompt: object) -> str:
        """Return the number that the model answers with, or nothing."""
        self.seed += 1
        body = {"temperature": temperature, "seed": self.seed, "max_tokens": 8, **prompt}
        if "messages" in prompt:
            reply = self.server.handle_chat_completions(body)
            text = reply["choices"][0]["message"]["content"]
        else:
            reply = self.server.handle_completions({**body, "stop": ["\n", ","]})
            text = reply["choices"][0]["text"]
        self.input_tokens += reply["usage"]["prompt_tokens"]
        self.output_tokens += reply["usage"]["completion_tokens"]
        self.steps.append({"step": step, "text": text})
        numbers = re.findall(r"-?\d+", text)
        return numbers[-1] if numbers else ""


def solve(model: Model, problem: dict[str, str], temperature: float) -> str:
    """Return an answer that two ways of asking agree on, else that of a third attempt which sees both."""
    question = [{"role": "user", "content": problem["question"]}]
    draft = model.ask("solve", temperature, messages=question)
    check = model.ask("check", temperature, prompt=EXAMPLES + problem["start"])
    if draft == check:
        return draft
    print(f"{draft!r} or {check!r}: repairing", file=sys.stderr)
    return model.ask("repair", temperature, prompt=EXAMPLES + problem["start"]) or check or draft


def main() -> None:
    """Answer one request."""
    asked = json.load(sys.stdin)
    model = Model(seed=asked["seed"])
    text = solve(model, asked["problem"], asked["parameters"]["temperature"])
    answer = {
        "text": text,
        "input_tokens": model.input_tokens,
        "output_tokens": model.output_tokens,
        "steps": model.steps,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
