"""What a run would draw and cost, without drawing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from osca_cli.backends import open_backends
from osca_cli.run.missing import Ask, Lack, lacking
from osca_cli.run.money import most_usage, refuse_unbounded
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.prices import Price
from osca_cli.spec.types import Spec
from osca_cli.store.pool import Pool
from osca_cli.store.spending import mean_usage

Number = TypeVar("Number", int, float)


@dataclass(slots=True)
class Line:
    """What a run would do for one configuration.

    Attributes:
        undrawn: Samples to draw.
        there: Samples in the pool.
        unverified: Of these, how many would be verified.
        most_tokens: The most tokens that the draws can take, with prompts; ``None`` without max_tokens.
        most_usd: The most that they can cost; ``None`` where that, or the price, is unknown.
        tokens: What they will take if they are like the configuration's samples in the pool, if it has any.
        usd: What they will then cost.
    """

    undrawn: int = 0
    there: int = 0
    unverified: int = 0
    most_tokens: int | None = 0
    most_usd: float | None = 0.0
    tokens: int | None = None
    usd: float | None = None


@dataclass(slots=True)
class Forecast:
    """What a run would do, by configuration."""

    lines: dict[str, Line] = field(default_factory=dict)

    @property
    def undrawn(self) -> Counter[str]:
        """How many samples would be drawn, by configuration."""
        return Counter({name: line.undrawn for name, line in self.lines.items()})

    def total(self) -> Line:
        """Add up all configurations."""
        return add_up(self.lines.values())


def add_up(every: Collection[Line]) -> Line:
    """Add up lines; what one that draws does not know, the sum does not."""
    lines = [line for line in every if line.undrawn]
    return Line(
        undrawn=sum(line.undrawn for line in lines),
        there=sum(line.there for line in every),
        unverified=sum(line.unverified for line in every),
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

    return Line(
        undrawn=most([line.undrawn for line in drawing]) or 0,
        most_tokens=most([line.most_tokens for line in drawing]),
        most_usd=most([line.most_usd for line in drawing]),
    )


def forecast(spec: Spec, pool: Pool, asks: Sequence[Ask]) -> Forecast:
    """Count what a run would draw, and what that may cost.

    Raises:
        UsageError: a limit or budget in USD, and a configuration whose cost has no bound.
    """
    backends = open_backends(spec)
    maker = CellMaker(spec, backends)
    refuse_unbounded(spec, {one.name: maker.price(one) for one in spec.configurations}, backends)
    result, ids = Forecast(), {}
    for ask in asks:
        for lack in lacking(maker, pool, ask, register=False):
            configuration = lack.cell.configuration
            ids[configuration.name] = lack.cell.configuration_id
            line = result.lines.setdefault(configuration.name, Line())
            _add(line, lack, maker.price(configuration))
    by_name = {configuration.name: configuration for configuration in spec.configurations}
    for name, line in result.lines.items():
        mean = mean_usage(pool, ids[name])
        price = maker.price(by_name[name])
        if mean is not None:
            line.tokens = line.undrawn * (mean.input + mean.output)
            line.usd = None if price is None else line.undrawn * price.usd(mean)
    return result


def _add(line: Line, lack: Lack, price: Price | None) -> None:
    """Count what a cell lacks."""
    drawn = len(lack.undrawn)
    line.undrawn += drawn
    line.there += lack.there + len(lack.unverified)
    line.unverified += len(lack.unverified)
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
    return sum(known[1:], known[0]) if known and len(known) == len(numbers) else None
