"""``osca report``: one page that says what a plan gains, and shows all that speaks for and against it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from osca_cli.commands.common import db_option, open_pool, shown
from osca_cli.commands.source import load_source, source_argument
from osca_cli.console import news
from osca_cli.errors import MissingSamplesError, UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.amounts import parse_budgets
from osca_cli.plan.block import allocation_of
from osca_cli.plan.sources import task_outcomes
from osca_cli.plan.tasks import plan_tasks
from osca_cli.run.missing import Filter
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import AllocationBlock, Budget, Spec

DEFAULT_BUDGET = Budget("samples", 8.0)
MADE_BY = b'<meta name="generator" content="osca '


@click.command(epilog="Example: osca report plan.yaml -o report.html")
@source_argument
@click.option("--budget", metavar="AMOUNT", help="Plan for this budget instead: 8 (samples), 0.03usd, 90s.")
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option(
    "-o", "--output", default="report.html", show_default=True, metavar="FILE", help="The page; - prints it."
)
@db_option
def command(source: Path | None, budget: str | None, task: str | None, output: str, db: Path) -> None:
    """Write one self-contained HTML page about SOURCE.

    SOURCE is a plan, a spec (which is planned first), or an outcomes file (.json, .csv, .parquet). The page
    loads nothing and needs no script.
    """
    from osca_cli.report.findings import find
    from osca_cli.report.page import report_html

    target = _target(output)
    spec = load_source(source, db)
    with ExitStack() as stack:
        tasks = Filter(task).tasks(spec)
        needs_pool = any(one.outcomes is None for one in tasks)
        pool = stack.enter_context(open_pool(db, create=False)) if needs_pool else None
        known = {one.name: task_outcomes(spec, one, pool) for one in tasks}
        for name, (outcomes, _) in known.items():
            if not outcomes.n[:, outcomes.train].any():
                raise MissingSamplesError(
                    f"the pool has no samples of training problems of task '{name}';"
                    f" draw them: osca run {shown(spec.path)}"
                )
        sources = {name: outcomes for name, (outcomes, _) in known.items()}
        allocation = spec.allocation if budget is None else None
        if allocation is None:
            allocation = _planned(spec, sources, budget, task)
        found = [
            find(spec, one, *known[one.name], allocation, pool)
            for one in tasks
            if allocation.plans_of(one.name)
        ]
    if not found:
        raise UsageError(f"{spec.path} has no plan of {'these tasks' if task is None else task}")
    page = report_html(spec, found, title=spec.name)
    if target is None:
        click.echo(page, nl=False)
        return
    try:
        target.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"-o {target}: cannot be written: {error.strerror}") from error
    news(f"wrote {shown(target)} ({len(page.encode()) / 1e6:.1f} MB)")


def _target(output: str) -> Path | None:
    """Return where the page goes; what is there is overwritten only if it is a report."""
    if output == "-":
        return None
    target = Path(output)
    if not target.parent.is_dir():
        raise UsageError(f"-o {target}: there is no folder {target.parent}")
    if target.is_dir():
        raise UsageError(f"-o {target}: is a folder; name a file")
    if target.exists():
        with target.open("rb") as file:
            if MADE_BY not in file.read(4096):
                raise UsageError(
                    f"{target} is no osca report, so it is not overwritten; name another with -o"
                )
    return target


def _planned(
    spec: Spec, sources: dict[str, Outcomes], budget: str | None, task: str | None
) -> AllocationBlock:
    """Plan now, as `osca plan` does."""
    own = {one.name: one.budget for one in spec.tasks if one.budget is not None and one.name in sources}
    amount = spec.budget
    if budget is not None:
        amounts = parse_budgets(budget)
        if len(amounts) > 1:
            raise UsageError("--budget: a report is about one budget, and shows others around it")
        amount = amounts[0]
        if task is not None:
            own = {}
    elif amount is None and set(own) != set(sources):
        amount = DEFAULT_BUDGET
        news(f"no budget was named: planned for {amount} per problem (--budget names another)")
    return allocation_of(plan_tasks(spec, sources, own, amount), spec_hash(spec))
