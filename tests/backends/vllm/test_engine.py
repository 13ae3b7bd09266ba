"""How osca waits for an engine, over pipes that are passed in: who reads, and who gives up."""

from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from osca_backends.vllm.engine import Offline
from osca_backends.vllm.process import EngineDiedError
from osca_cli.errors import RefusedError, RejectedError
from osca_cli.model import Completion, Request, Sample

READY = {"ready": {"version": "1"}, "max_num_seqs": 4}
ANSWER = {"finish_reason": "stop", "input_tokens": 1, "output_tokens": 1, "cached_tokens": 0, "seconds": 0.1}
REQUEST = Request("vllm", "m", Completion("x"), {})


class Pipes:
    """Answers in the order of ``answered``, each a request's number or a message."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []
        self.sender, self.receiver = anyio.create_memory_object_stream[Mapping[str, Any]](100)

    async def send(self, message: Mapping[str, Any]) -> None:
        self.sent.append(message)

    async def receive(self) -> Mapping[str, Any]:
        try:
            return await self.receiver.receive()
        except anyio.EndOfStream:
            raise EngineDiedError("it ended", out_of_memory=False) from None

    def answer(self, number: int, **more: Any) -> None:
        self.sender.send_nowait({"id": number, "text": f"text {number}", **ANSWER, **more})

    async def aclose(self) -> None:
        self.sender.close()
        self.receiver.close()


async def draw(
    engine: Offline, seed: int, into: dict[int, Any], scope: anyio.CancelScope | None = None
) -> None:
    with scope or anyio.CancelScope():
        try:
            into[seed] = await engine.draw(REQUEST, seed)
        except EngineDiedError as error:
            into[seed] = error


def run(work) -> tuple[dict[int, Any], Pipes]:
    results: dict[int, Any] = {}
    pipes = Pipes()

    async def main() -> None:
        with anyio.fail_after(5):
            await work(Offline(pipes, READY), pipes, results)
            await pipes.aclose()

    anyio.run(main)
    return results, pipes


def test_each_gets_its_own_answer_in_whatever_order_they_come():
    async def work(engine, pipes, results):
        async with anyio.create_task_group() as group:
            for seed in range(5):
                group.start_soon(draw, engine, seed, results)
            await anyio.wait_all_tasks_blocked()
            for number in (3, 0, 4, 1, 2):
                pipes.answer(number)
                await anyio.wait_all_tasks_blocked()

    results, pipes = run(work)
    assert {seed: sample.text for seed, sample in results.items()} == {n: f"text {n}" for n in range(5)}
    assert [message["sampling"]["seed"] for message in pipes.sent] == list(range(5))


@pytest.mark.parametrize("gone", [[0], [2], [0, 1], [0, 3]])
def test_who_is_cancelled_is_aborted_and_the_others_are_still_answered(gone):
    async def work(engine, pipes, results):
        scopes = [anyio.CancelScope() for _ in range(4)]
        async with anyio.create_task_group() as group:
            for seed, scope in enumerate(scopes):
                group.start_soon(draw, engine, seed, results, scope)
            await anyio.wait_all_tasks_blocked()
            for number in gone:
                scopes[number].cancel()
            await anyio.wait_all_tasks_blocked()
            for number in range(4):
                pipes.answer(number)

    results, pipes = run(work)
    assert set(results) == set(range(4)) - set(gone)
    assert [message["abort"] for message in pipes.sent if "abort" in message] == gone


def test_the_end_of_the_engine_is_told_to_all_who_wait():
    async def work(engine, pipes, results):
        async with anyio.create_task_group() as group:
            for seed in range(4):
                group.start_soon(draw, engine, seed, results)
            await anyio.wait_all_tasks_blocked()
            pipes.sender.close()

    results, _ = run(work)
    assert [type(result) for result in results.values()] == [EngineDiedError] * 4


@pytest.mark.parametrize(("word", "error"), [("rejected", RejectedError), ("refused", RefusedError)])
def test_what_the_engine_does_not_take_is_an_error(word, error):
    async def work(engine, pipes, results):
        pipes.answer(0, **{word: "too long"})
        with pytest.raises(error, match="too long"):
            await engine.draw(REQUEST, 1)

    run(work)


def test_an_answer_becomes_a_sample():
    async def work(engine, pipes, results):
        pipes.answer(0, logprobs={"content": [{"token": "a", "logprob": -1.0, "top_logprobs": []}]})
        results[0] = await engine.draw(REQUEST, 1)

    results, _ = run(work)
    sample = results[0]
    assert isinstance(sample, Sample)
    assert (sample.text, sample.finish_reason, sample.seconds) == ("text 0", "stop", 0.1)
    assert sample.logprobs[0].logprob == -1.0
