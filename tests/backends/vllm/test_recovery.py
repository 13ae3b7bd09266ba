"""Engines that are passed in: memory that runs out, and models that take turns."""

from pathlib import Path

import anyio
import pytest

from osca_backends.vllm.process import EngineDiedError, died
from osca_backends.vllm.recovery import Recovering
from osca_backends.vllm.turns import Memory
from osca_cli.errors import UnavailableError
from osca_cli.model import Completion, Request, Sample

REQUEST = Request("vllm", "m", Completion("x"), {})


class Engine:
    """Takes so many samples together; one more ends it."""

    def __init__(self, most: int | None, room: int, message: str = "CUDA out of memory") -> None:
        self.facts = {"version": "1"}
        self.max_num_seqs = most or 8
        self.room = room
        self.message = message
        self.closed = False

    async def draw(self, request: Request, seed: int) -> Sample:
        await anyio.sleep(0)
        if self.closed or self.max_num_seqs > self.room:
            raise EngineDiedError(self.message, out_of_memory="memory" in self.message)
        return Sample(str(seed), "stop")

    async def aclose(self) -> None:
        self.closed = True


class Starts:
    def __init__(self, room: int, message: str = "CUDA out of memory") -> None:
        self.room, self.message = room, message
        self.engines: list[Engine] = []

    async def __call__(self, max_num_seqs: int | None) -> Engine:
        await anyio.sleep(0)
        self.engines.append(Engine(max_num_seqs, self.room, self.message))
        return self.engines[-1]


def together(model: Recovering, number: int) -> list[Sample | UnavailableError]:
    results: list[Sample | UnavailableError] = []

    async def one(seed: int) -> None:
        try:
            results.append(await model.draw(REQUEST, seed))
        except UnavailableError as error:
            results.append(error)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for seed in range(number):
                group.start_soon(one, seed)

    anyio.run(main)
    return results


def test_out_of_memory_halves_the_batch_and_goes_on():
    said: list[str] = []
    starts = Starts(room=2)
    samples = together(Recovering(starts, said.append), 20)

    assert sorted(int(sample.text) for sample in samples) == list(range(20))
    assert [engine.max_num_seqs for engine in starts.engines] == [8, 4, 2]
    assert [engine.closed for engine in starts.engines] == [True, True, False]
    assert said[0].startswith("out of memory with 8 samples together; going on with 4")


def test_a_batch_of_one_that_does_not_fit_ends_the_run():
    starts = Starts(room=0)
    results = together(Recovering(starts, print), 3)

    assert [engine.max_num_seqs for engine in starts.engines] == [8, 4, 2, 1]
    assert all(isinstance(result, UnavailableError) for result in results)


def test_another_end_is_not_tried_again():
    starts = Starts(room=0, message="the disk is gone")
    results = together(Recovering(starts, print), 5)

    assert len(starts.engines) == 1
    assert {str(result) for result in results} == {"the disk is gone"}


def test_what_cannot_be_had_is_asked_for_once():
    asked: list[int | None] = []

    async def start(max_num_seqs: int | None) -> Engine:
        asked.append(max_num_seqs)
        raise UnavailableError("no GPU")

    assert [str(result) for result in together(Recovering(start, print), 4)] == ["no GPU"] * 4
    assert asked == [None]


def test_a_freed_model_is_loaded_again():
    starts = Starts(room=8)
    model = Recovering(starts, print)

    async def main() -> None:
        await model.draw(REQUEST, 1)
        await model.free()
        await model.draw(REQUEST, 2)

    anyio.run(main)
    assert [engine.closed for engine in starts.engines] == [True, False]


def test_loading_with_fewer_sequences_is_tried_where_vllm_proposes_it():
    asked: list[int | None] = []

    async def start(max_num_seqs: int | None) -> Engine:
        asked.append(max_num_seqs)
        if len(asked) < 3:
            raise EngineDiedError("warm-up failed; lower max_num_seqs", out_of_memory=True)
        return Engine(max_num_seqs, room=64)

    assert together(Recovering(start, print), 1)[0].text == "0"
    assert asked == [None, 128, 64]


class Holder:
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    async def free(self) -> None:
        await anyio.sleep(0)
        self.log.append(f"{self.name} freed")


def test_the_memory_has_one_holder_at_a_time():
    log: list[str] = []

    async def main() -> None:
        memory = Memory()
        holders = [Holder("a", log), Holder("b", log)]
        inside: list[str] = []

        async def use(holder: Holder) -> None:
            async with memory.held_by(holder):
                inside.append(holder.name)
                assert len(set(inside)) == 1
                await anyio.sleep(0.001)
                inside.remove(holder.name)
                log.append(holder.name)

        async with anyio.create_task_group() as group:
            for index in range(10):
                group.start_soon(use, holders[index % 2])
        await memory.release(holders[1])

    anyio.run(main)
    assert log == ["a"] * 5 + ["a freed"] + ["b"] * 5 + ["b freed"]


def test_who_is_cancelled_while_waiting_holds_nothing():
    log: list[str] = []

    async def main() -> None:
        memory = Memory()
        first, second = Holder("a", log), Holder("b", log)
        async with memory.held_by(first):
            with anyio.move_on_after(0.001):
                async with memory.held_by(second):
                    log.append("both")
        async with memory.held_by(second):
            log.append("b")

    anyio.run(main)
    assert log == ["a freed", "b"]


@pytest.mark.parametrize(
    ("said", "code", "reason", "out_of_memory"),
    [
        (
            (
                "(EngineCore pid=1) ERROR torch.OutOfMemoryError: CUDA out of memory. Tried\n"
                "RuntimeError: Engine core initialization failed. See root cause above."
            ),
            1,
            "torch.OutOfMemoryError: CUDA out of memory. Tried",
            True,
        ),
        ("INFO fine\nValueError: no such architecture\n", 1, "ValueError: no such architecture", False),
        (
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory",
            1,
            "allocate memory",
            True,
        ),
        ("loading\n", -9, "it ended with SIGKILL", True),
        ("", 3, "it ended with exit status 3", False),
    ],
)
def test_the_end_of_the_process_is_told_by_its_log(said, code, reason, out_of_memory):
    error = died(said, code, Path("the.log"))

    assert reason in str(error)
    assert "the.log" in str(error)
    assert error.out_of_memory == out_of_memory
