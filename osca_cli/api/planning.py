"""Planning: from what the pool has of a spec to its plan, and to the plan's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from osca_cli.allocate.solve import Solver
from osca_cli.console import news
from osca_cli.errors import MissingSamplesError, UsageError
from osca_cli.outcomes.thinning import fewer_problems, fewer_samples
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.advice import Advice
from osca_cli.plan.advice import advise as advise_task
from osca_cli.plan.amounts import parse_budget
from osca_cli.plan.block import allocation_block
from osca_cli.plan.choice import Estimator
from osca_cli.plan.planfile import in_folder, is_plan, with_allocation
from osca_cli.plan.sources import matching, task_outcomes
from osca_cli.plan.tasks import Planned, plan_tasks
from osca_cli.run.missing import Filter
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import Budget, Spec
from osca_cli.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Planning:
    """How to plan.

    Attributes:
        task: Only this task.
        only: With the configurations whose name matches this pattern.
        update: Whether to learn from the samples of executed plans, too.
        pilot: Learn from so many samples of a cell, drawn by lot.
        train: Learn from this share of the training problems, drawn by lot.
        false_accept_rate: Of wrong samples, the share that the verifier accepts; plan for right ones.
        estimator: How pass rates are estimated.
        solver: How the allocation is found.
        seed: Of all that is drawn by lot.
    """

    task: str | None = None
    only: str | None = None
    update: bool = False
    pilot: int | None = None
    train: float | None = None
    false_accept_rate: float = 0.0
    estimator: Estimator = "auto"
    solver: Solver = "auto"
    seed: int = 0

    def check(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: it does.
        """
        if self.update and self.estimator in {"plugin", "beta"}:
            raise UsageError(
                f"--update with --estimator {self.estimator}: executed plans stop at a pass, so their"
                " share of passes is biased; leave --estimator out: the hierarchical model has a likelihood"
                " for that"
            )
        if self.update and self.pilot is not None:
            raise UsageError("--update with --pilot: samples of executed plans cannot be thinned by lot")


def make_plan(
    spec: Spec,
    pool: Pool | None = None,
    budget: Budget | str | None = None,
    *,
    task: str | None = None,
    only: str | None = None,
    update: bool = False,
    pilot: int | None = None,
    train: float | None = None,
    false_accept_rate: float = 0.0,
    estimator: Estimator = "auto",
    solver: Solver = "auto",
    seed: int = 0,
) -> Planned:
    """Learn an allocation for each task of a spec: what ``osca plan`` prints.

    Args:
        spec: The spec.
        pool: Where its samples are; none is needed where every task is an outcomes file.
        budget: Per problem: ``"8"`` (samples), ``"0.03usd"``, ``"20000output_tokens"``, ``"90s"``;
            ``None`` is the spec's own.
        task: Only this task.
        only: With the configurations whose name matches this pattern.
        update: Whether to learn from the samples of executed plans, too.
        pilot: Learn from so many samples of a cell, drawn by lot.
        train: Learn from this share of the training problems, drawn by lot.
        false_accept_rate: Of wrong samples, the share that the verifier accepts; plan for right ones.
        estimator: How pass rates are estimated.
        solver: How the allocation is found.
        seed: Of all that is drawn by lot.

    Returns:
        The plans; ``to_json()`` is the object of ``osca plan --json``, :func:`write_plan` makes the file.

    Raises:
        MissingSamplesError: the pool has no pilot of a task.
        UsageError: a task cannot be planned, or has no budget.
    """
    how = Planning(task, only, update, pilot, train, false_accept_rate, estimator, solver, seed)
    how.check()
    amount = spread_as(spec, parse_budget(budget)) if isinstance(budget, str) else budget
    return plan_outcomes(spec, learned(spec, pool, how), amount, how)


