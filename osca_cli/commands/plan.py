"""``osca plan``: learns how many samples to draw from what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from osca_cli.allocate.solve import SOLVERS, Solver
from osca_cli.commands.common import db_option, json_option, open_pool, shown
from osca_cli.commands.plan_advice import show_advice
from osca_cli.commands.plan_table import print_plan, print_shared, print_strata
from osca_cli.commands.source import load_source, source_argument
from osca_cli.console import news, print_json
from osca_cli.errors import MissingSamplesError, UsageError
from osca_cli.outcomes.thinning import fewer_problems, fewer_samples
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.advice import Advice
from osca_cli.plan.advice import advise as advise_task
from osca_cli.plan.amounts import parse_budgets
from osca_cli.plan.block import allocation_block
from osca_cli.plan.choice import ESTIMATORS, Estimator
from osca_cli.plan.planfile import in_folder, is_plan, with_allocation
from osca_cli.plan.sources import matching, task_outcomes
from osca_cli.plan.tasks import Planned, plan_tasks
from osca_cli.run.missing import Filter
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import Budget, Spec
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said of how to plan."""

    task: str | None
    budgeted: bool
    only: str | None
    update: bool
    advise: bool
    pilot: int | None
    train: float | None
    false_accept_rate: float
    estimator: Estimator
    solver: Solver
    seed: int


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
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="SHARE",
    help="Wrong samples that the verifier accepts; plan for right answers.",
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
    pilot: int | None,
    train: float | None,
    false_accept_rate: float,
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
    options = Options(
        task,
        budget is not None,
        only,
        update,
        advise,
        pilot,
        train,
        false_accept_rate,
        estimator,
        solver,
        seed,
    )
    _check(options, output)
    spec = load_source(source, db)
    budgets = _budgets(spec, budget)
    with ExitStack() as stack:
        needs_pool = any(one.outcomes is None for one in Filter(task).tasks(spec))
        pool = stack.enter_context(open_pool(db, create=False)) if needs_pool else None
        sources = _outcomes(spec, pool, options)
        if options.advise:
            show_advice(spec, _advice(spec, sources, budgets[0], options), as_json=as_json)
            return
        if len(budgets) > 1:
            _print_each(_planned(spec, sources, amount, options) for amount in budgets)
            return
        target = _target(spec, output, as_json)
        planned = _planned(spec, sources, budgets[0], options)
        text = _text(spec, planned, spec.folder if target is None else target.parent)
        if target is not None:
            _write(target, text)
        if target is not None and pool is not None:
            pool.add_plan(target, text)
    if as_json:
        print_json(planned.to_json())
    elif output == "-":
        click.echo(text, nl=False)
    else:
        _print(planned)
    if target is not None:
        news(f"wrote {shown(target)}; next: osca run {shown(target)}")


def _print(planned: Planned) -> None:
    print_plan([one.plan for one in planned.made])
    for strata in planned.strata:
        print_strata(strata)
    if planned.together is not None:
        print_shared(planned.together)


def _print_each(plans: Iterable[Planned]) -> None:
    for planned in plans:
        click.echo(json.dumps(planned.to_json(), ensure_ascii=False, allow_nan=False))


def _check(options: Options, output: str | None) -> None:
    if options.advise and output is not None:
        raise UsageError("--advise writes no plan; leave out --output")
    if options.advise and (options.update or options.estimator in {"plugin", "beta"}):
        raise UsageError(
            "--advise plans from halves of the pilot by the default model; leave out --update and --estimator"
        )
    if options.update and options.estimator in {"plugin", "beta"}:
        raise UsageError(
            f"--update with --estimator {options.estimator}: executed plans stop at a pass, so their share"
            " of passes is biased; leave --estimator out: the hierarchical model has a likelihood for that"
        )
    if options.update and options.pilot is not None:
        raise UsageError("--update with --pilot: samples of executed plans cannot be thinned by lot")


def _budgets(spec: Spec, text: str | None) -> list[Budget | None]:
    """Return the budgets of the command line, shared as the spec's is, else the spec's if it has one."""
    if text is None:
        return [spec.budget]
    share = "none" if spec.budget is None else spec.budget.share
    return [replace(budget, share=share) for budget in parse_budgets(text)]


def _target(spec: Spec, output: str | None, as_json: bool) -> Path | None:
    """Return where the plan is written; ``--json`` alone and ``-o -`` write none."""
    if output == "-" or (output is None and as_json):
        return None
    target = Path(output) if output is not None else spec.folder / "plan.yaml"
    if target.exists() and not is_plan(target):
        raise UsageError(f"{target} is not an osca plan, so it is not overwritten; name another with -o")
    if not target.parent.is_dir():
        raise UsageError(f"-o {target}: there is no folder {target.parent}")
    return target


def _write(target: Path, text: str) -> None:
    """Write a plan whole or not at all."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"-o {target}: cannot be written: {error.strerror}") from error


def _outcomes(spec: Spec, pool: Pool | None, options: Options) -> dict[str, Outcomes]:
    """Return what each task is planned from."""
    rng = np.random.default_rng(options.seed)
    found = {}
    for task in Filter(options.task).tasks(spec):
        outcomes, notes = task_outcomes(spec, task, pool, executed=options.update)
        for note in notes:
            news(f"{task.name}: {note}")
        if task.outcomes is None and not outcomes.n[:, outcomes.train].any():
            raise MissingSamplesError(
                f"the pool has no samples of training problems of task '{task.name}';"
                f" draw them: osca run {shown(spec.path)}"
            )
        outcomes = matching(outcomes, options.only)
        if options.train is not None:
            outcomes = fewer_problems(outcomes, options.train, rng)
        if options.pilot is not None:
            outcomes = fewer_samples(outcomes, options.pilot, rng)
        found[task.name] = outcomes
    return found


def _planned(spec: Spec, sources: Mapping[str, Outcomes], budget: Budget | None, options: Options) -> Planned:
    """Plan; ``--budget`` stands for the spec's, and for a task's own where ``--task`` names that."""
    own = _own_budgets(spec, options)
    return plan_tasks(
        spec,
        sources,
        own,
        budget,
        estimator=options.estimator,
        solver=options.solver,
        seed=options.seed,
        false_accept_rate=options.false_accept_rate,
    )


def _own_budgets(spec: Spec, options: Options) -> dict[str, Budget]:
    return {
        task.name: task.budget
        for task in Filter(options.task).tasks(spec)
        if task.budget is not None and not (options.budgeted and options.task == task.name)
    }


def _advice(
    spec: Spec, sources: Mapping[str, Outcomes], budget: Budget | None, options: Options
) -> list[Advice]:
    """Advise on each task alone; one that shares a budget has the mean."""
    own, found = _own_budgets(spec, options), []
    for name, outcomes in sources.items():
        amount = own.get(name, budget)
        if amount is None:
            raise UsageError(f"task '{name}' has no budget; say --budget 8")
        found.append(advise_task(outcomes, replace(amount, share="none"), task=name, seed=options.seed))
    return found


def _text(spec: Spec, planned: Planned, folder: Path) -> str:
    block = allocation_block(planned, spec_hash(spec))
    return with_allocation(in_folder(spec.text, spec.folder, folder), block, str(spec.path))
