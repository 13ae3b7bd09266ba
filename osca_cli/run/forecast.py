"""What a run would draw and cost, without drawing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from osca_cli.backends import open_backends
from osca_cli.run.execute import Execution
from osca_cli.run.missing import Ask, Lack, lacking
from osca_cli.run.money import most_usage, refuse_unbounded
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.prices import Price
from osca_cli.spec.types import PlannedTask, Spec
from osca_cli.store.pool import Pool
from osca_cli.store.spending import mean_usage

Number = TypeVar("Number", int, float)


@dataclass(slots=True)
class Line:
    """What a run would do for one configuration.

    Attributes:
        undrawn: Samples to draw, at most.
        draws: Samples that it will draw: fewer where a plan stops at a problem's first pass; ``None`` where
            the plan does not say how many it expects.
        there: Samples in the pool.
        unverified: Of these, how many would be verified.
        owed: Samples that are on their way in batches.
        most_tokens: The most tokens that the draws can take, with prompts; ``None`` without max_tokens.
        most_usd: The most that they can cost; ``None`` where that, or the price, is unknown.
        tokens: What they will take if they are like the configuration's samples in the pool, if it has any.
        usd: What they will then cost.
    """

    undrawn: int = 0
    draws: float | None = 0.0
    there: int = 0
    unverified: int = 0
    owed: int = 0
    most_tokens: int | None = 0
    most_usd: float | None = 0.0
    tokens: float | None = None
    usd: float | None = None


@dataclass(slots=True)
class Forecast:
    """What a run would do, by configuration.

    Attributes:
        prices: Of the models that would be asked, as ``BACKEND/MODEL``; ``None`` where unknown.
    """

    lines: dict[str, Line] = field(default_factory=dict)
    prices: dict[str, Price | None] = field(default_factory=dict)

    @property
    def undrawn(self) -> Counter[str]:
        """How many samples would be drawn at most, by configuration."""
        return Counter({name: line.undrawn for name, line in self.lines.items()})

    def total(self) -> Line:
        """Add up all configurations."""
        return add_up(self.lines.values())


def add_up(every: Collection[Line]) -> Line:
    """Add up lines; what one that draws does not know, the sum does not."""
    lines = [line for line in every if line.undrawn]
    return Line(
        undrawn=sum(line.undrawn for line in lines),
        draws=_sum([line.draws for line in lines]),
        there=sum(line.there for line in every),
        unverified=sum(line.unverified for line in every),
        owed=sum(line.owed for line in every),
        most_tokens=_sum([line.most_tokens for line in lines]),
        most_usd=_sum([line.most_usd for line in lines]),
        tokens=_sum([line.tokens for line in lines]),
        usd=_sum([line.usd for line in lines]),
    )


def dearest(lines: Collection[Line], number: int) -> Line:
    """Return the most that so many of these lines can come to, each figure by itself."""
    drawing = [line for line in lines if line.undrawn]

    def most(figures: Sequence[Number | None]) -> Number | None:
        known = sorted((figure for figure in figures if figure is not None), reverse=True)
        return _sum(known[:number]) if len(known) == len(figures) else None

    undrawn = most([line.undrawn for line in drawing]) or 0
    return Line(
        undrawn=undrawn,
        draws=undrawn,
        most_tokens=most([line.most_tokens for line in drawing]),
        most_usd=most([line.most_usd for line in drawing]),
    )


def forecast(spec: Spec, pool: Pool, asks: Sequence[Ask]) -> Forecast:
    """Count what a pilot or a measurement would draw, and what that may cost.

    Raises:
        UsageError: a limit or budget in USD, and a configuration whose cost has no bound.
    """
    return _forecast(spec, pool, [_Part(ask, dict.fromkeys(ask.samples, 1.0)) for ask in asks])


def forecast_execution(spec: Spec, pool: Pool, executions: Sequence[Execution]) -> Forecast:
    """Count what executing plans would draw, stopping at the first pass, and what that may cost.

    Where problems share the budget, that is as deep as the plan expects to reach.

    Raises:
        UsageError: a limit or budget in USD, and a configuration whose cost has no bound.
    """
    return _forecast(spec, pool, [_executed(spec, one) for one in executions])


@dataclass(frozen=True, slots=True)
class _Part:
    """Something that a run would ask for.

    Attributes:
        shares: Which share of each configuration's samples is drawn; ``None`` where nobody says.
        singly: Whether samples are drawn one by one, at the price of that.
    """

    ask: Ask
    shares: Mapping[str, float] | None
    singly: bool = False


def _executed(spec: Spec, one: Execution) -> _Part:
    """Return what executing a plan asks for."""
    plan, expected = one.plan, one.plan.block.get("expected")
    depth = expected.get("depth_shared") if one.shares and isinstance(expected, Mapping) else None
    if isinstance(expected, Mapping) and isinstance(depth, int | float):
        schedule = (*plan.schedule, *plan.beyond)[: max(1, math.ceil(depth))]
        plan = replace(
            plan,
            counts=Counter(schedule),
            schedule=schedule,
            block={"expected": {"samples": expected.get("samples_shared")}},
        )
    drawn = [one.configurations[name] for name in plan.counts]
    ask = Ask(one.task, one.split, one.problems, drawn, plan.counts)
    return _Part(ask, drawn_shares(plan), singly=not one.sizes(spec))


def drawn_shares(plan: PlannedTask) -> dict[str, float] | None:
    """Return which share of each configuration's count is drawn where a problem stops at its first pass.

    The plan says how many samples it expects for a problem; they are spread over its schedule as if each
    solved an equal share of the problems that are left. ``None`` where the plan does not say.
    """
    block = plan.block.get("expected")
    expected = block.get("samples") if isinstance(block, Mapping) else None
    if not isinstance(expected, int | float):
        return None
    left = _left(expected, len(plan.schedule))
    drawn: defaultdict[str, float] = defaultdict(float)
    for place, name in enumerate(plan.schedule):
        drawn[name] += left**place
    return {name: drawn[name] / count for name, count in plan.counts.items()}


def _left(expected: float, length: int) -> float:
    """Return the share of problems that each draw leaves unsolved, if so many of a schedule are drawn."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if sum(middle**place for place in range(length)) < expected:
            low = middle
        else:
            high = middle
    return high