def learned(spec: Spec, pool: Pool | None, how: Planning) -> dict[str, Outcomes]:
    """Return what each task is planned from, by its name.

    Raises:
        MissingSamplesError: the pool has no pilot of a task.
        UsageError: no task or no configuration has the name that was asked for.
    """
    rng = np.random.default_rng(how.seed)
    found = {}
    for task in Filter(how.task).tasks(spec):
        outcomes, notes = task_outcomes(spec, task, pool, executed=how.update)
        for note in notes:
            news(f"{task.name}: {note}")
        if task.outcomes is None and not outcomes.n[:, outcomes.train].any():
            raise MissingSamplesError(
                f"the pool has no samples of training problems of task '{task.name}';"
                f" draw them: osca run {spec.path}"
            )
        outcomes = matching(outcomes, how.only)
        if how.train is not None:
            outcomes = fewer_problems(outcomes, how.train, rng)
        if how.pilot is not None:
            outcomes = fewer_samples(outcomes, how.pilot, rng)
        found[task.name] = outcomes
    return found


def plan_outcomes(
    spec: Spec, sources: Mapping[str, Outcomes], budget: Budget | None, how: Planning
) -> Planned:
    """Plan from outcomes for one budget.

    Args:
        spec: The spec.
        sources: What each task is planned from: of :func:`learned`.
        budget: Instead of the spec's, and of a task's own where only that is planned.
        how: How to plan.

    Raises:
        UsageError: a task cannot be planned, or has no budget.
    """
    return plan_tasks(
        spec,
        sources,
        _own_budgets(spec, budget, how),
        budget or spec.budget,
        estimator=how.estimator,
        solver=how.solver,
        seed=how.seed,
        false_accept_rate=how.false_accept_rate,
    )


def advise(spec: Spec, sources: Mapping[str, Outcomes], budget: Budget | None, how: Planning) -> list[Advice]:
    """Say what more pilot would buy each task alone; one that shares a budget has the mean.

    Raises:
        UsageError: a task has no budget.
    """
    own, found = _own_budgets(spec, budget, how), []
    for name, outcomes in sources.items():
        amount = own.get(name, budget or spec.budget)
        if amount is None:
            raise UsageError(f"task '{name}' has no budget; say --budget 8")
        found.append(advise_task(outcomes, replace(amount, share="none"), task=name, seed=how.seed))
    return found


def _own_budgets(spec: Spec, budget: Budget | None, how: Planning) -> dict[str, Budget]:
    """Return the tasks' own budgets; one that was told stands for that of the only task that is planned."""
    return {
        task.name: task.budget
        for task in Filter(how.task).tasks(spec)
        if task.budget is not None and (budget is None or how.task != task.name)
    }


def spread_as(spec: Spec, budget: Budget) -> Budget:
    """Return a budget that tasks share, or do not, as the spec's own says."""
    return budget if spec.budget is None else replace(budget, share=spec.budget.share)


def plan_text(spec: Spec, planned: Planned, folder: Path | None = None) -> str:
    """Return the plan file: the spec's text with the allocation at its end.

    Args:
        spec: The spec.
        planned: Its plans.
        folder: Where the file will be, to which its paths are made relative; ``None`` is the spec's.
    """
    block = allocation_block(planned, spec_hash(spec))
    text = in_folder(spec.text, spec.folder, spec.folder if folder is None else folder)
    return with_allocation(text, block, str(spec.path))


def plan_file(spec: Spec, output: Path | None = None) -> Path:
    """Return where a plan goes: to ``plan.yaml`` beside the spec, if it is not told.

    Raises:
        UsageError: there is a file that is no plan, or no such folder.
    """
    target = output if output is not None else spec.folder / "plan.yaml"
    if target.exists() and not is_plan(target):
        raise UsageError(f"{target} is not an osca plan, so it is not overwritten; name another with -o")
    if not target.parent.is_dir():
        raise UsageError(f"-o {target}: there is no folder {target.parent}")
    return target


def write_plan(spec: Spec, planned: Planned, output: Path | None = None, pool: Pool | None = None) -> Path:
    """Write the plan file, whole or not at all, and return where it is.

    Args:
        spec: The spec.
        planned: Its plans.
        output: The file; ``None`` is ``plan.yaml`` beside the spec.
        pool: Where the plan is noted, if it is told.

    Raises:
        UsageError: there is a file that is no plan, or it cannot be written.
    """
    target = plan_file(spec, output)
    text = plan_text(spec, planned, target.parent)
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"-o {target}: cannot be written: {error.strerror}") from error
    if pool is not None:
        pool.add_plan(target, text)
    return target
