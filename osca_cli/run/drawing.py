"""Draws samples: waits for a turn, sets money aside, asks, and asks again where that may help."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import anyio

from osca_cli.errors import (
    BackendError,
    BrokenBackendError,
    BusyError,
    InterruptedRunError,
    LostAnswerError,
    RefusedError,
    RetryableError,
    UnavailableError,
    first_line,
)
from osca_cli.identity import draw_seed, sample_key
from osca_cli.model import Json, Sample
from osca_cli.protocols import Backend
from osca_cli.run.busy import Busy
from osca_cli.run.guard import ask
from osca_cli.run.limits import Limiter, Turn, limits_of
from osca_cli.run.money import Money, Stake, most_usage
from osca_cli.run.retries import Retries, retrying
from osca_cli.spec.cells import Cell
from osca_cli.spec.types import BackendSettings, Configuration, Spec
from osca_cli.store.pool import Pool
from osca_cli.store.spending import release
from osca_cli.store.values import Drawn, Run

GIVE_UP_AFTER = 5  # draws of one backend in a row that no retry could get


@dataclass(frozen=True, slots=True)
class Reply:
    """The samples of one request.

    Attributes:
        settle: What they cost less what was set aside for them.
    """

    drawn: tuple[Drawn, ...]
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
        self._busy = {name: Busy() for name in backends}
        self._retries = {name: retries_of(spec.backends[name], one) for name, one in backends.items()}
        self._failed_in_a_row: defaultdict[str, set[object]] = defaultdict(set)
        self._answered: set[str] = set()
        self._random = Random()  # noqa: S311 - spreads retries; samples have seeds of their own

    async def draw(self, cell: Cell, indices: Sequence[int]) -> Reply:
        """Draw samples of a cell by one request: of these the first, or more; whoever called keeps them.

        Raises:
            InterruptedRunError: the run is stopping, and nothing was sent.
            BackendError: no sample came.
            BudgetReachedError: it could pass the limit of what the spec may cost.
        """
        name = cell.configuration.backend
        try:
            reply = await retrying(
                lambda: self._attempt(cell, indices),
                self._retries[name],
                stopping=self._stopping,
                random=self._random,
            )
        except RefusedError as error:
            raise placed(self._spec, cell.configuration, error) from error
        except (RetryableError, BrokenBackendError) as error:
            self._count_failure(cell, error)
            raise
        self._failed_in_a_row[name].clear()
        self._answered.add(name)
        return reply

    async def _attempt(self, cell: Cell, indices: Sequence[int]) -> Reply:
        """Make one request, for fewer samples where money is short."""
        limiter = self._limiters[cell.configuration.backend]
        usage = most_usage(cell.request)
        async with limiter.turn(usage.input // 4 + len(indices) * usage.output) as turn:
            stake = await self._money.reserve(cell, len(indices))
            if self._stopping.is_set():
                self._give_back(stake)
                raise InterruptedRunError("the run is stopping")
            asked = indices[: stake.samples]
            keys = [sample_key(cell.request, index) for index in asked]
            seeds = [draw_seed(self._spec.seed, key) for key in keys]
            with self._busy[cell.configuration.backend].sharing(len(asked)) as span:
                samples = await self._ask(cell, asked, seeds, limiter, turn, stake)
        limiter.answered(turn, _tokens(samples), samples[-1].quota)
        costs = self._money.cost(stake, samples)
        settle = self._money.close(stake, sum(usd or 0.0 for usd in costs))
        if samples[0].choices > 1:
            seeds = [seeds[0]] * len(seeds)  # the one that was sent
        paid = [
            replace(sample, usd=usd, busy_seconds=span.seconds)
            for sample, usd in zip(samples, costs, strict=True)
        ]
        rows = zip(asked, paid, keys, seeds, strict=False)  # fewer may have come than were asked for
        return Reply(tuple(Drawn(*row) for row in rows), settle)

    async def _ask(
        self,
        cell: Cell,
        indices: Sequence[int],
        seeds: Sequence[int],
        limiter: Limiter,
        turn: Turn,
        stake: Stake,
    ) -> Sequence[Sample]:
        name, model = cell.configuration.backend, cell.configuration.model
        try:
            backend, entry = self._backends[name], self._spec.backends[name]
            return await ask(backend, entry, model, cell.request, seeds, indices)
        except (LostAnswerError, BrokenBackendError) as error:
            usage = error.usage if isinstance(error, LostAnswerError) else None
            usd = self._money.lost(stake, usage)
            settle = self._money.close(stake, usd)
            self._pool.add_errors(self._run, cell, indices, error, usd=usd, settle=settle)
            raise
        except BackendError as error:
            if isinstance(error, BusyError):
                limiter.refused(turn, error.retry_after_s)
            self._give_back(stake)
            raise

    def _give_back(self, stake: Stake) -> None:
        if settle := self._money.close(stake, None):
            release(self._pool, self._run, -settle)

    def _count_failure(self, cell: Cell, error: BackendError) -> None:
        """Stop a run whose server does not come back, instead of waiting for every sample in turn.

        A program is not asked again, and may fail on some problems alone: it stops a run only where it has
        answered nothing.
        """
        name, failed = cell.configuration.backend, self._failed_in_a_row[cell.configuration.backend]
        program = cell.request.problem is not None
        hopeless = name not in self._answered if program else self._retries[name].most > 0
        # What fails on one problem because of the problem does so for all of its samples: they count once.
        once = program or isinstance(error, BrokenBackendError)
        failed.add(cell.problem_id if once else object())
        if hopeless and len(failed) >= GIVE_UP_AFTER:
            what = "problems" if once else "samples"
            raise UnavailableError(
                f"backend '{name}': {GIVE_UP_AFTER} {what} in a row could not be had"
                f" (last: {first_line(error)}); what was drawn is kept, and the same command goes on"
            ) from error


def _tokens(samples: Sequence[Sample]) -> int | None:
    """Return the tokens of a request, or ``None`` where they were not counted."""
    counts = [count for sample in samples for count in (sample.input_tokens, sample.output_tokens)]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def placed(spec: Spec, configuration: Configuration, error: RefusedError) -> RefusedError:
    """Return an error of a server with the place of the configuration that it is about."""
    place = configuration.place
    return RefusedError(
        f"{spec.path}:{place.line}:{place.column}: configuration '{configuration.name}': {error}"
    )


def _limiters(settings: Mapping[str, BackendSettings], backends: Mapping[str, Backend]) -> dict[str, Limiter]:
    """Return the limiter of each backend; those that share a server and a key share one."""
    by_place: dict[tuple[object, ...], Limiter] = {}
    limiters = {}
    for name, backend in backends.items():
        entry = settings[name]
        hosted = getattr(backend, "hosted", False)
        limiters[name] = by_place.setdefault(
            server_of(entry) if hosted else (name,),
            Limiter(limits_of(entry.settings, backend.max_in_flight), gently=hosted),
        )
    return limiters


def server_of(entry: BackendSettings) -> tuple[Json, ...]:
    """Return what backends that share a server and a key have in common."""
    return entry.type, entry.settings.get("base_url"), entry.settings.get("api_key_env")


def retries_of(entry: BackendSettings, backend: Backend) -> Retries:
    """Return how often a backend is asked again."""
    if getattr(backend, "reads_problem", False):
        return Retries(0)  # a program knows itself what it may ask again, and costs what it costs
    most = entry.settings.get("max_retries")
    return Retries(most) if isinstance(most, int) else Retries()
