"""Doing many things at once."""

import anyio

from osca_cli.run.concurrency import for_each


def run(number: int, at_once: int, stop_after: int | None = None) -> tuple[list[int], int]:
    """Do work on numbers; return those that were done and the most that were under way together."""
    done: list[int] = []
    under_way = most = 0

    async def work(item: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await anyio.sleep(0)
        under_way -= 1
        done.append(item)
        if len(done) == stop_after:
            stopping.set()

    async def main() -> None:
        nonlocal stopping
        stopping = anyio.Event()
        if stop_after == 0:
            stopping.set()
        await for_each(iter(range(number)), work, at_once=at_once, stopping=stopping)

    stopping: anyio.Event
    anyio.run(main)
    return done, most


def test_every_item_is_done_once_and_never_more_at_once_than_allowed():
    done, most = run(100, at_once=7)

    assert sorted(done) == list(range(100))
    assert most == 7


def test_nothing_is_begun_after_stopping():
    done, _ = run(100, at_once=8, stop_after=10)

    assert 10 <= len(done) < 10 + 8


def test_nothing_is_begun_if_it_was_stopping_before():
    assert run(100, at_once=8, stop_after=0) == ([], 0)
