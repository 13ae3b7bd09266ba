"""``osca run``: draws and verifies what a spec lacks, or executes a plan."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import click

from osca_cli.commands.common import (
    db_option,
    find_spec,
    json_option,
    load,
    open_pool,
    plural,
    sandbox_option,
    spec_argument,
)
from osca_cli.commands.execution import execute, planned_work
from osca_cli.commands.forecast_table import print_forecast
from osca_cli.commands.run_tables import print_pool
from osca_cli.commands.screening import in_words
from osca_cli.console import news, print_json
from osca_cli.errors import BudgetReachedError, OscaError, UsageError
from osca_cli.run.forecast import forecast, forecast_execution
from osca_cli.run.missing import Ask, Filter, PilotSplit, pilot_asks
from osca_cli.run.overview import overview
from osca_cli.run.pilot import run_pilot
from osca_cli.run.screened import Screened
from osca_cli.run.screening import Screening
from osca_cli.run.tally import Tally
from osca_cli.spec.types import AllocationBlock, Spec
from osca_cli.store.pool import Pool

ASK_ABOVE = 10_000  # samples that a person at a terminal is asked about before they are drawn


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    chosen: Filter
    split: PilotSplit
    samples: int | None
    problems: Path | None
    answers: Path | None
    dry_run: bool
    offline: bool
    stale: bool
    yes: bool
    as_json: bool


@click.command(epilog="Example: osca run spec.yaml --limit 5 --samples 2")
@spec_argument
@click.option("--pilot", is_flag=True, help="Draw the pilot of a plan file instead of executing it.")
@click.option("--measure", is_flag=True, help="Draw, without stopping, what osca check lacks.")
@click.option(
    "--split",
    type=click.Choice(["train", "held-out", "all"]),
    default="train",
    show_default=True,
    help="Which problems a pilot draws.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Samples of each cell, for this run; none is screened.",
)
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option("--only", metavar="GLOB", help="Only configurations whose name matches.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N problems of each task.")
@click.option(
    "--problems",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Execute the plan on the problems of this file.",
)
@click.option(
    "--answers", type=click.Path(dir_okay=False, path_type=Path), help="Write one JSON line for each problem."
)
@click.option("--dry-run", is_flag=True, help="Say what would be drawn, and draw nothing.")
@click.option("--offline", is_flag=True, help="Answer from the pool alone; a missing sample is an error.")
@click.option("--stale", is_flag=True, help="Accept a plan whose spec has changed under it.")
@click.option("--yes", is_flag=True, help="Do not ask before drawing many samples.")
@sandbox_option
@json_option
@db_option
def command(  # noqa: PLR0917 - one parameter for each option
    spec: Path | None,
    pilot: bool,
    measure: bool,
    split: str,
    samples: int | None,
    task: str | None,
    only: str | None,
    limit: int | None,
    problems: Path | None,
    answers: Path | None,
    dry_run: bool,
    offline: bool,
    stale: bool,
    yes: bool,
    as_json: bool,
    db: Path,
) -> int:
    """Draw and verify the samples that SPEC lacks, or execute a PLAN.

    With a file that has an allocation, problems are solved along its schedule, stopping at the first pass:
    held-out problems, or those of --problems. Every sample is kept the moment it arrives: after an
    interruption the same command goes on where it stopped.
    """
    options = Options(
        chosen=Filter(task, only, limit),
        split=split.replace("-", "_"),  # type: ignore[arg-type]  # click offers just these
        samples=samples,
        problems=problems,
        answers=answers,
        dry_run=dry_run,
        offline=offline,
        stale=stale,
        yes=yes,
        as_json=as_json,
    )
    loaded = load(find_spec(spec, db))
    if measure and loaded.allocation is None:
        raise UsageError(
            f"{loaded.path} has no allocation to measure; make a plan first: osca plan {loaded.path}"
        )
    for one in options.chosen.tasks(loaded):
        if one.outcomes is not None:
            raise UsageError(
                f"task '{one.name}' is an outcomes file: it can be planned and checked, and cannot be run"
            )
    with open_pool(db, create=not offline) as pool:
        if measure and loaded.allocation is not None:
            from osca_cli.run.measure import measure_asks  # the mathematics, which a pilot does not need

            news(f"measure: draws what osca check needs of the held-out problems of {loaded.path.name}")
            return _draw(
                loaded,
                pool,
                measure_asks(loaded, loaded.allocation, pool, options.chosen),
                "measure",
                options,
            )
        if pilot or loaded.allocation is None:
            asks = pilot_asks(loaded, options.chosen, split=options.split, samples=options.samples)
            news(f"pilot: draws what {loaded.path.name} lacks, {_described(asks)}")
            return _draw(loaded, pool, asks, "pilot", options, _screened(loaded, pool, options))
        return _execute(loaded, pool, loaded.allocation, options)


def _described(asks: Sequence[Ask]) -> str:
    parts = []
    for ask in asks:
        number = max(ask.samples.values(), default=0)
        parts.append(
            f"{plural(number, 'sample')} of {plural(len(ask.configurations), 'configuration')}"
            f" on {plural(len(ask.problems), ask.split.replace('_', '-') + ' problem')} of {ask.task.name}"
        )
    return "; ".join(parts)


def _screened(spec: Spec, pool: Pool, options: Options) -> Screened | None:
    """Return the screening of a pilot: there is none where ``--samples`` asks the same of all."""
    if spec.pilot_screen is None or options.samples is not None:
        return None

    def tell(stand: Screening) -> None:
        news(in_words(stand, spec.pilot_samples))

    return Screened(spec, pool, options.chosen, options.split, tell)


def _draw(
    spec: Spec,
    pool: Pool,
    asks: Sequence[Ask],
    kind: Literal["pilot", "measure"],
    options: Options,
    screened: Screened | None = None,
) -> int:
    if options.dry_run:
        known = () if screened is None else screened.further()
        then = None if screened is None else screened.at_most()
        print_forecast(forecast(spec, pool, [*asks, *known]), then, today=_today(), as_json=options.as_json)
        return 0
    if not options.yes and sys.stdin is not None and sys.stdin.isatty():
        _confirm(spec, pool, asks, screened)
    further = tuple if screened is None else screened.further
    tally = run_pilot(spec, pool, asks, kind=kind, offline=options.offline, further=further)
    if options.as_json:
        facts = {} if screened is None else screened.facts()
        print_json({"schema_version": 1, "kind": kind, **tally.facts(), **facts})
    else:
        print_pool(overview(spec, pool, options.chosen))
        news(_drawn(tally))
    if pool.read_only and (judged := tally.sum().passed + tally.sum().failed):
        news(f"note: {plural(judged, 'verdict')} given now could not be kept: {pool.path} is not written to")
    return _status(tally)


def _confirm(spec: Spec, pool: Pool, asks: Sequence[Ask], screened: Screened | None) -> None:
    """Ask before a very large draw."""
    each = 0 if screened is None else spec.pilot_samples
    if sum(len(ask.problems) * max(each, n) for ask in asks for n in ask.samples.values()) <= ASK_ABOVE:
        return
    known = () if screened is None else screened.look()
    then = None if screened is None else screened.at_most()
    number = forecast(spec, pool, [*asks, *known]).undrawn.total() + (0 if then is None else then.undrawn)
    if number > ASK_ABOVE:
        most = "" if then is None else "up to "
        click.confirm(f"draw {most}{number:,} samples?", abort=True, err=True)


def _execute(spec: Spec, pool: Pool, allocation: AllocationBlock, options: Options) -> int:
    if options.split != "train" or options.samples is not None or options.chosen.only is not None:
        raise UsageError("--split, --samples and --only are for pilots; add --pilot, or leave them out")
    work = planned_work(spec, allocation, options.chosen, options.problems, stale=options.stale)
    if options.dry_run:
        found = forecast_execution(spec, pool, work)
        print_forecast(found, today=_today(), as_json=options.as_json, stopping=True)
        return 0
    offline, as_json = options.offline, options.as_json
    tally, short = execute(spec, pool, work, options.answers, offline=offline, as_json=as_json)
    if not as_json:
        news(_drawn(tally))
    status = _status(tally)
    if short:
        raise BudgetReachedError(
            "the budget was spent before every problem had its schedule: samples cost more than the plan"
            " expected. Plan again, so that it knows, or raise the budget"
        )
    return status


def _today() -> date:
    """Return the day whose prices hold."""
    return datetime.now(UTC).date()


def _drawn(tally: Tally) -> str:
    count = tally.sum()
    return f"{count.drawn:,} drawn now, {count.there:,} already in the pool"


def _status(tally: Tally) -> int:
    """Return 0 if every sample came and was verified; else say what did not."""
    count = tally.sum()
    if not count.errors and not count.unverified:
        return 0
    parts = []
    if count.errors:
        parts.append(f"{plural(count.errors, 'draw')} failed")
    if count.unverified:
        parts.append(f"{plural(count.unverified, 'verdict')} failed")
    raise OscaError(f"{' and '.join(parts)} (last: {tally.last_error}); the same command tries them again")
