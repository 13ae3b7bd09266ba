"""Busy time is shared out so that the shares of all samples add up to it."""

import random

import pytest

from osca_cli.run.busy import Busy


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_sample_alone_has_all_of_its_time():
    clock = Clock()
    busy = Busy(clock)
    with busy.sharing(1) as span:
        clock.now += 3
    clock.now += 10  # nobody is in flight

    with busy.sharing(1) as later:
        clock.now += 2

    assert (span.seconds, later.seconds) == (3, 2)


def test_two_that_overlap_share_the_time_that_they_overlap():
    clock = Clock()
    busy = Busy(clock)
    first = busy.sharing(1)
    a = first.__enter__()
    clock.now += 1
    with busy.sharing(3) as b:  # a request for three samples
        clock.now += 2
    clock.now += 1
    first.__exit__(None, None, None)

    assert a.seconds == pytest.approx(1 + 2 / 4 + 1)
    assert b.seconds == pytest.approx(2 / 4)  # for each of the three
    assert a.seconds + 3 * b.seconds == pytest.approx(4)


@pytest.mark.parametrize("seed", range(10))
def test_the_shares_add_up_to_the_time_in_which_any_was_in_flight(seed):
    rng, clock, open_spans, total, busy_s = random.Random(seed), Clock(), [], 0.0, 0.0
    busy = Busy(clock)
    for _ in range(200):
        if open_spans and rng.random() < 0.5:
            context, span, number = open_spans.pop(rng.randrange(len(open_spans)))
            context.__exit__(None, None, None)
            total += number * span.seconds
        else:
            number = rng.randrange(1, 4)
            context = busy.sharing(number)
            open_spans.append((context, context.__enter__(), number))
        step = rng.random()
        busy_s += step if open_spans else 0
        clock.now += step
    for context, span, number in open_spans:
        context.__exit__(None, None, None)
        total += number * span.seconds

    assert total == pytest.approx(busy_s)