def _forecast(spec: Spec, pool: Pool, parts: Sequence[_Part]) -> Forecast:
    backends = open_backends(spec)
    maker = CellMaker(spec, backends)
    refuse_unbounded(spec, {one.name: maker.price(one) for one in spec.configurations}, backends)
    result, ids = Forecast(), {}
    singly = any(part.singly for part in parts)
    for part in parts:
        shares = part.shares
        for lack in lacking(maker, pool, part.ask, register=False):
            configuration = lack.cell.configuration
            ids[configuration.name] = lack.cell.configuration_id
            line = result.lines.setdefault(configuration.name, Line())
            price = maker.price(configuration, pilot=not singly)
            _add(line, lack, price, None if shares is None else shares[configuration.name])
    for one in spec.configurations:
        if one.name in result.lines:
            line = result.lines[one.name]
            price = result.prices[f"{one.backend}/{one.model}"] = maker.price(one, pilot=not singly)
            mean = mean_usage(pool, ids[one.name], singly=singly)
            if mean is not None and line.draws is not None:
                line.tokens = line.draws * (mean.input + mean.output)
                line.usd = None if price is None else line.draws * price.usd(mean)
    return result


def _add(line: Line, lack: Lack, price: Price | None, share: float | None) -> None:
    """Count what a cell lacks, and the share of it that will be drawn."""
    drawn = len(lack.undrawn)
    line.undrawn += drawn
    line.draws = None if share is None or line.draws is None else line.draws + share * drawn
    line.there += lack.there + len(lack.unverified)
    line.unverified += len(lack.unverified)
    line.owed += len(lack.owed)
    if not drawn:
        return
    most = most_usage(lack.cell.request)
    bounded = most.output > 0
    line.most_tokens = _sum([line.most_tokens, drawn * (most.input + most.output) if bounded else None])
    known = price is not None and (bounded or not price.output)
    line.most_usd = _sum([line.most_usd, drawn * price.most_usd(most) if price and known else None])


def _sum(numbers: Sequence[Number | None]) -> Number | None:
    """Add up numbers; of which one is unknown, the sum is too."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
