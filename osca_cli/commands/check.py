"""``osca check``: proves a plan on held-out problems."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from osca_cli.api.checking import check_plan
from osca_cli.api.running import allocation_of
from osca_cli.check.cases import cases_of, cases_of_drift
from osca_cli.check.drift_of import drift_of
from osca_cli.check.markdown import drift_summary, summary
from osca_cli.check.report import to_json
from osca_cli.commands.check_ci import tell_ci
from osca_cli.commands.check_table import print_check
from osca_cli.commands.common import db_option, find_spec, json_option, load, open_pool, plural, shown
from osca_cli.commands.drift_table import print_drift
from osca_cli.console import harmless, news, print_json
from osca_cli.errors import CheckFailedError, UsageError
from osca_cli.spec.types import Spec
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
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="OLD.db",
    help="Say which models moved since this earlier pool instead.",
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
    against: Path | None,
    junit: Path | None,
    stale: bool,
    as_json: bool,
    db: Path,
) -> None:
    """Prove PLAN on held-out problems, and exit with status 3 if an assertion fails.

    Nothing is drawn: what the pool lacks, `osca run PLAN --measure` draws. With --against, whether the
    models still do what they did is checked instead; a spec will do for that.
    """
    spec = load(find_spec(plan, db))
    if against is not None and outcomes is not None:
        raise UsageError("--against compares pools; leave out --outcomes")
    if against is not None:
        _check_drift(spec, against, db, task, junit, as_json=as_json)
    else:
        _check_plan(spec, db, task, outcomes, junit, stale=stale, as_json=as_json)


def _check_plan(
    spec: Spec,
    db: Path,
    task: str | None,
    file: Path | None,
    junit: Path | None,
    *,
    stale: bool,
    as_json: bool,
) -> None:
    with ExitStack() as stack:
        from_pool = file is None and any(one.outcomes is None for one in spec.tasks)
        written = allocation_of(spec).block.get("budget")  # before the pool is looked for
        if isinstance(written, Mapping) and written.get("share") == "problems":
            news(
                "note: problems are judged with their own budget each; what sharing adds is what runs realise"
            )
        pool = stack.enter_context(open_pool(db, create=False)) if from_pool else None
        checked = check_plan(spec, pool, task=task, outcomes=file, stale=stale)
    proof, passed = checked.proof, checked.passed
    if as_json:
        print_json(to_json(proof.tasks, passed, proof.total))
    else:
        print_check(proof)
    cases = cases_of(proof.judged, spec.check.inconclusive)
    tell_ci(spec, cases, summary(proof.judged, cases, name=shown(spec.path)), junit)
    if passed is False:
        failed = sum(case.failed for case in cases)
        raise CheckFailedError(f"{plural(failed, 'assertion')} of {spec.path} did not hold")


def _check_drift(
    spec: Spec, old: Path, db: Path, task: str | None, junit: Path | None, *, as_json: bool
) -> None:
    with open_pool(db, create=False) as now, Pool(old, create=False) as then:
        found = drift_of(spec, now, then, task=task)
    for note in found.notes:
        news(harmless(note))
    if as_json:
        print_json(found.to_json())
    else:
        print_drift(found, shown(old))
    cases = cases_of_drift(found, shown(old))
    tell_ci(spec, cases, drift_summary(cases, name=shown(spec.path), old=shown(old)), junit)
    if not found.passed:
        moved = sum(one.moved for one in found.models)
        raise CheckFailedError(f"{plural(moved, 'model')} moved since {shown(old)}")
