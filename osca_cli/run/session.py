"""One run over a pool: what every kind of run opens, shows, and closes again."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from osca_cli import __version__
from osca_cli.backends import open_backends
from osca_cli.errors import InterruptedRunError, OscaError, PoolError
from osca_cli.protocols import Backend
from osca_cli.run.claims import claims_beside
from osca_cli.run.drawing import Drawing
from osca_cli.run.money import Money, refuse_unbounded
from osca_cli.run.progress import show
from osca_cli.run.readiness import make_ready
from osca_cli.run.sampling import Sampling
from osca_cli.run.tally import Tally
from osca_cli.run.verification import Verification
from osca_cli.spec.blame import blaming
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.judges import judges
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import Spec
from osca_cli.store.pool import Pool
from osca_cli.store.values import Run, RunKind

DRAIN_S = 5.0
VERIFY_TIME_LIMIT_S = 10.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Session:
    """What a run works with.

    Attributes:
        under_way: The batches, by token, that this process is handing over.
    """

    spec: Spec
    pool: Pool
    run: Run
    backends: Mapping[str, Backend]
    money: Money
    sampling: Sampling
    tally: Tally
    under_way: set[str] = field(default_factory=set)


def run_session(
    spec: Spec,
    pool: Pool,
    kind: RunKind,
    work: Callable[[Session], Awaitable[Result]],
    *,
    offline: bool = False,
) -> Result:
    """Run work in a session: progress is shown, Ctrl-C drains, errors come out as they are.

    Raises:
        InterruptedRunError: the user interrupted; what was drawn is kept.
        OscaError: whatever the work raised.
    """
    return anyio.run(_run, spec, pool, kind, work, offline)


async def _run(
    spec: Spec, pool: Pool, kind: RunKind, work: Callable[[Session], Awaitable[Result]], offline: bool
) -> Result:
    results: list[Result] = []
    try:
        async with _session(spec, pool, kind, offline) as session, anyio.create_task_group() as group:
            group.start_soon(show, session.tally, sys.stderr)
            group.start_soon(_drain_on_interrupt, session.sampling, group.cancel_scope)
            results.append(await work(session))
            group.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        raise _first(errors) from None
    if session.sampling.fatal is not None:
        raise session.sampling.fatal
    if session.sampling.stopping.is_set() or not results:
        drawn = session.tally.sum().drawn
        raise InterruptedRunError(f"interrupted; {drawn} samples drawn and kept. The same command goes on.")
    return results[0]


@asynccontextmanager
async def _session(spec: Spec, pool: Pool, kind: RunKind, offline: bool) -> AsyncIterator[Session]:
    backends = open_backends(spec, notify=lambda line: print(line, file=sys.stderr, flush=True))
    tally = Tally()
    maker = CellMaker(spec, backends)
    prices = {} if offline else {one.name: maker.price(one) for one in (*spec.configurations, *judges(spec))}
    if not offline:
        refuse_unbounded(spec, prices, backends)
        make_ready(spec.tasks)
    workers = os.cpu_count() or 1
    stopping = anyio.Event()
    async with AsyncExitStack() as stack:
        claims = stack.enter_context(
            claims_beside(None if offline or pool.read_only else pool.path, stopping)
        )
        verification = await stack.enter_async_context(
            Verification(workers, VERIFY_TIME_LIMIT_S, spec.path.parent)
        )
        run = _start(spec, pool, kind, backends, offline=offline)
        money = Money(spec, prices, pool, run)
        sampling = Sampling(
            spec=spec,
            maker=maker,
            pool=pool,
            run=run,
            drawing=Drawing(spec=spec, pool=pool, run=run, backends=backends, money=money, stopping=stopping),
            verification=verification,
            tally=tally,
            stopping=stopping,
            claims=claims,
            offline=offline,
        )
        try:
            yield Session(spec, pool, run, backends, money, sampling, tally)
        finally:
            if tally.sum().drawn:  # some engines know more of themselves once they are loaded
                with suppress(PoolError):  # whoever wrote last has said why it cannot be written to
                    pool.describe_engines(run, _provenance(spec, backends))
            with anyio.CancelScope(shield=True):
                for name, backend in backends.items():
                    with blaming(spec.backends[name]):
                        await backend.aclose()


def _start(spec: Spec, pool: Pool, kind: RunKind, backends: Mapping[str, Backend], *, offline: bool) -> Run:
    """Record that a run begins. Offline nothing is drawn: that needs no run, and no engine."""
    if offline:
        return Run(0, kind, str(spec.path), spec_hash(spec))
    return pool.start_run(
        kind,
        spec=spec.path,
        spec_hash=spec_hash(spec),
        osca=__version__,
        engines=_provenance(spec, backends),
    )


def _provenance(spec: Spec, backends: Mapping[str, Backend]) -> dict[str, Mapping[str, str]]:
    told = {}
    for name, backend in backends.items():
        with blaming(spec.backends[name]):
            told[name] = backend.provenance()
    return told


async def _drain_on_interrupt(sampling: Sampling, scope: anyio.CancelScope) -> None:
    """Stop asking at the first signal, cancel what is in flight soon after, leave at the second."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if sampling.stopping.is_set():
                os._exit(130)
            sampling.stopping.set()
            print("finishing what is in flight; once more to leave at once", file=sys.stderr, flush=True)
            scope.deadline = anyio.current_time() + DRAIN_S


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return osca's own error of a group if there is one, else the first error."""
    leaves = list(_leaves(errors))
    return next((error for error in leaves if isinstance(error, OscaError)), leaves[0])


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
