"""As much of vLLM as osca uses, for tests without it: a model that answers what stands in brackets.

Environment: STUB_DEVICE (cuda, cpu or empty), STUB_MEMORY_GB of a device, STUB_TOGETHER (more samples
together run out of memory), STUB_DELAY_S of each step, STUB_TRACE (a file that is told what happens).
"""

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

from vllm.sampling_params import SamplingParams

__version__ = "0.99-stub"

__all__ = ["EngineArgs", "LLMEngine", "SamplingParams"]


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


def trace(line: str) -> None:
    if path := os.environ.get("STUB_TRACE"):
        with Path(path).open("a") as file:
            file.write(f"{os.getpid()} {line}\n")


class EngineArgs:
    def __init__(self, model: str, max_num_seqs: int = 8, max_model_len: int = 512, **others: object) -> None:
        self.model, self.max_num_seqs, self.max_model_len = model, max_num_seqs, max_model_len
        self.dtype = others.get("dtype", "bfloat16")
        self.others = others


class Tokenizer:
    def __init__(self, folder: Path) -> None:
        template = folder / "chat_template.jinja"
        self.chat_template = template.read_text() if template.exists() else None

    def encode(self, text: str) -> list[int]:
        return [ord(letter) for letter in text]

    def apply_chat_template(self, messages, *, add_generation_prompt, tokenize, return_dict):
        assert add_generation_prompt
        assert tokenize
        assert not return_dict
        return self.encode("\n".join(message["content"] for message in messages))


class LLMEngine:
    @classmethod
    def from_engine_args(cls, args: EngineArgs) -> "LLMEngine":
        return cls(args)

    def __init__(self, args: EngineArgs) -> None:
        folder = Path(args.model)
        config = json.loads((folder / "config.json").read_text())
        if "broken" in config:
            raise ValueError(config["broken"])
        trace(f"load {folder.name} {args.max_num_seqs} {json.dumps(args.others, sort_keys=True)}")
        self.name = folder.name
        self.vllm_config = SimpleNamespace(
            model_config=SimpleNamespace(max_model_len=args.max_model_len, dtype=f"torch.{args.dtype}"),
            scheduler_config=SimpleNamespace(max_num_seqs=args.max_num_seqs),
        )
        self.tokenizer = Tokenizer(folder)
        self.requests: dict[str, tuple[list[int], SamplingParams]] = {}

    def get_tokenizer(self) -> Tokenizer:
        return self.tokenizer

    def has_unfinished_requests(self) -> bool:
        return bool(self.requests)

    def add_request(self, request_id, prompt, params, *, lora_request=None):
        self.requests[request_id] = prompt["prompt_token_ids"], params

    def abort_request(self, request_ids):
        for request_id in request_ids:
            self.requests.pop(request_id, None)

    def step(self):
        time.sleep(float(os.environ.get("STUB_DELAY_S", "0")))
        most = self.vllm_config.scheduler_config.max_num_seqs
        together = list(self.requests)[:most]
        if len(together) > int(os.environ.get("STUB_TOGETHER", "1000")):
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return [self.finish(request_id) for request_id in together]

    def finish(self, request_id):
        tokens, params = self.requests.pop(request_id)
        trace(f"draw {self.name} {params.seed}")
        text = solve("".join(map(chr, tokens)), params.seed)
        written = self.tokenizer.encode(text)[: params.max_tokens]
        logprobs = None
        if params.logprobs is not None:
            logprobs = [self.logprobs(token, params.logprobs) for token in written]
        choice = SimpleNamespace(
            text=text[: params.max_tokens],
            token_ids=written,
            finish_reason="stop" if len(written) == len(text) else "length",
            logprobs=logprobs,
        )
        return SimpleNamespace(
            request_id=request_id,
            finished=True,
            prompt_token_ids=tokens,
            outputs=[choice],
            num_cached_tokens=2,
            metrics=None,
        )

    def logprobs(self, token, alternatives):
        """The token drawn is the third in rank; its alternatives are the tokens after it."""
        ranks = {token: 3, **{token + rank: rank for rank in range(1, alternatives + 1) if rank != 3}}
        return {
            one: SimpleNamespace(rank=rank, logprob=-float(rank), decoded_token=chr(one))
            for one, rank in ranks.items()
        }


def solve(prompt: str, seed: int) -> str:
    """Return the answer in a prompt's last brackets, or for one seed in three a wrong one."""
    answer = prompt[prompt.rindex("[") + 1 : prompt.rindex("]")] if "[" in prompt else "nothing"
    return f"It is {answer}." if seed % 3 else "I do not know 999999."
