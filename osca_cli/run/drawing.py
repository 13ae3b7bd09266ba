"""Draws one sample: waits for its turn, sets its money aside, asks, and asks again where that may help."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import anyio

from osca_cli.errors import (
    BackendError,
    BusyError,
    InterruptedRunError,
    LostAnswerError,
    RefusedError,
    RetryableError,
    UnavailableError,
    first_line,
)
from osca_cli.identity import draw_seed, sample_key
from osca_cli.model import Sample
from osca_cli.protocols import Backend
from osca_cli.run.limits import Limiter, Turn, limits_of
from osca_cli.run.money import Money, Stake, most_usage
from osca_cli.run.retries import Retries, retrying
from osca_cli.spec.cells import Cell
from osca_cli.spec.types import BackendSettings, Spec
from osca_cli.store.pool import Pool, Run
from osca_cli.store.spending import release

GIVE_UP_AFTER = 5  # samples of one backend in a row that no retry could get


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample that is paid for and not yet kept.

    Attributes:
        sample: With what it cost, where that is known.
        key: Its identity.
        seed: The seed that was sent.
        settle: What it cost less what was set aside for it.
    """

    sample: Sample
    key: str
    seed: int
    settle: float


class Drawing:
    """Draws the samples of one run.

    Args:
        spec: The spec.
        pool: Where answers that were lost are noted, with what they may have cost.
        run: The run that samples are drawn for.
        backends: By name.
        money: What may be spent.
        stopping: Once set, no further request is sent.
    """

    def __init__(
        self,
        *,
        spec: Spec,
        pool: Pool,
        run: Run,
        backends: Mapping[str, Backend],
        money: Money,
        stopping: anyio.Event,
    ) -> None:
        self._spec = spec
        self._pool = pool
        self._run = run
        self._backends = backends
        self._money = money
        self._stopping = stopping
        self._limiters = _limiters(spec.backends, backends)
        self._retries = {name: _retries(spec.backends[name], one) for name, one in backends.items()}
        self._failed_in_a_row: Counter[str] = Counter()
        self._failed_on: defaultdict[str, set[str]] = defaultdict(set)
        self._answered: set[str] = set()
        self._random = Random()  # noqa: S311 - spreads retries; samples have seeds of their own

    async def draw(self, cell: Cell, index: int) -> Drawn:
        """Draw a sample; whoever called keeps it.

        Raises:
            InterruptedRunError: the run is stopping, and nothing was sent.
            BackendError: no sample came.
            BudgetReachedError: it could pass the limit of what the spec may cost.
        """
        name = cell.configuration.backend
        key = sample_key(cell.request, index)
        seed = draw_seed(self._spec.seed, key)

        async def attempt() -> Drawn:
            sample, settle = await self._attempt(cell, index, seed)
            return Drawn(sample, key, seed, settle)

        try:
            drawn = await retrying(attempt, self._retries[name], stopping=self._stopping, random=self._random)
        except RefusedError as error:
            place = cell.configuration.place
            where = (
                f"{self._spec.path}:{place.line}:{place.column}: configuration '{cell.configuration.name}'"
            )
            raise RefusedError(f"{where}: {error}") from error
        except RetryableError as error:
            self._count_failure(cell, error)
            raise
        self._failed_in_a_row[name] = 0
        self._answered.add(name)
        return drawn

    async def _attempt(self, cell: Cell, index: int, seed: int) -> tuple[Sample, float]:
        """Make one request; return its sample and what is to be settled."""
        limiter = self._limiters[cell.configuration.backend]
        usage = most_usage(cell.request)
        async with limiter.turn(usage.input // 4 + usage.output) as turn:
            stake = await self._money.reserve(cell)
            if self._stopping.is_set():
                self._give_back(stake)
                raise InterruptedRunError("the run is stopping")
            sample = await self._ask(cell, index, seed, limiter, turn, stake)
        known = sample.input_tokens is not None and sample.output_tokens is not None
        tokens = (sample.input_tokens or 0) + (sample.output_tokens or 0) if known else None
        limiter.answered(turn, tokens, sample.quota)
        usd = self._money.cost(stake, sample)
        return sample.costing(usd), self._money.close(stake, usd)

    async def _ask(
        self, cell: Cell, index: int, seed: int, limiter: Limiter, turn: Turn, stake: Stake
    ) -> Sample:
        backend = self._backends[cell.configuration.backend]
        try:
            samples = await _draw(backend, cell, index, seed)
            if len(samples) != 1:
                raise BackendError(f"the backend returned {len(samples)} samples where one was asked for")
        except LostAnswerError as error:
            usd = self._money.lost(stake, error.usage)
            settle = self._money.close(stake, usd)
            self._pool.add_error(self._run, cell, index, error, usd=usd, settle=settle)
            raise
        except BackendError as error:
            if isinstance(error, BusyError):
                limiter.refused(turn, error.retry_after_s)
            self._give_back(stake)
            raise
        return samples[0]

    def _give_back(self, stake: Stake) -> None:
        if settle := self._money.close(stake, None):
            release(self._pool, self._run, -settle)

    def _count_failure(self, cell: Cell, error: RetryableError) -> None:
        """Stop a run whose server does not come back, instead of waiting for every sample in turn.

        A program is not asked again, and may fail on some problems alone: it stops a run only where it has
        answered nothing.
        """
        name = cell.configuration.backend
        self._failed_in_a_row[name] += 1
        self._failed_on[name].add(cell.problem_id)
        program = cell.request.problem is not None
        failures = len(self._failed_on[name]) if program else self._failed_in_a_row[name]
        hopeless = name not in self._answered if program else self._retries[name].most > 0
        if hopeless and failures >= GIVE_UP_AFTER:
            what = "problems" if program else "samples"
            raise UnavailableError(
                f"backend '{name}': {GIVE_UP_AFTER} {what} in a row could not be had"
                f" (last: {first_line(error)}); what was drawn is kept, and the same command goes on"
            ) from error


def _limiters(settings: Mapping[str, BackendSettings], backends: Mapping[str, Backend]) -> dict[str, Limiter]:
    """Return the limiter of each backend; those that share a server and a key share one."""
    by_place: dict[tuple[object, ...], Limiter] = {}
    limiters = {}
    for name, backend in backends.items():
        entry = settings[name]
        hosted = getattr(backend, "hosted", False)
        place = (entry.type, entry.settings.get("base_url"), entry.settings.get("api_key_env"))
        limiters[name] = by_place.setdefault(
            place if hosted else (name,), Limiter(limits_of(entry.settings, backend.max_in_flight))
        )
    return limiters


def _retries(entry: BackendSettings, backend: Backend) -> Retries:
    if getattr(backend, "reads_problem", False):
        return Retries(0)  # a program knows itself what it may ask again, and costs what it costs
    most = entry.settings.get("max_retries")
    return Retries(most) if isinstance(most, int) else Retries()


async def _draw(backend: Any, cell: Cell, index: int, seed: int) -> Sequence[Sample]:
    more = {} if cell.request.problem is None else {"indices": [index]}
    samples: Sequence[Sample] = await backend.draw(cell.configuration.model, cell.request, [seed], **more)
    return samples
