"""What runs in vLLM's own process: it loads one model, and answers requests in the order they are done.

It speaks lines of JSON with osca, whose end it survives by no more than a few seconds: when its input closes,
the whole process group ends, and the memory of the GPU is free. What vLLM prints goes to the log.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import signal
import sys
import time
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from osca_backends.vllm.fit import Device, misfit
from osca_backends.vllm.folder import weights_bytes
from osca_backends.vllm.options import ADAPTER, server_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Message: TypeAlias = "Mapping[str, Any]"
Reply: TypeAlias = "Callable[[Message], None]"

_GRACE_S = 5.0
_SERVER = "vllm.entrypoints.openai.api_server"


def main() -> None:
    """Do the job that the first line of standard input describes, until the input closes."""
    requests, reply = _private_streams()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever ends this process ends its group
    job = json.loads(requests.readline())
    inbox: SimpleQueue[Message] = SimpleQueue()
    Thread(target=_listen, args=(requests, inbox), daemon=True).start()
    device = _device()
    engine = job["engine"]
    revision = engine.get("revision")
    why_not = misfit(device, engine, weights_bytes(engine["model"], revision) if device.type else None)
    if why_not is not None:
        reply({"unavailable": why_not})
        return
    if device.type == "cpu":
        engine = _for_cpu(engine)
    if "serve" in job:
        _serve(server_arguments(engine, lora=job["lora"], **job["serve"]))
    else:
        _answer(engine, job["lora"], inbox, reply)


def answer(engine: Any, lora: Any, room: int, inbox: SimpleQueue[Message], reply: Reply) -> None:
    """Add requests to an engine as they come, and tell of each answer as it is done; never returns.

    Args:
        engine: A ``vllm.LLMEngine``.
        lora: The adapter's ``LoRARequest``, or ``None``.
        room: Tokens of prompt and answer together that the model has room for.
        inbox: Where requests arrive.
        reply: Sends a message to osca.
    """
    added: dict[str, _Added] = {}
    while True:
        for message in _pending(inbox, wait=not engine.has_unfinished_requests()):
            if "abort" in message:
                engine.abort_request([str(message["abort"])])
                added.pop(str(message["abort"]), None)
                continue
            fault = _add(engine, lora, room, message)
            if fault is None:
                added[str(message["id"])] = _Added(
                    time.perf_counter(), message["sampling"].get("logprobs") or 0
                )
            else:
                reply({"id": message["id"], **fault})
        for output in engine.step() if engine.has_unfinished_requests() else ():
            if output.finished and output.request_id in added:
                reply(_answered(output, added.pop(output.request_id)))


def _pending(inbox: SimpleQueue[Message], *, wait: bool) -> Iterator[Message]:
    """Yield the messages that are there; wait for one where there is nothing else to do."""
    if wait:
        yield inbox.get()
    while not inbox.empty():
        yield inbox.get()


def _add(engine: Any, lora: Any, room: int, message: Message) -> Message | None:
    """Give a request to the engine; return what is wrong with it, or ``None``."""
    try:
        tokens = _tokens(engine.get_tokenizer(), message)
    except Exception as error:  # noqa: BLE001 - a model's template is its own program, and raises what it likes
        return {"rejected": f"the model does not take this prompt: {error}"}
    most = message["sampling"]["max_tokens"]
    if len(tokens) + most > room:
        # Cut where the room ends, answers would depend on a setting that identity does not hash.
        return {
            "rejected": f"the prompt's {len(tokens)} tokens and max_tokens: {most} pass the {room} that "
            "the model has room for; lower max_tokens, or raise 'engine: {max_model_len: …}'"
        }
    try:
        parameters = _parameters(message["sampling"])
        engine.add_request(str(message["id"]), {"prompt_token_ids": tokens}, parameters, lora_request=lora)
    except Exception as error:  # noqa: BLE001 - vLLM's own error of the day; the engine lives
        return {"refused": f"vLLM does not take these parameters: {error}"}
    return None


class _Added(NamedTuple):
    """When a request was added, and how many alternatives to each token it asks for."""

    at: float
    alternatives: int


def _tokens(tokenizer: Any, message: Message) -> list[int]:
    if "text" in message:
        return list(tokenizer.encode(message["text"]))
    if not getattr(tokenizer, "chat_template", "its own"):
        raise ValueError(
            "it has no chat template, so it is a base model; "
            "write its prompt as text to be continued: 'prompt: {completion: …}'"
        )
    return list(
        tokenizer.apply_chat_template(
            message["messages"],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
            **message.get("chat_template_kwargs", {}),
        )
    )


def _parameters(sampling: Message) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    given = dict(sampling)
    if isinstance(structure := given.get("structured_outputs"), dict):
        given["structured_outputs"] = StructuredOutputsParams(**structure)
    return SamplingParams(**given, output_kind=RequestOutputKind.FINAL_ONLY)


def _answered(output: Any, added: _Added) -> Message:
    """Describe a finished request; its seconds are those that it was worked on, where the engine says."""
    (choice,) = output.outputs
    times = output.metrics
    known = times is not None and times.last_token_ts > times.scheduled_ts > 0
    return {
        "id": int(output.request_id),
        "text": choice.text,
        "finish_reason": choice.finish_reason or "unknown",
        "input_tokens": len(output.prompt_token_ids),
        "output_tokens": len(choice.token_ids),
        "cached_tokens": output.num_cached_tokens or 0,
        "seconds": times.last_token_ts - times.scheduled_ts if known else time.perf_counter() - added.at,
        "logprobs": None if choice.logprobs is None else {"content": _logprobs(choice, added.alternatives)},
    }


def _logprobs(choice: Any, alternatives: int) -> list[Message]:
    """Return the log-probabilities of an answer's tokens as OpenAI's protocol has them."""
    content: list[Message] = []
    for token, known in zip(choice.token_ids, choice.logprobs, strict=True):
        best = sorted((one for one in known.values() if one.rank <= alternatives), key=lambda one: one.rank)
        content.append({**_logprob(known[token]), "top_logprobs": [_logprob(one) for one in best]})
    return content


def _logprob(one: Any) -> Message:
    return {"token": one.decoded_token, "logprob": one.logprob}


def _answer(arguments: Message, adapter: str | None, inbox: SimpleQueue[Message], reply: Reply) -> None:
    """Load the model and answer with it."""
    import vllm
    from vllm.lora.request import LoRARequest

    engine = vllm.LLMEngine.from_engine_args(vllm.EngineArgs(**arguments))
    config = engine.vllm_config
    dtype = str(config.model_config.dtype).removeprefix("torch.")
    reply(
        {
            "ready": {"version": vllm.__version__, "dtype": dtype},
            "max_num_seqs": int(config.scheduler_config.max_num_seqs),
        }
    )
    lora = None if adapter is None else LoRARequest(ADAPTER, 1, adapter)
    answer(engine, lora, int(config.model_config.max_model_len), inbox, reply)


def _serve(arguments: list[str]) -> None:
    """Run vLLM's own server. The module, since its command is not there in every build."""
    sys.argv = [_SERVER, *arguments]
    runpy.run_module(_SERVER, run_name="__main__", alter_sys=True)


def _for_cpu(engine: Message) -> Message:
    """Return an engine's arguments as vLLM's build for the CPU needs them."""
    # One process instead of three, each of which takes long to start.
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    # A prompt read in parts moves back its sample's generator, which only those of a GPU can do.
    return {"enable_chunked_prefill": False, **engine}


def _device() -> Device:
    from vllm.platforms import current_platform

    if not current_platform.device_type:
        return Device("", 0, 0)
    count = current_platform.device_count() if hasattr(current_platform, "device_count") else 1
    return Device(current_platform.device_type, count, int(current_platform.get_device_total_memory()))


def _private_streams() -> tuple[Any, Reply]:
    """Keep the pipes to osca to ourselves: what vLLM prints goes where its errors go."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)

    def reply(message: Message) -> None:
        replies.write(json.dumps(message).encode() + b"\n")
        replies.flush()

    return requests, reply


def _listen(requests: Any, inbox: SimpleQueue[Message]) -> None:
    """Pass requests on; once there can be no further one, end the process group."""
    for line in requests:
        inbox.put(json.loads(line))
    os.killpg(0, signal.SIGTERM)
    end = time.monotonic() + _GRACE_S
    while multiprocessing.active_children() and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)
