"""Shows how a run is getting on: a bar on a terminal, plain lines elsewhere. All on standard error."""

from __future__ import annotations

import time
from typing import TextIO

import anyio

from osca_cli.run.tally import Tally

REFRESH_S = 0.2
LINE_EVERY_S = 10.0


def describe(tally: Tally, seconds: float) -> str:
    """Say in one line what a run has done so far."""
    count = tally.sum()
    asked = f" of {tally.total}" if tally.total is not None else ""
    parts = [f"{count.drawn + count.there}{asked} samples", f"{count.drawn} drawn", f"{count.passed} passed"]
    if count.errors:
        parts.append(f"{count.errors} errors")
    if count.unverified:
        parts.append(f"{count.unverified} not verified")
    if count.usd:
        parts.append(f"{count.usd:.4f} USD")
    if tally.batches:
        states = tally.batches.values()
        done, total = sum(state.done for state in states), sum(state.total for state in states)
        parts.append(f"{done} of {total} done in {len(states)} batch{'es' * (len(states) > 1)}")
    elif count.drawn and seconds > 0:
        parts.append(f"{count.drawn / seconds:.1f}/s")
    return ", ".join(parts)


async def plain_lines(tally: Tally, stream: TextIO) -> None:
    """Print a line now and then, until cancelled, unless it says nothing new."""
    start, last = time.monotonic(), ""
    while True:
        await anyio.sleep(LINE_EVERY_S)
        line = describe(tally, time.monotonic() - start)
        if line != last:
            print(line, file=stream, flush=True)
        last = line


async def bar(tally: Tally, stream: TextIO) -> None:
    """Draw a progress bar, until cancelled."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    start = time.monotonic()
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        line = progress.add_task("", total=tally.total)
        while True:
            count = tally.sum()
            progress.update(
                line,
                total=tally.total,
                completed=count.drawn + count.there + count.errors,
                description=describe(tally, time.monotonic() - start),
            )
            await anyio.sleep(REFRESH_S)


async def show(tally: Tally, stream: TextIO) -> None:
    """Show progress in the way that the stream can, until cancelled."""
    await (bar if stream.isatty() else plain_lines)(tally, stream)
