"""``osca plan``: learns how many samples to draw from what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from osca_cli.allocate.solve import SOLVERS, Solver
from osca_cli.api.planning import (
    Planning,
    learned,
    plan_file,
    plan_outcomes,
    plan_text,
    spread_as,
    write_plan,
)
from osca_cli.api.planning import advise as advise_tasks
from osca_cli.commands.against_table import print_against
from osca_cli.commands.audited_rate import ShareOrLabels, audited_rate
from osca_cli.commands.common import db_option, json_option, open_pool, shown
from osca_cli.commands.frontier_table import show_frontier
from osca_cli.commands.plan_advice import show_advice
from osca_cli.commands.plan_table import print_plan, print_shared, print_strata
from osca_cli.commands.source import load_source, source_argument
from osca_cli.console import news, print_json
from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.against import Against
from osca_cli.plan.against_file import against_plans, old_plans
from osca_cli.plan.amounts import parse_budgets
from osca_cli.plan.choice import ESTIMATORS, Estimator
from osca_cli.plan.decision import Search
from osca_cli.plan.frontier import Point
from osca_cli.plan.tasks import Planned
from osca_cli.run.missing import Filter
from osca_cli.spec.types import Budget, Spec


@click.command(epilog="Example: osca plan spec.yaml --budget 8 -o plan.yaml")
@source_argument
@click.option(
    "--budget",
    metavar="AMOUNT",
    help="Per problem: 8 (samples), 0.03usd, 20000output_tokens, 90s. A list, 1,2,4, prints JSON lines.",
)
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option("--only", metavar="GLOB", help="Plan with the configurations whose name matches.")
@click.option("--update", is_flag=True, help="Learn from the samples of executed plans, too.")
@click.option("--advise", is_flag=True, help="Say what more pilot would buy instead; writes no plan.")
@click.option(
    "--frontier", "by_budget", is_flag=True, help="Show other budgets, and rivals, instead; writes no plan."
)
@click.option(
    "--pilot",
    type=click.IntRange(min=1),
    metavar="N",
    help="Learn from N samples a cell, drawn by lot.",
)
@click.option(
    "--train",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="Learn from a share of them.",
)
@click.option(
    "--false-accept-rate",
    type=ShareOrLabels(),
    default=0.0,
    metavar="SHARE|LABELS",
    help="Wrong samples that the verifier accepts, or judged texts to tell how many at most; plan for right"
    " answers.",
)
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="OLD",
    help="Say what choosing anew gains over an earlier plan, and what other configurations would add.",
)
@click.option("--estimator", type=click.Choice(ESTIMATORS), default=ESTIMATORS[0], show_default=True)
@click.option("--solver", type=click.Choice(SOLVERS), default="auto", show_default=True)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, help="Draws lots for --pilot, --train and hill-climb."
)
@click.option(
    "-o", "--output", metavar="FILE", help="The plan; - prints it. [default: plan.yaml beside the spec]"
)
@json_option
@db_option
def command(  # noqa: PLR0917 - one parameter for each option
    source: Path | None,
    budget: str | None,
    task: str | None,
    only: str | None,
    update: bool,
    advise: bool,
    by_budget: bool,
    pilot: int | None,
    train: float | None,
    false_accept_rate: float | Path,
    against: Path | None,
    estimator: Estimator,
    solver: Solver,
    seed: int,
    output: str | None,
    as_json: bool,
    db: Path,
) -> None:
    """Learn an allocation from SOURCE and write it back as a plan.

    SOURCE is a spec, an earlier plan, or an outcomes file (.json, .csv, .parquet).
    """
    spec = load_source(source, db)
    rate = audited_rate(spec, task, false_accept_rate)
    how = Planning(task, only, update, pilot, train, rate, estimator, solver, seed)
    how.check()
    _check_advice(how, output, advise=advise)
    _check_frontier(how, output, by_budget=by_budget, advise=advise)
    old = None if against is None else old_plans(against)  # before it is overwritten
    budgets = [None] if budget is None else [spread_as(spec, one) for one in parse_budgets(budget)]
    if old is not None and (advise or update or by_budget or len(budgets) > 1):
        raise UsageError(
            "--against compares one new plan; leave out --advise, --update, --frontier and lists of budgets"
        )
    with ExitStack() as stack:
        needs_pool = any(one.outcomes is None for one in Filter(task).tasks(spec))
        pool = stack.enter_context(open_pool(db, create=False)) if needs_pool else None
        _refuse_selecting(
            spec,
            how.task,
            {
                "--update": update,
                "--advise": advise,
                "--frontier": by_budget,
                "--against": against is not None,
            },
        )
        sources = learned(spec, pool, how)
        if advise:
            show_advice(spec, advise_tasks(spec, sources, budgets[0], how), as_json=as_json)
            return
        if by_budget:
            show_frontier(_frontier(spec, sources, budgets, how), as_json=as_json)
            return
        if len(budgets) > 1:
            _print_each(plan_outcomes(spec, sources, amount, how) for amount in budgets)
            return
        target = _target(spec, output, as_json)
        planned = plan_outcomes(spec, sources, budgets[0], how)
        compared = None if old is None else _compared(planned, old, sources, how)
        if target is not None:
            write_plan(spec, planned, target, pool)
    if as_json:
        print_json(planned.to_json() | _against_json(compared))
    elif output == "-":
        click.echo(plan_text(spec, planned), nl=False)
    else:
        _print(planned)
        if against is not None and compared is not None:
            print_against(compared, shown(against))
    if target is not None:
        news(f"wrote {shown(target)}; next: osca run {shown(target)}")


def _compared(
    planned: Planned, old: Mapping[str, Mapping[str, Any]], sources: Mapping[str, Outcomes], how: Planning
) -> list[Against]:
    search = Search(how.solver, how.seed)
    compared, notes = against_plans(planned, old, sources, how.estimator, search)
    for note in notes:
        news(note)
    return compared


def _against_json(compared: Sequence[Against] | None) -> dict[str, Any]:
    return {} if compared is None else {"against": [one.to_json() for one in compared]}


def _print(planned: Planned) -> None:
    print_plan([one.plan for one in planned.made])
    for strata in planned.strata:
        print_strata(strata)
    if planned.together is not None:
        print_shared(planned.together)


def _print_each(plans: Iterable[Planned]) -> None:
    for planned in plans:
        click.echo(json.dumps(planned.to_json(), ensure_ascii=False, allow_nan=False))


def _check_advice(how: Planning, output: str | None, *, advise: bool) -> None:
    if advise and output is not None:
        raise UsageError("--advise writes no plan; leave out --output")
    if advise and (how.update or how.estimator in {"plugin", "beta"}):
        raise UsageError(
            "--advise plans from halves of the pilot by the default model; leave out --update and --estimator"
        )


def _check_frontier(how: Planning, output: str | None, *, by_budget: bool, advise: bool) -> None:
    if by_budget and output is not None:
        raise UsageError("--frontier writes no plan; leave out --output")
    if by_budget and (advise or how.false_accept_rate or how.solver != "auto"):
        raise UsageError(
            "--frontier plans by the default solver and for passes; leave out --advise, --solver and"
            " --false-accept-rate"
        )


def _refuse_selecting(spec: Spec, task: str | None, options: Mapping[str, bool]) -> None:
    """Refuse what is not known of tasks whose answers another verifier accepts.

    Of samples that executing has stopped at, an accept does not tell whether they pass; the others compare
    what passes.
    """
    name = next((one.name for one in Filter(task).tasks(spec) if one.select is not None), None)
    asked = next((option for option, given in options.items() if given), None)
    if name is not None and asked is not None:
        raise UsageError(
            f"{asked} is about what passes, and the answers of task '{name}' are what another verifier"
            " accepts (select); name another task with --task"
        )


def _frontier(
    spec: Spec, sources: Mapping[str, Outcomes], budgets: Sequence[Budget | None], how: Planning
) -> dict[str, list[Point]]:
    from osca_cli.api.reporting import plan_frontier

    return plan_frontier(spec, sources, [one for one in budgets if one is not None], how)


def _target(spec: Spec, output: str | None, as_json: bool) -> Path | None:
    """Return where the plan is written; ``--json`` alone and ``-o -`` write none."""
    if output == "-" or (output is None and as_json):
        return None
    return plan_file(spec, None if output is None else Path(output))
