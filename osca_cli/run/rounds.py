"""Executes plans in rounds: the samples of a round are drawn together for all problems, then verified."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from osca_cli.run.attempt import Answer, Attempt
from osca_cli.run.missing import Ask
from osca_cli.run.order import Draw
from osca_cli.run.pilot import draw
from osca_cli.run.purse import Purse
from osca_cli.run.session import Session
from osca_cli.spec.cells import CellMaker


@dataclass(slots=True)
class Rounds:
    """The problems of one plan, and how many samples each of them gets in each round.

    Attributes:
        attempts: Those that are not solved yet.
        sizes: Of the rounds.
        purse: What these problems may spend, perhaps with others.
        to_the_end: Whether the last round spends what is left.
    """

    attempts: list[Attempt]
    sizes: Sequence[int]
    purse: Purse
    to_the_end: bool


def even_rounds(length: int, number: int) -> tuple[int, ...]:
    """Return the sizes of so many rounds of a schedule that says none itself, as equal as can be.

    >>> even_rounds(8, 3)
    (3, 3, 2)
    """
    number = min(number, length)
    return tuple(length // number + (place < length % number) for place in range(number))


async def execute_in_rounds(
    session: Session, maker: CellMaker, plans: Sequence[Rounds], keep: Callable[[Answer], None]
) -> None:
    """Execute plans together, round by round; a problem that is solved leaves after its round.

    Args:
        session: The run.
        maker: Makes cells.
        plans: What is executed.
        keep: Takes each problem's answer as it is ready.
    """
    stopping = session.sampling.stopping
    for number in range(max(len(plan.sizes) for plan in plans)):
        going = [plan for plan in plans if number < len(plan.sizes) and plan.attempts]
        sizes = [_sizes(plan, number, _share(plan, going)) for plan in going]
        pairs = [pair for plan, each in zip(going, sizes, strict=True) for pair in _pairs(plan, each)]
        await draw(session, list(_asks(pairs)))
        for plan, each in zip(going, sizes, strict=True):
            await _collect(session, maker, plan, each, keep)
        if stopping.is_set():
            break
    for plan in plans:
        for attempt in plan.attempts:
            if attempt.used or not stopping.is_set():
                keep(attempt.answer(session.pool))


def _share(plan: Rounds, going: Sequence[Rounds]) -> float:
    """Return what a plan may spend of what is left: by the schedules of those that are not solved yet."""
    weights = [len(one.attempts) * sum(one.sizes) for one in going if one.purse is plan.purse]
    return plan.purse.left * len(plan.attempts) * sum(plan.sizes) / sum(weights)


def _sizes(plan: Rounds, number: int, left: float) -> list[int]:
    """Return how many samples each problem gets: the round's, or as many as the purse has for all in turn."""
    usual = plan.sizes[number]
    if plan.purse.total is None:
        return [usual] * len(plan.attempts)
    spends_all = plan.to_the_end and number == len(plan.sizes) - 1
    sizes = [0] * len(plan.attempts)
    for turn in count():
        if turn >= usual and not spends_all:
            return sizes
        for place, attempt in enumerate(plan.attempts):
            one = attempt.course.order.draw(attempt.step + turn)
            if one is None:
                return sizes
            cost = plan.purse.expected(one.configuration)
            if left <= 0 or cost > left or (turn >= usual and not cost):
                return sizes
            left -= cost
            sizes[place] += 1
    return sizes


def _pairs(plan: Rounds, sizes: Sequence[int]) -> Iterator[tuple[Attempt, list[Draw]]]:
    """Yield each problem with what is drawn for it."""
    for attempt, size in zip(plan.attempts, sizes, strict=True):
        draws = (attempt.course.order.draw(attempt.step + turn) for turn in range(size))
        yield attempt, [one for one in draws if one is not None]


def _asks(pairs: Iterable[tuple[Attempt, Sequence[Draw]]]) -> Iterator[Ask]:
    """Yield what is asked of each configuration, problems together that are asked for the same samples."""
    alike: dict[tuple[int, str, int, int], list[Attempt]] = {}
    for attempt, draws in pairs:
        for name in dict.fromkeys(one.configuration for one in draws):
            indices = [one.index for one in draws if one.configuration == name]
            place = id(attempt.course), name, min(indices), max(indices) + 1
            alike.setdefault(place, []).append(attempt)
    for (_, name, start, stop), attempts in alike.items():
        course = attempts[0].course
        problems = [attempt.problem for attempt in attempts]
        configurations = [course.configurations[name]]
        yield Ask(course.task, course.split, problems, configurations, {name: stop}, start, stopping=True)


async def _collect(
    session: Session, maker: CellMaker, plan: Rounds, sizes: Sequence[int], keep: Callable[[Answer], None]
) -> None:
    """Look at what a round has given; problems that it solved leave."""
    unsolved = []
    for attempt, size in zip(plan.attempts, sizes, strict=True):
        for _ in range(size):
            if (one := attempt.next()) is None:
                break
            used = await attempt.go_on(maker, session.pool, drawn=True)
            plan.purse.settle(one.configuration, used.cost if used else None)
            session.tally.found(one.configuration, -1 if used else 0)  # it was counted when it was drawn
        if attempt.accepted:
            keep(attempt.answer(session.pool))
        else:
            unsolved.append(attempt)
    plan.attempts = unsolved
