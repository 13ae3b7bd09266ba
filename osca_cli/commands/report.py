"""``osca report``: one page that says what a plan gains, and shows all that speaks for and against it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from osca_cli.commands.common import db_option, open_pool, shown
from osca_cli.commands.source import load_source, source_argument
from osca_cli.console import news
from osca_cli.errors import UsageError
from osca_cli.run.missing import Filter

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
    from osca_cli.api.reporting import make_report  # jinja2, and all of the mathematics

    target = _target(output)
    spec = load_source(source, db)
    with ExitStack() as stack:
        needs_pool = any(one.outcomes is None for one in Filter(task).tasks(spec))
        pool = stack.enter_context(open_pool(db, create=False)) if needs_pool else None
        page = make_report(spec, pool, budget, task=task)
    if target is None:
        click.echo(page, nl=False)
        return
    try:
        target.write_text(page, encoding="utf-8")
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
    if target.exists() and MADE_BY not in target.read_bytes()[:4096]:
        raise UsageError(f"{target} is no osca report, so it is not overwritten; name another with -o")
    return target
