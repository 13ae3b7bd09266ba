"""A forecast in the terminal: what would be drawn, what that may cost, and by which prices."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from osca_cli.console import harmless, print_json, print_table
from osca_cli.run.forecast import Forecast, Line, add_up
from osca_cli.spec.prices import Price


def print_forecast(
    forecast: Forecast,
    then: Line | None = None,
    *,
    today: date,
    as_json: bool,
    stopping: bool = False,
) -> None:
    """Print what a run would draw, what that may cost, and by which prices.

    Args:
        forecast: What it would draw for sure.
        then: The most that can follow from what that gives.
        today: The day whose prices these are.
        as_json: Whether as JSON.
        stopping: Whether a plan is executed, which stops at a problem's first pass.
    """
    total = forecast.total()
    if as_json:
        rows = [{"configuration": name, **_facts(line)} for name, line in forecast.lines.items()]
        prices = {name: price and _price_facts(price) for name, price in forecast.prices.items()}
        facts = {"then_at_most": then and _facts(then), "prices": prices, "priced_on": str(today)}
        print_json({"schema_version": 1, **_facts(total), **facts, "configurations": rows})
        return
    columns = ("configuration", *(("draws", "at most") if stopping else ("to draw",)), "in the pool")
    lines = [*forecast.lines.items(), ("all", total)]
    if then is not None:
        lines += [("then, of those that go on, at most", then), ("in all, at most", add_up([total, then]))]
    cells = [_cells(name, line, stopping=stopping) for name, line in lines]
    print_table("What a run would do", (*columns, "tokens", "at most", "USD", "at most"), cells)
    if total.owed:
        click.echo(f"{total.owed:,} more are on their way in batches, and are not drawn again")
    for name, price in forecast.prices.items():
        click.echo(harmless(f"{name}: {_price_text(price, today)}"))


def _facts(line: Line) -> dict[str, Any]:
    return {
        "to_draw": line.undrawn,
        "draws": line.draws,
        "there": line.there,
        "on_their_way": line.owed,
        "tokens": line.tokens,
        "tokens_at_most": line.most_tokens,
        "usd": line.usd,
        "usd_at_most": line.most_usd,
    }


def _cells(name: str, line: Line, *, stopping: bool) -> tuple[str, ...]:
    draws = ("–" if line.draws is None else f"{line.draws:.0f}",) if stopping else ()
    tokens = ["–" if number is None else f"{number:,.0f}" for number in (line.tokens, line.most_tokens)]
    usd = ["–" if number is None else f"{number:.4f}" for number in (line.usd, line.most_usd)]
    return (name, *draws, str(line.undrawn), str(line.there), *tokens, *usd)


def _price_facts(price: Price) -> dict[str, Any]:
    names = ("input", "cached_input", "output", "sample", "second", "source")
    return {name: getattr(price, name) for name in names}


def _price_text(price: Price | None, today: date) -> str:
    """Return a price in words, with where it comes from."""
    if price is None:
        return "price unknown; write it under prices: of its backend"
    parts = [f"{price.input:g} in, {price.cached_input:g} cached, {price.output:g} out per million tokens"]
    parts = parts if price.input or price.cached_input or price.output else []
    parts += [f"{price.sample:g} a sample"] * bool(price.sample) + [f"{price.second:g} a second"] * bool(
        price.second
    )
    if price.long is not None:
        parts.append(f"more above {price.above:,} tokens of prompt")
    return f"{'USD ' + ', '.join(parts) if parts else 'free'} ({price.source}, {today})"
