"""Keeps a spec under its limit: the worst case is set aside before a request, and settled after it.

Why the ledger is in the pool: docs/decisions/062-money.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import anyio

from osca_cli.errors import BudgetReachedError, UsageError
from osca_cli.model import Chat, Request, Sample, Usage
from osca_cli.protocols import Backend
from osca_cli.spec.cells import Cell
from osca_cli.spec.judges import judges
from osca_cli.spec.prices import Price
from osca_cli.spec.types import Configuration, Spec
from osca_cli.store.pool import Pool
from osca_cli.store.spending import reserve, spent
from osca_cli.store.values import Run

# No tokenizer makes more tokens than there are bytes; chat templates add a few for each message.
_TOKENS_AROUND_A_MESSAGE = 32


@dataclass(frozen=True, slots=True)
class Stake:
    """What a request may cost, and what was set aside for it.

    Attributes:
        samples: How many samples it may ask for.
        most: The most that they can cost together.
    """

    price: Price | None
    samples: int
    most: float
    reserved: float


class Money:
    """The money of one run.

    Args:
        spec: The spec; its limit is all that it may ever cost.
        prices: Of each configuration, by name; ``None`` where unknown.
        pool: Where spending is counted.
        run: The run that spends.
    """

    def __init__(self, spec: Spec, prices: Mapping[str, Price | None], pool: Pool, run: Run) -> None:
        self._spec = spec
        self._prices = prices
        self._pool = pool
        self._run = run
        self._open = 0
        self._settled = anyio.Event()
        self.usd = 0.0

    async def reserve(self, cell: Cell, samples: int = 1) -> Stake:
        """Set aside the most that a request may cost; waits while other requests hold what it needs.

        A request for several samples reserves as much as one for each: some servers make it just that. Where
        the limit has not enough left for all of them, fewer are asked for.

        Raises:
            BudgetReachedError: a single one could pass the limit, and nothing under way will give any back.
        """
        price = self._prices[cell.configuration.name]
        most = 0.0 if price is None else price.most_usd(most_usage(cell.request))
        limit = self._spec.limit_usd
        if limit is None or not most:
            return Stake(price, samples, samples * most, 0.0)
        while not reserve(self._pool, self._run, samples * most, limit):
            if self._open or samples == 1:
                await self.more(cell.configuration, most)
            else:
                samples //= 2
        self._open += 1
        return Stake(price, samples, samples * most, samples * most)

    @contextmanager
    def owing(self) -> Iterator[None]:
        """Have others wait for the money that a batch may give back, while the context lasts."""
        self._open += 1
        try:
            yield
        finally:
            self._closed()

    async def more(self, configuration: Configuration, most: float) -> None:
        """Wait until something under way may have given money back.

        Raises:
            BudgetReachedError: nothing is under way: a sample that may cost so much would pass the limit.
        """
        if not self._open:
            raise self._reached(configuration, most, self._spec.limit_usd or 0.0)
        await self._settled.wait()

    def cost(self, stake: Stake, samples: Sequence[Sample]) -> list[float | None]:
        """Return what each sample of a request cost: as its program says, else an equal share of its tokens.

        ``None`` where there is no price. Where the server does not count, the worst is assumed.
        """
        price = stake.price
        if price is None or any(sample.usd is not None for sample in samples):
            return [sample.usd for sample in samples]
        counted = [usage for usage in map(_usage, samples) if usage is not None]
        number = len(samples)
        if len(counted) < number:
            return [stake.most / number] * number
        if samples[0].choices == 1:
            pairs = zip(counted, samples, strict=True)
            return [price.usd(usage, sample.seconds or 0.0) for usage, sample in pairs]
        usd = price.usd(_together(counted), samples[0].seconds or 0.0) + (number - 1) * price.sample
        return [usd / number] * number

    def lost(self, stake: Stake, usage: Usage | None) -> float | None:
        """Return the most that a request cost whose answer was lost."""
        if stake.price is None:
            return None
        return stake.most if usage is None else stake.price.usd(usage)

    def close(self, stake: Stake, usd: float | None) -> float:
        """End a stake that cost so much; return the difference from what was set aside for it."""
        self.usd += usd or 0.0
        if stake.reserved:
            self._closed()
        return (usd or 0.0) - stake.reserved

    def _closed(self) -> None:
        self._open -= 1
        self._settled.set()
        self._settled = anyio.Event()

    def _reached(self, configuration: Configuration, most: float, limit: float) -> BudgetReachedError:
        left = max(0.0, limit - spent(self._pool, self._run))
        return BudgetReachedError(
            f"{self._spec.path.name}: limits: usd: {limit:g} leaves {left:.6g} USD, and a"
            f" sample of configuration '{configuration.name}' may cost {most:.6g}; what was drawn is kept."
            " Raise the limit, or lower max_tokens"
        )


def _usage(sample: Sample) -> Usage | None:
    if sample.input_tokens is None or sample.output_tokens is None:
        return None
    return Usage(sample.input_tokens, sample.output_tokens, sample.cached_tokens or 0)


def _together(usages: Sequence[Usage]) -> Usage:
    return Usage(
        input=sum(usage.input for usage in usages),
        output=sum(usage.output for usage in usages),
        cached=sum(usage.cached for usage in usages),
    )


def most_usage(request: Request) -> Usage:
    """Return the most tokens that a request may take: a token for each byte, and all of ``max_tokens``."""
    if isinstance(request.prompt, Chat):
        texts = [role + content for role, content in request.prompt.messages]
    else:
        texts = [request.prompt.text]
    given = sum(len(text.encode("utf-8", "replace")) + _TOKENS_AROUND_A_MESSAGE for text in texts)
    written = request.parameters.get("max_tokens")
    return Usage(input=given, output=written if isinstance(written, int) else 0)


def refuse_unbounded(spec: Spec, prices: Mapping[str, Price | None], backends: Mapping[str, Backend]) -> None:
    """Refuse, before the first call, what a limit or budget in USD could not hold.

    Args:
        spec: The spec.
        prices: Of each configuration.
        backends: By name.

    Raises:
        UsageError: a price is unknown, or a sample's cost has no bound.
    """
    in_usd = spec.budget is not None and spec.budget.kind == "usd"
    if spec.limit_usd is None and not in_usd:
        return
    what = "limits: usd" if spec.limit_usd is not None else "a budget in usd"
    for one in (*spec.configurations, *judges(spec)):
        price = prices[one.name]
        where = f"{spec.path}:{one.place.line}:{one.place.column}: configuration '{one.name}'"
        if price is None:
            raise UsageError(
                f"{where}: the price of model '{one.model}' is not known, and {what} needs it;"
                f" write, for backend '{one.backend}', {_example(one, backends[one.backend])}"
            )
        sent = backends[one.backend].sent(one.parameters)
        if spec.limit_usd is not None and price.output and not sent.get("max_tokens"):
            raise UsageError(f"{where}: {what} needs a bound of what a sample may cost; write max_tokens")


def _example(configuration: Configuration, backend: Backend) -> str:
    """Return how a price is written: of a program for each sample, of a model for its tokens."""
    if getattr(backend, "reads_problem", False):
        return "the most that one sample costs, in USD: prices: {'*': {sample: 0.5}}"
    return f"in USD per million tokens: prices: {{'{configuration.model}': {{input: 0.25, output: 2}}}}"
