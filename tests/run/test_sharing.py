"""A budget that problems share: which draws are made depends on what they give, never on when."""

import random
from types import SimpleNamespace

import anyio
import pytest

from osca_cli.model import Sample, Verdict
from osca_cli.run.order import Draw, Order
from osca_cli.run.purse import Cost, Purse
from osca_cli.run.sharing import Sharing

SAMPLE = Cost(usd=0.01, output_tokens=5, seconds=0.5, gpu_seconds=None)


class Timed:
    """A problem that is solved by its n-th draw, each of which takes its own time."""

    def __init__(self, order: Order, solved_by: int, rng: random.Random) -> None:
        self.course = SimpleNamespace(order=order)
        self.solved_by = solved_by
        self.rng = rng
        self.step = 0
        self.used: list[int] = []

    @property
    def accepted(self) -> bool:
        return self.step >= self.solved_by and bool(self.used)

    def next(self) -> Draw | None:
        return self.course.order.draw(self.step)

    async def go_on(self, maker: object, pool: object) -> SimpleNamespace:
        self.step += 1
        for _ in range(self.rng.randrange(12)):
            await anyio.lowlevel.checkpoint()
        self.used.append(self.step)
        return SimpleNamespace(cost=SAMPLE)

    def answer(self, pool: object) -> "Timed":
        return self


def in_turns(solved_by: list[int], budget: int) -> list[int]:
    """How often each problem is drawn if all take turns and none waits for another."""
    drawn = [0] * len(solved_by)
    while any(drawn[p] < solved_by[p] for p in range(len(drawn))):
        for problem, needed in enumerate(solved_by):
            if drawn[problem] < needed:
                if not budget:
                    return drawn
                drawn[problem] += 1
                budget -= 1
    return drawn


def execute(attempts: list[Timed], purse: Purse, at_once: int) -> list[Timed]:
    kept: list[Timed] = []
    stopping = SimpleNamespace(is_set=lambda: False)
    session = SimpleNamespace(sampling=SimpleNamespace(stopping=stopping), pool=None)
    sharing = Sharing(session, None, purse, kept.append)  # type: ignore[arg-type]
    anyio.run(sharing.execute, attempts, at_once)
    return kept


@pytest.mark.parametrize("seed", range(40))
def test_the_draws_are_those_of_taking_turns_whatever_each_takes(seed):
    rng = random.Random(seed)
    number = rng.randrange(1, 25)
    solved_by = [rng.choice([1, 1, 2, 3, 5, 8, 1000]) for _ in range(number)]
    budget = rng.randrange(1, 6) * number - rng.randrange(number)
    order = Order(["a", "b", "a"], endless=True)
    attempts = [Timed(order, needed, rng) for needed in solved_by]
    purse = Purse("samples", budget)

    kept = execute(attempts, purse, at_once=rng.randrange(1, 9))

    assert [attempt.step for attempt in attempts] == in_turns(solved_by, budget)
    assert purse.spent == sum(attempt.step for attempt in attempts) <= budget
    assert len(kept) == number
    assert len({id(attempt) for attempt in kept}) == number


def test_problems_of_a_longer_schedule_get_more_of_the_budget():
    short, long = Order(["a"] * 2, endless=True), Order(["b"] * 6, endless=True)
    attempts = [Timed(order, 1000, random.Random(0)) for order in (short, long)]

    execute(attempts, Purse("samples", 16), at_once=2)

    assert [attempt.step for attempt in attempts] == [4, 12]


def test_an_order_that_ends_leaves_the_rest_to_the_others():
    ending, endless = Order(["a"] * 3, endless=True, caps={"a": 4}), Order(["b"] * 3, endless=True)
    attempts = [Timed(order, 1000, random.Random(0)) for order in (ending, endless)]

    execute(attempts, Purse("samples", 20), at_once=3)

    assert [attempt.step for attempt in attempts] == [4, 16]


def test_a_budget_in_cost_is_passed_by_no_more_than_is_under_way():
    order = Order(["a"], endless=True)
    attempts = [Timed(order, 1000, random.Random(n)) for n in range(7)]
    purse = Purse("usd", 0.25)

    execute(attempts, purse, at_once=3)

    assert 0.25 - 0.01 < purse.spent <= 0.25 + 3 * 0.01


def test_an_order_goes_on_beyond_its_schedule_and_then_from_its_start():
    order = Order(["a", "b"], beyond=["b", "c"], endless=True, once=["c"])

    drawn = [order.draw(step) for step in range(8)]

    assert [one.configuration for one in drawn] == ["a", "b", "b", "c", "a", "b", "b", "a"]
    assert [one.index for one in drawn] == [0, 0, 1, 0, 1, 2, 3, 2]
    assert order.schedule_length == 2


def test_an_order_that_does_not_share_ends_with_its_schedule():
    order = Order(["a", "d", "d"], beyond=["b"], once=["d"])

    assert [order.draw(step) for step in range(3)] == [Draw("a", 0), Draw("d", 0), None]


def test_an_order_of_capped_configurations_ends():
    assert Order(["a"], endless=True, caps={"a": 3}).draw(3) is None
    assert Order(["a"] * 5, endless=True, most=2).draw(2) is None


def test_a_cost_counts_what_a_judge_cost_and_the_gpus_of_a_backend():
    sample = Sample("x", "stop", output_tokens=7, seconds=1.5, usd=0.02, busy_seconds=0.25)
    verdict = Verdict(passed=True, usd=0.01, output_tokens=3, seconds=0.5)

    cost = Cost.of(sample, verdict, gpus=4)

    assert (cost.usd, cost.output_tokens, cost.seconds, cost.gpu_seconds) == (0.03, 10, 2.0, 1.0)
    assert Cost.of(sample, verdict, gpus=None).gpu_seconds is None
    assert cost.amount("samples") == 1
