"""``osca check``: proves a plan on held-out problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from osca_cli.check.judge import Compared, Verdicts, judge
from osca_cli.check.need import comparison, provable, refuse_leakage, taken
from osca_cli.check.report import outcome_of, to_json
from osca_cli.commands.check_table import print_check
from osca_cli.commands.common import db_option, find_spec, json_option, load, open_pool, plural, shown
from osca_cli.console import news, print_json
from osca_cli.errors import CheckFailedError, MissingSamplesError, UsageError
from osca_cli.estimate.heldout import missing
from osca_cli.imports.outcomes import outcomes_of
from osca_cli.plan.stale import refuse_stale
from osca_cli.run.forecast import forecast
from osca_cli.run.measure import measure_asks
from osca_cli.run.missing import Filter
from osca_cli.spec.types import AllocationBlock, Assertion, PlannedTask, Spec
from osca_cli.store.pool import Pool


@click.command(epilog="Example: osca check plan.yaml")
@click.argument("plan", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option(
    "--outcomes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Judge by this outcomes file instead of the pool.",
)
@click.option("--stale", is_flag=True, help="Accept a plan whose spec has changed under it.")
@json_option
@db_option
def command(
    plan: Path | None, task: str | None, outcomes: Path | None, stale: bool, as_json: bool, db: Path
) -> None:
    """Prove PLAN on held-out problems, and exit with status 3 if an assertion fails.

    Nothing is drawn: what the pool lacks, `osca run PLAN --measure` draws.
    """
    spec = load(find_spec(plan, db))
    if spec.allocation is None:
        raise UsageError(f"{spec.path} has no allocation to check; make a plan first: osca plan {spec.path}")
    with ExitStack() as stack:
        from_pool = outcomes is None and any(one.outcomes is None for one in spec.tasks)
        pool = stack.enter_context(open_pool(db, create=False)) if from_pool else None
        if not stale:
            for one in spec.allocation.plans:
                refuse_stale(spec, one)
        judged = _judged(spec, spec.allocation, pool, task, outcomes)
    passed = outcome_of(judged, spec.check.inconclusive)
    if as_json:
        print_json(to_json(judged, passed))
    else:
        print_check(judged)
    if passed is False:
        failed = sum(one.outcome != "pass" for verdicts in judged for one in verdicts.judgements)
        raise CheckFailedError(f"{plural(failed, 'assertion')} of {spec.path} did not hold")


def _judged(
    spec: Spec, allocation: AllocationBlock, pool: Pool | None, task: str | None, file: Path | None
) -> Sequence[Verdicts]:
    plans = [plan for plan in allocation.plans if task in {None, plan.task}]
    if not plans:
        raise UsageError(f"--task {task}: {spec.path} has no plan for it")
    judged = []
    for one in [spec.task(name) for name in dict.fromkeys(plan.task for plan in plans)]:
        own = allocation.plans_of(one.name)
        outcomes = outcomes_of(file)[0] if file else provable(spec, one, pool, own)
        refuse_leakage(own, outcomes)
        compared = []
        for plan, problems in taken(own, outcomes):
            if "false_accepts" in plan.block:
                news(f"{one.name}: the plan is for false accepts; here every accept counts as a pass")
            beside = comparison(plan, allocation, outcomes)
            lacking = missing(outcomes, beside.samples(), problems)
            _refuse_missing(spec, pool if one.outcomes is None else None, plan, lacking)
            compared.append(Compared(problems, beside.counts, beside.baselines, beside.budget, plan.where))
        judged.append(judge(outcomes, one.name, compared, _assertions(spec, one.name)))
    return judged


def _assertions(spec: Spec, task: str) -> list[Assertion]:
    return [replace(one, task=task) for one in spec.check.assertions if one.task in {None, task}]


def _refuse_missing(
    spec: Spec, pool: Pool | None, plan: PlannedTask, lacking: Mapping[tuple[str, str], int]
) -> None:
    if not lacking:
        return
    number, advice = sum(lacking.values()), "give the outcomes more samples"
    if pool is not None and spec.allocation is not None:
        asks = measure_asks(spec, spec.allocation, pool, Filter(task=plan.task))
        number = forecast(spec, pool, asks).undrawn.total()
        advice = f"draw them: osca run {shown(spec.path)} --measure"
    (configuration, problem), _ = next(iter(lacking.items()))
    raise MissingSamplesError(
        f"{plural(number, 'sample')} of held-out problems of task '{plan.task}' are missing, such as of"
        f" configuration '{configuration}' on problem '{problem}'; {advice}"
    )
