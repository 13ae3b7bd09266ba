"""``osca check``: proves a plan on held-out problems."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from osca_cli.check.annotations import workflow_commands
from osca_cli.check.cases import Case, cases_of
from osca_cli.check.junit import junit_xml
from osca_cli.check.markdown import summary
from osca_cli.check.prove import Lacking, Proof, prove
from osca_cli.check.report import outcome_of, to_json
from osca_cli.commands.check_table import print_check
from osca_cli.commands.common import db_option, find_spec, json_option, load, open_pool, plural, shown
from osca_cli.console import news, print_json
from osca_cli.errors import CheckFailedError, MissingSamplesError, UsageError
from osca_cli.plan.stale import note_changes, refuse_stale
from osca_cli.run.forecast import forecast
from osca_cli.run.measure import measure_asks
from osca_cli.run.missing import Filter
from osca_cli.spec.types import AllocationBlock, PlannedTask, Spec
from osca_cli.store.pool import Pool


@click.command(epilog="Example: osca check plan.yaml")
@click.argument("plan", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option(
    "--outcomes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Judge by this outcomes file instead of the pool.",
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write JUnit XML there, too.",
)
@click.option("--stale", is_flag=True, help="Accept a plan whose spec has changed under it.")
@json_option
@db_option
def command(
    plan: Path | None,
    task: str | None,
    outcomes: Path | None,
    junit: Path | None,
    stale: bool,
    as_json: bool,
    db: Path,
) -> None:
    """Prove PLAN on held-out problems, and exit with status 3 if an assertion fails.

    Nothing is drawn: what the pool lacks, `osca run PLAN --measure` draws.
    """
    spec = load(find_spec(plan, db))
    allocation = spec.allocation
    if allocation is None:
        raise UsageError(f"{spec.path} has no allocation to check; make a plan first: osca plan {spec.path}")
    with ExitStack() as stack:
        from_pool = outcomes is None and any(one.outcomes is None for one in spec.tasks)
        pool = stack.enter_context(open_pool(db, create=False)) if from_pool else None
        if not stale:
            for one in allocation.plans:
                refuse_stale(spec, one)
            for note in note_changes(spec, allocation):
                news(note)
        proof = prove(
            spec,
            allocation,
            pool,
            task=task,
            file=outcomes,
            refuse_missing=lambda one, plan, lacking: _refuse_missing(
                spec, allocation, pool if one.outcomes is None else None, plan, lacking
            ),
        )
    for note in proof.notes:
        news(note)
    passed = outcome_of(proof.judged, spec.check.inconclusive)
    if as_json:
        print_json(to_json(proof.tasks, passed, proof.total))
    else:
        print_check(proof)
    cases = cases_of(proof.judged, spec.check.inconclusive)
    _tell_ci(spec, allocation, proof, cases, junit)
    if passed is False:
        failed = sum(case.failed for case in cases)
        raise CheckFailedError(f"{plural(failed, 'assertion')} of {spec.path} did not hold")


def _tell_ci(
    spec: Spec, allocation: AllocationBlock, proof: Proof, cases: list[Case], junit: Path | None
) -> None:
    """Write what CI servers read: JUnit where it is asked for, GitHub's summary and annotations there."""
    name = shown(spec.path)
    if junit is not None:
        _write(junit, junit_xml(cases, name=name, now=datetime.now(UTC)), "--junit")
    if file := os.environ.get("GITHUB_STEP_SUMMARY"):
        _write(Path(file), summary(proof.judged, cases, name=name), "GITHUB_STEP_SUMMARY", mode="a")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        root = Path(os.environ.get("GITHUB_WORKSPACE", "."))
        for line in workflow_commands(cases, spec.path, root, allocation.place):
            news(line)


def _write(path: Path, text: str, option: str, mode: str = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be written: {error.strerror}") from error


def _refuse_missing(
    spec: Spec, allocation: AllocationBlock, pool: Pool | None, plan: PlannedTask, lacking: Lacking
) -> None:
    if not lacking:
        return
    number, advice = sum(lacking.values()), "give the outcomes more samples"
    if pool is not None:
        asks = measure_asks(spec, allocation, pool, Filter(task=plan.task))
        number = forecast(spec, pool, asks).undrawn.total()
        advice = f"draw them: osca run {shown(spec.path)} --measure"
    (configuration, problem), _ = next(iter(lacking.items()))
    raise MissingSamplesError(
        f"{plural(number, 'sample')} of held-out problems of task '{plan.task}' are missing, such as of"
        f" configuration '{configuration}' on problem '{problem}'; {advice}"
    )
