"""Draws and verifies what the pool lacks, and says beforehand how much that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import anyio

from osca_cli.backends import open_backends
from osca_cli.errors import MissingSamplesError
from osca_cli.protocols import Backend
from osca_cli.run.batching import count_owed, draw_batches
from osca_cli.run.concurrency import for_each
from osca_cli.run.missing import Ask, Lack, lacking
from osca_cli.run.session import Session, run_session
from osca_cli.run.tally import Tally
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.types import Configuration, Spec
from osca_cli.store.pool import Pool
from osca_cli.store.values import RunKind


def run_pilot(
    spec: Spec,
    pool: Pool,
    asks: Sequence[Ask],
    *,
    kind: RunKind = "pilot",
    offline: bool = False,
    further: Callable[[], Sequence[Ask]] = tuple,
) -> Tally:
    """Draw and verify all that the pool lacks of these asks; return what was done.

    Args:
        spec: The spec.
        pool: What there is, and where samples go.
        asks: What is asked for.
        kind: What kind of run the pool records.
        offline: Whether a sample that the pool lacks is an error.
        further: What is asked for once that is there: it may depend on it.

    Raises:
        InterruptedRunError: the user interrupted; what was drawn is kept.
        MissingSamplesError: offline, and the pool lacks a sample.
        UnavailableError: a model cannot be had.
    """
    if offline:
        _refuse_missing(spec, pool, asks)

    async def work(session: Session) -> Tally:
        await draw(session, asks)
        if not session.sampling.stopping.is_set() and (more := further()):
            if offline:
                _refuse_missing(spec, pool, more)
            await draw(session, more)
        return session.tally

    return run_session(spec, pool, kind, work, offline=offline)


def _refuse_missing(spec: Spec, pool: Pool, asks: Sequence[Ask]) -> None:
    """Refuse an offline run that would have to draw, before it begins."""
    maker = CellMaker(spec, open_backends(spec))
    number, first = 0, ""
    for ask in asks:
        for lack in lacking(maker, pool, ask, register=False):
            missing = lack.undrawn + lack.owed
            if missing and not number:
                first = (
                    f"sample {min(missing)} of configuration '{lack.cell.configuration.name}'"
                    f" on problem '{lack.cell.problem.id}'"
                )
            number += len(missing)
    if number:
        raise MissingSamplesError(
            f"offline, and {number} samples are missing, such as {first}; run without --offline to draw them"
        )


async def draw(session: Session, asks: Sequence[Ask]) -> None:
    """Draw and verify all that the pool lacks of these asks.

    Backends work side by side, the models of one backend one after the other. What is in memory is bounded by
    the work in flight, whatever the number of samples.
    """
    maker = CellMaker(session.spec, session.backends)
    for ask in asks:
        for one in ask.configurations:
            indices = ask.indices(one.name, deterministic=maker.deterministic(one))
            session.tally.ask(one.name, len(ask.problems) * len(indices))
    parts = [part for ask in asks for part in _by_prompt(ask)]
    async with anyio.create_task_group() as group:
        for names in _side_by_side(session.backends):
            group.start_soon(_draw_backends, session, maker, parts, names)
    count_owed(session, maker, parts)


async def _draw_backends(
    session: Session, maker: CellMaker, parts: Sequence[Ask], names: Sequence[str]
) -> None:
    """Draw from some backends, by batches where their entries say so."""
    singly = []
    for name in names:
        mine = [part for part in parts if part.configurations[0].backend == name]
        if not await draw_batches(session, maker, mine, name):
            singly += mine
    await _draw_models(session, maker, singly)


def _side_by_side(backends: Mapping[str, Backend]) -> list[list[str]]:
    """Return the backends in groups: groups work side by side, those within one after the other.

    Backends that hold one model at a time share the memory for it.
    """
    one_by_one = [name for name in backends if getattr(backends[name], "one_model_at_a_time", False)]
    return [one_by_one] * bool(one_by_one) + [[name] for name in backends if name not in one_by_one]


async def _draw_models(session: Session, maker: CellMaker, parts: Sequence[Ask]) -> None:
    """Draw model by model, whatever the tasks and prompts: each is loaded once."""

    def model(part: Ask) -> tuple[str, str]:
        return part.configurations[0].backend, part.configurations[0].model

    async def obtain(item: tuple[Cell, Sequence[int]]) -> None:
        await session.sampling.obtain_all(*item)

    by_model: dict[tuple[str, str], list[Ask]] = {}
    for part in parts:
        by_model.setdefault(model(part), []).append(part)
    for (backend, _), mine in by_model.items():
        lacks = (lack for part in mine for lack in lacking(maker, session.pool, part, register=True))
        # Twice the slots: while one sample is verified another one is drawn.
        at_once = 2 * session.backends[backend].max_in_flight
        await for_each(_work(session, lacks), obtain, at_once=at_once, stopping=session.sampling.stopping)


def _work(session: Session, lacks: Iterable[Lack]) -> Iterator[tuple[Cell, Sequence[int]]]:
    """Yield what is done together: a sample to verify, or the samples that one request asks for."""
    for lack in lacks:
        session.tally.found(lack.cell.configuration.name, lack.there)
        for index in lack.unverified:
            yield lack.cell, (index,)
        most = session.backends[lack.cell.configuration.backend].samples_per_request
        for first in range(0, len(lack.undrawn), most):
            yield lack.cell, lack.undrawn[first : first + most]


def _by_prompt(ask: Ask) -> list[Ask]:
    """Split an ask by model and prompt: a model is loaded once, and what a prompt begins with stays warm."""

    def kind(configuration: Configuration) -> tuple[str, str, str]:
        return configuration.backend, configuration.model, configuration.prompt or ""

    groups = groupby(sorted(ask.configurations, key=kind), key=kind)
    return [replace(ask, configurations=list(configurations)) for _, configurations in groups]
