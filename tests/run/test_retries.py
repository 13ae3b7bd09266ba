"""Asking again: how often, how long, and when not."""

from random import Random

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.errors import BusyError, RejectedError, RetryableError
from osca_cli.run.retries import LONGEST_WAIT_S, Retries, retrying


def ask(failures: list[Exception], retries: Retries, *, stop: bool = False) -> tuple[str, int]:
    """Return what came of a request that fails so, and after how many attempts."""
    attempts = 0

    async def attempt() -> str:
        nonlocal attempts
        attempts += 1
        if failures:
            raise failures.pop(0)
        return "answer"

    async def run() -> str:
        stopping = anyio.Event()
        if stop:
            stopping.set()
        return await retrying(attempt, retries, stopping=stopping, random=Random(0))

    return anyio.run(run), attempts


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("osca_cli.run.retries.FIRST_WAIT_S", 0.001)


def test_a_passing_failure_is_asked_again():
    assert ask([RetryableError("busy"), BusyError("busy")], Retries()) == ("answer", 3)


def test_none_means_none():
    with pytest.raises(RetryableError, match=r"^busy$"):
        ask([RetryableError("busy")], Retries(most=0))


def test_the_last_failure_says_how_often_it_was_tried():
    with pytest.raises(BusyError, match=r"busy \(given up after 3 attempts\)"):
        ask([BusyError("busy")] * 3, Retries(most=2))


def test_a_failure_that_is_no_passing_one_is_not_asked_again():
    with pytest.raises(RejectedError):
        ask([RejectedError("too long")], Retries())


def test_a_server_that_asks_for_a_long_wait_is_not_waited_for():
    with pytest.raises(BusyError, match=r"the server asks to wait 3600 s; osca waits 300 s"):
        ask([BusyError("busy", retry_after_s=3600)], Retries())


def test_a_run_that_stops_does_not_wait():
    with pytest.raises(RetryableError):
        ask([RetryableError("busy", retry_after_s=60)], Retries(), stop=True)


@given(st.integers(1, 20), st.none() | st.floats(0, 500), st.floats(0, 400), st.floats(0, 1))
def test_waits_are_bounded_and_never_shorter_than_asked(failures, retry_after_s, waited_s, jitter):
    wait_s = Retries(most=8).wait_s(failures, retry_after_s, waited_s, jitter)

    if wait_s is None:
        assert failures > 8 or waited_s + max(retry_after_s or 0, LONGEST_WAIT_S) > 300 - 1
    else:
        assert failures <= 8
        assert waited_s + wait_s <= 300
        assert wait_s >= (retry_after_s or 0)
        assert retry_after_s is not None or wait_s <= LONGEST_WAIT_S
