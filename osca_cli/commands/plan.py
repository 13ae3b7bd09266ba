"""``osca plan``: learns how many samples to draw from what."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from osca_cli.allocate.solve import SOLVERS, Solver
from osca_cli.commands.common import db_option, find_spec, json_option, load, open_pool, shown
from osca_cli.commands.tables import print_plan
from osca_cli.console import news, print_json
from osca_cli.errors import MissingSamplesError, UsageError
from osca_cli.plan.block import Made, allocation_block
from osca_cli.plan.choice import ESTIMATORS, Estimator
from osca_cli.plan.planfile import in_folder, is_plan, with_allocation
from osca_cli.plan.planner import make_plan
from osca_cli.plan.sources import definitions, matching, spec_of_outcomes, task_outcomes, verifier_hash
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import Budget, Spec
from osca_cli.store.pool import Pool

OUTCOMES_SUFFIXES = {".json", ".csv", ".parquet"}


@click.command(epilog="Example: osca plan spec.yaml --budget 8 -o plan.yaml")
@click.argument("source", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--budget", metavar="AMOUNT", help="Per problem: 8 is 8 samples. Overrides the spec's.")
@click.option("--task", metavar="NAME", help="Only this task.")
@click.option("--only", metavar="GLOB", help="Plan with the configurations whose name matches.")
@click.option("--estimator", type=click.Choice(ESTIMATORS), default="plugin", show_default=True)
@click.option("--solver", type=click.Choice(SOLVERS), default="auto", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="For solvers that draw lots.")
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
    spec = _spec(source, db)
    amount = parse_budget(budget) if budget is not None else spec.budget
    if amount is None:
        raise UsageError(f"{spec.path} has no budget: add `budget: {{samples: 8}}`, or say --budget 8")
    target = _target(spec, output, as_json)
    folder = spec.folder if target is None else target.parent
    with ExitStack() as stack:
        needs_pool = any(one.outcomes is None for one in spec.tasks)
        pool = stack.enter_context(open_pool(db, create=False)) if needs_pool else None
        made = _made(spec, pool, amount, task, only, estimator=estimator, solver=solver, seed=seed)
        block = allocation_block(amount, made, spec_hash(spec))
        text = with_allocation(in_folder(spec.text, spec.folder, folder), block, str(spec.path))
        if target is not None:
            _write(target, text)
        if target is not None and pool is not None:
            pool.add_plan(target, text)
    if as_json:
        plans = [one.plan.to_json() for one in made]
        print_json(plans[0] if len(plans) == 1 else {"schema_version": 1, "plans": plans})
    elif output == "-":
        click.echo(text, nl=False)
    else:
        print_plan([one.plan for one in made])
    if target is not None:
        news(f"wrote {shown(target)}; next: osca run {shown(target)}")


def parse_budget(text: str) -> Budget:
    """Read a budget as the command line takes it: ``8`` is 8 samples.

    Raises:
        UsageError: it is not a number above 0.
    """
    try:
        amount = float(text.removesuffix("samples"))
    except ValueError:
        raise UsageError(f"--budget {text}: write a number of samples, such as 8") from None
    if not 0 < amount < float("inf"):
        raise UsageError(f"--budget {text}: a budget is a number above 0")
    return Budget("samples", amount)


def _spec(source: Path | None, db: Path) -> Spec:
    if source is None or source.suffix.lower() not in OUTCOMES_SUFFIXES:
        return load(find_spec(source, db))
    return spec_of_outcomes(source)


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


def _made(
    spec: Spec,
    pool: Pool | None,
    budget: Budget,
    task: str | None,
    only: str | None,
    *,
    estimator: Estimator,
    solver: Solver,
    seed: int,
) -> Sequence[Made]:
    tasks = [one for one in spec.tasks if task in {None, one.name}]
    if not tasks:
        raise UsageError(f"--task {task}: there are {', '.join(one.name for one in spec.tasks)}")
    made = []
    for one in tasks:
        outcomes, notes = task_outcomes(spec, one, pool)
        for note in notes:
            news(f"{one.name}: {note}")
        if one.outcomes is None and not outcomes.n[:, outcomes.train].any():
            raise MissingSamplesError(
                f"the pool has no samples of training problems of task '{one.name}';"
                f" draw them: osca run {shown(spec.path)}"
            )
        outcomes = matching(outcomes, only)
        plan = make_plan(outcomes, budget, task=one.name, estimator=estimator, solver=solver, seed=seed)
        hashes = definitions(spec, one, plan.allocation)
        made.append(Made(plan, outcomes, hashes, verifier_hash(one)))
    return made
