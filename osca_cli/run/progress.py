"""Shows how a run is getting on: a table on a terminal, plain lines elsewhere. All on standard error."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TextIO

import anyio

from osca_cli.console import harmless
from osca_cli.run.speed import Speed, duration
from osca_cli.run.tally import Count, Tally

if TYPE_CHECKING:
    from rich.console import RenderableType

REFRESH_S = 0.25
LINE_EVERY_S = 10.0
ROWS_BESIDE = 7
"""Lines of a terminal that are no configuration's."""
WIDEST_NAME = 44


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


async def live(tally: Tally, stream: TextIO) -> None:
    """Draw a table of configurations, again and again, until cancelled."""
    from rich.console import Console
    from rich.live import Live

    console, speed, start = Console(file=stream), Speed(), time.monotonic()
    with Live(console=console, transient=True, auto_refresh=False) as screen:
        while True:
            now = time.monotonic()
            speed.see(now, {name: count.drawn for name, count in tally.counts.items()})
            screen.update(view(tally, speed, now - start, console.height), refresh=True)
            await anyio.sleep(REFRESH_S)


def view(tally: Tally, speed: Speed, seconds: float, height: int) -> RenderableType:
    """Return the table of a run: a row for each configuration, those at work first where not all fit.

    Args:
        tally: What was done.
        speed: How fast samples come.
        seconds: Since the run began.
        height: Lines of the terminal.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    names = list(dict.fromkeys([*tally.asked, *tally.counts]))
    rows = max(1, height - ROWS_BESIDE)
    if len(names) > rows:
        at_work = sorted(names, key=lambda name: (speed.rate(name) == 0, _done(tally, name)))[: rows - 1]
        shown = [name for name in names if name in set(at_work)]
    else:
        shown = names
    with_usd = any(count.usd for count in tally.counts.values())
    columns = ["done", "drawn", "there", "passed", "errors", "tokens"]
    columns += ["USD"] * with_usd + ["per second", "left"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("configuration", no_wrap=True, overflow="ellipsis", max_width=WIDEST_NAME)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name in shown:
        style = "bold" if speed.rate(name) else ("dim" if _done(tally, name) else "")
        cells = _cells(tally.counts.get(name, Count()), tally.asked.get(name), speed.rate(name), with_usd)
        table.add_row(Text(harmless(name)), *cells, style=style)
    more = [Text(f"… and {len(names) - len(shown)} more configurations")] if len(shown) < len(names) else []
    last = [Text(f"last error: {harmless(tally.last_error, 100)}")] if tally.last_error else []
    return Group(table, *more, *last, Text(_whole(tally, speed, seconds)))


def _done(tally: Tally, name: str) -> bool:
    count, asked = tally.counts.get(name, Count()), tally.asked.get(name)
    return asked is not None and count.drawn + count.there + count.errors >= asked


def _cells(count: Count, asked: int | None, rate: float, with_usd: bool) -> list[str]:
    done = count.drawn + count.there
    failed = count.errors + count.unverified
    judged = count.passed + count.failed
    cells = [
        f"{done:,}" if asked is None else f"{done:,}/{asked:,}",
        f"{count.drawn:,}",
        f"{count.there:,}",
        f"{count.passed:,} ({100 * count.passed / judged:.0f}%)" if judged else "–",
        f"{failed:,}" if failed else "–",
        f"{count.output_tokens:,}",
    ]
    left = "–"
    if asked is not None:
        missing = asked - done - count.errors
        left = "done" if missing <= 0 else (duration(missing / rate) if rate else "waiting")
    return [*cells, *([f"{count.usd:.4f}"] * with_usd), f"{rate:.1f}" if rate else "–", left]


def _whole(tally: Tally, speed: Speed, seconds: float) -> str:
    line = f"{describe(tally, seconds)}; {duration(seconds)} gone"
    count, rate = tally.sum(), speed.total()
    if tally.total is not None and rate:
        missing = tally.total - count.drawn - count.there - count.errors
        line += f", {duration(max(0, missing) / rate)} left"
    return line


async def show(tally: Tally, stream: TextIO) -> None:
    """Show progress in the way that the stream can, until cancelled."""
    can_draw = stream.isatty() and os.environ.get("TERM") != "dumb"
    await (live if can_draw else plain_lines)(tally, stream)
