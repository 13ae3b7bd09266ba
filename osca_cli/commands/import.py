"""``osca import``: samples that other tools have drawn."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import get_args

import click

from osca_cli.api.importing import import_samples, task_of
from osca_cli.commands.common import db_option, find_spec, json_option, load, open_pool, plural
from osca_cli.console import news, print_json, print_table
from osca_cli.imports.read import Format
from osca_cli.run.importing import Imported


@click.command(epilog="Example: osca import logs/*.eval --task sums")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--task", metavar="NAME", help="The task that the problems are of.")
@click.option(
    "--configuration", metavar="NAME", help="Whose samples they are. [default: by model and parameters]"
)
@click.option("--only", metavar="GLOB", help="Only what the tool's own name of its configuration matches.")
@click.option("--format", "form", type=click.Choice(get_args(Format)), help="[default: as the files look]")
@click.option("--scorer", metavar="NAME", help="Whose scores count, where a log has several.")
@click.option("--verify", is_flag=True, help="Judge the texts again by the task's own verifier.")
@click.option(
    "--spec",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The spec. [default: the one last run in the pool, else osca.yaml or spec.yaml]",
)
@json_option
@db_option
def command(  # noqa: PLR0917 - one parameter for each option
    files: tuple[Path, ...],
    task: str | None,
    configuration: str | None,
    only: str | None,
    form: Format | None,
    scorer: str | None,
    verify: bool,
    spec: Path | None,
    as_json: bool,
    db: Path,
) -> None:
    """Take samples that other tools have drawn into the pool, with their verdicts.

    FILES are logs of Inspect AI, samples of lm-evaluation-harness, results of promptfoo, EvalPlus or
    BigCodeBench, or JSON lines. Importing a file twice adds nothing.
    """
    loaded = load(find_spec(spec, db))
    target = task_of(loaded, task)  # before the pool is made
    with open_pool(db) as pool:
        done = import_samples(
            loaded,
            pool,
            files,
            task=target.name,
            configuration=configuration,
            only=only,
            form=form,
            scorer=scorer,
            verify=verify,
        )
    if as_json:
        print_json({"schema_version": 1, "task": target.name, **asdict(done)})
    else:
        _print(target.name, done)


def _print(task: str, done: Imported) -> None:
    lines = [[name, str(number)] for name, number in done.configurations.items()]
    print_table(f"{task}: imported", ["configuration", "samples"], lines)
    said = f"{plural(done.imported, 'sample')} imported, {done.passed:,} of them pass"
    news(f"{said}; {done.present:,} there already; {plural(done.errors, 'error')}")
    if done.verified:
        news(f"{plural(done.verified, 'verdict')} by the task's own verifier")
    if done.elsewhere:
        ids = ", ".join(list(done.elsewhere)[:10]) + (", …" if len(done.elsewhere) > 10 else "")
        news(
            f"left out {plural(sum(done.elsewhere.values()), 'sample')} of problems that {task} lacks: {ids}"
        )
