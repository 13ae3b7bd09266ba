"""``osca plan --advise`` in the terminal: what more pilot would buy, at what price, and what to write."""

from __future__ import annotations

from collections.abc import Sequence

import click

from osca_cli.commands.common import shown
from osca_cli.console import harmless, interval_text, percent, points, print_json, print_table
from osca_cli.plan.advice import Advice, Option
from osca_cli.plan.result import SCHEMA_VERSION
from osca_cli.spec.types import Spec, Task

COLUMNS = ("pilot", "problems", "samples a cell", "to draw", "price", "plan gains", "95% interval")


def show_advice(spec: Spec, advice: Sequence[Advice], *, as_json: bool) -> None:
    """Print what is advised for each task, with the lines to put into the spec."""
    lines = [spec_lines(spec, spec.task(one.task), one) for one in advice]
    if as_json:
        objects = [one.to_json() | {"spec": text} for one, text in zip(advice, lines, strict=True)]
        print_json(objects[0] if len(objects) == 1 else {"schema_version": SCHEMA_VERSION, "tasks": objects})
        return
    for one, text in zip(advice, lines, strict=True):
        _print(one)
        for line in text:
            click.echo(harmless(line))


def spec_lines(spec: Spec, task: Task, advice: Advice) -> list[str]:
    """Return the next pilot as lines of YAML; none where none is advised, or there is no pilot to draw."""
    option = advice.recommended
    if option.more == "nothing" or task.outcomes is not None:
        return []
    screen = "" if spec.pilot_screen is None else f", screen: {spec.pilot_screen}"
    pilot = f"pilot: {{samples: {option.samples}{screen}}}"
    then = f"then osca run {shown(spec.path)}"
    if option.more == "samples":
        return [f"# {then}", pilot]
    wanted = option.problems - len(task.train)
    lines = round(wanted * (1 + len(task.held_out) / max(len(task.train), 1)))
    held_out = f", which takes {lines} more lines, since some are held out" if lines > wanted else ""
    return [f"# add {wanted} training problems to task {task.name}{held_out}; {then}", pilot]


def _print(advice: Advice) -> None:
    kind = advice.budget.kind
    rows = [_row(option, kind) for option in advice.options]
    print_table(f"{advice.task}: what more pilot would buy, at {advice.budget} per problem", COLUMNS, rows)
    if advice.expected is not None:
        rate = percent(advice.expected.pass_rate)
        click.echo(f"now     {rate} expected ({interval_text(advice.expected.interval)})")
    click.echo(f"advice  {harmless(advice.because)}")


def _row(option: Option, kind: str) -> tuple[str, ...]:
    name = {"nothing": "as it is", "samples": "more samples", "problems": "more problems"}[option.more]
    price = "–" if option.price is None else f"{option.price:,.4g} {kind}"
    gain = ("–", "–")
    if option.gain is not None:
        gain = (points(option.gain.value), interval_text(option.gain.interval, signed=True))
    return name, f"{option.problems:,}", f"{option.samples:,}", f"{option.draws:,}", price, *gain
