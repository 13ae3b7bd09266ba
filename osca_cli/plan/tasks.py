"""The plans of a spec's tasks: each alone, or together where they share a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from osca_cli.allocate.solve import Solver
from osca_cli.errors import UsageError
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.certified import make_certified_plan
from osca_cli.plan.choice import Estimator
from osca_cli.plan.decision import Search
from osca_cli.plan.manner import Manner
from osca_cli.plan.planner import make_plan
from osca_cli.plan.result import SCHEMA_VERSION, Plan
from osca_cli.plan.shares import TaskShare
from osca_cli.plan.sources import definitions, verifier_hash
from osca_cli.plan.strata import Stratum
from osca_cli.plan.strata_plan import StrataPlan, make_strata_plan, shared_out, strata_plan
from osca_cli.plan.together import SharedPlan, make_shared_plan
from osca_cli.spec.types import Budget, Spec, Task

LEAST_SHARE = 0.001
"""Least share of a task's problems for its common plan: one for unseen values alone needs a level, too."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a task's plan was made from.

    Attributes:
        plan: The plan.
        outcomes: What it was learned from.
        definitions: A short hash of each configuration that it draws: whether it has changed under the plan.
        verifier: The same of the verifier.
        share: Of the expected problems, where it shares a budget or is one of a task's strata.
    """

    plan: Plan
    outcomes: Outcomes
    definitions: Mapping[str, str]
    verifier: str | None
    share: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        share = {} if self.share is None else {"share_of_problems": self.share}
        return self.plan.to_json() | share


@dataclass(frozen=True, slots=True)
class Planned:
    """All plans of a spec.

    Attributes:
        budget: The one that was asked for, or None where every task has its own.
        made: The plan of each task, in the order of the spec; those of strata before the common one.
        together: What is said of those that share the budget, if any do.
        strata: What is said of tasks that have them.
    """

    budget: Budget | None
    made: Sequence[Made]
    together: SharedPlan | None
    strata: Sequence[StrataPlan] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``osca plan --json`` prints."""
        plans = [one.to_json() for one in self.made]
        strata = {"strata": [one.to_json() for one in self.strata]} if self.strata else {}
        if self.together is not None:
            return self.together.to_json() | {"plans": plans} | strata
        one = plans[0] if len(plans) == 1 else {"schema_version": SCHEMA_VERSION, "plans": plans}
        return one | strata


def plan_tasks(
    spec: Spec,
    sources: Mapping[str, Outcomes],
    budgets: Mapping[str, Budget],
    budget: Budget | None,
    *,
    estimator: Estimator = "auto",
    solver: Solver = "auto",
    seed: int = 0,
    false_accept_rate: float = 0.0,
) -> Planned:
    """Plan tasks of a spec, each for its own budget or all others for one.

    Args:
        spec: The spec.
        sources: What each task is planned from, by name.
        budgets: Of the tasks that have their own.
        budget: Of all others.
        estimator: How pass rates are estimated.
        solver: How allocations are found.
        seed: Of the solvers that start at random.
        false_accept_rate: At which verifiers accept wrong samples; above 0 tasks are planned alone and whole.

    Raises:
        UsageError: a task cannot be planned, or has no budget.
    """
    others = [spec.task(name) for name in sources if name not in budgets]
    if others and budget is None:
        raise UsageError(
            f"{spec.path}: task '{others[0].name}' has no budget; add `budget: {{samples: 8}}` to the spec,"
            " or say --budget 8"
        )
    search = Search(solver, seed, manner=Manner(spec.rounds, give_up=spec.give_up))
    _check_alone(spec, [spec.task(name) for name in sources], budget if others else None, false_accept_rate)
    together: SharedPlan | None = None
    found: dict[str, _Found] = {}
    if budget is not None and budget.share != "none" and _many(others):
        together, found = _together(others, sources, budget, estimator, search)
    for name, outcomes in sources.items():
        own = budgets.get(name, budget)
        if name not in found and own is not None:
            own = replace(own, share="none") if own.share == "tasks" else own
            task = spec.task(name)
            if false_accept_rate or task.select is not None:
                found[name] = _certified(task, outcomes, own, false_accept_rate, estimator, search)
            else:
                found[name] = _alone(task, outcomes, own, estimator, search)
    if budget is not None and together is None and budget.share == "tasks":
        budget = replace(budget, share="none")
    strata = [found[name].strata for name in sources]
    return Planned(
        budget,
        [_made(spec, *one, sources[name]) for name in sources for one in found[name].plans],
        together,
        [one for one in strata if one is not None],
    )


def _many(tasks: Sequence[Task]) -> bool:
    return len(tasks) > 1 or any(task.strata is not None for task in tasks)


@dataclass(frozen=True, slots=True)
class _Found:
    """The plans of a task, with their shares of the expected problems; what is said of its strata."""

    plans: Sequence[tuple[Plan, float | None]]
    strata: StrataPlan | None = None


def _check_alone(spec: Spec, tasks: Sequence[Task], budget: Budget | None, rate: float) -> None:
    """Refuse what false accepts are not planned for."""
    selecting = next((task for task in tasks if task.select is not None), None)
    if selecting is not None and rate:
        raise UsageError(
            f"--false-accept-rate: how often what accepts is wrong, the pilot of task '{selecting.name}'"
            " tells; leave the rate out"
        )
    if selecting is None and not rate:
        return
    what = "--false-accept-rate" if selecting is None else f"`select` of task '{selecting.name}'"
    if budget is not None and (budget.share == "problems" or (budget.share == "tasks" and _many(tasks))):
        raise UsageError(
            f"{what} with `share: {budget.share}`: no shared budget is planned for false accepts; name one"
            " task with --task, or remove the share"
        )
    if spec.rounds is not None or spec.give_up is not None:
        raise UsageError(
            f"{what} with `rounds` or `give_up`: plans for false accepts draw one sample after the other, and"
            " end by themselves; remove them"
        )
    for task in tasks:
        if task.strata is not None and (rate or task.select is not None):
            raise UsageError(
                f"{what} with `strata: {task.strata}` (task '{task.name}'): plans by strata are"
                " not made for false accepts; remove strata"
            )


def _certified(
    task: Task, outcomes: Outcomes, budget: Budget, rate: float, estimator: Estimator, search: Search
) -> _Found:
    by = "" if task.select is None else task.select.by
    known = rate or None
    plan = make_certified_plan(
        outcomes, budget, known, task=task.name, estimator=estimator, search=search, by=by
    )
    return _Found([(plan, None)])


def _alone(task: Task, outcomes: Outcomes, budget: Budget, estimator: Estimator, search: Search) -> _Found:
    """Plan a task for a budget that it shares with none."""
    if task.strata is None:
        plan = make_plan(
            outcomes,
            budget,
            task=task.name,
            estimator=estimator,
            solver=search.solver,
            seed=search.seed,
            rounds=search.manner.rounds,
            give_up=search.manner.give_up,
        )
        return _Found([(plan, None)])
    several = make_strata_plan(
        outcomes,
        budget,
        task.strata,
        task=task.name,
        volumes=task.volumes,
        estimator=estimator,
        search=search,
    )
    return _Found(list(zip(several.plans, several.shares, strict=True)), several)


def _together(
    tasks: Sequence[Task],
    sources: Mapping[str, Outcomes],
    budget: Budget,
    estimator: Estimator,
    search: Search,
) -> tuple[SharedPlan, dict[str, _Found]]:
    """Plan tasks that share a budget, and their strata with them."""
    sharing, notes = _shares(tasks, sources, budget, estimator, search)
    shares = [share for one in sharing for share in one.shares]
    together = make_shared_plan(
        shares,
        budget,
        estimator=estimator,
        solver=search.solver,
        seed=search.seed,
        notes=notes,
        manner=replace(search.manner, shares=budget.share == "problems"),
    )
    found = {}
    for one in sharing:
        task, plans = one.task, [plan for plan in together.plans if plan.task == one.task.name]
        strata = None
        if task.strata is not None:
            strata = strata_plan(task.name, task.strata, one.strata, plans, one.within())
            plans = list(strata.plans)
        of_all = [share.share for share in one.shares]
        found[task.name] = _Found(list(zip(plans, of_all, strict=True)), strata)
    return together, found


def _made(spec: Spec, plan: Plan, share: float | None, outcomes: Outcomes) -> Made:
    task = spec.task(plan.task)
    drawn = dict.fromkeys([*plan.allocation, *plan.beyond])
    return Made(plan, outcomes, definitions(spec, task, drawn), verifier_hash(task), share)


@dataclass(frozen=True, slots=True)
class _Sharing:
    """A task that shares a budget: one share, or one for each of its plans."""

    task: Task
    shares: Sequence[TaskShare]
    strata: Sequence[Stratum] = ()

    def within(self) -> list[float]:
        """Return the shares of the task's own problems."""
        total = sum(one.share for one in self.shares)
        return [one.share / total for one in self.shares]


def _shares(
    tasks: Sequence[Task],
    sources: Mapping[str, Outcomes],
    budget: Budget,
    estimator: Estimator,
    search: Search,
) -> tuple[list[_Sharing], list[str]]:
    """Return the tasks with their shares of the expected problems, and what to note of these."""
    notes = []
    volumes = [task.volume for task in tasks if task.volume is not None]
    if len(volumes) < len(tasks):
        volumes = [float(sources[task.name].train.sum()) for task in tasks]
        numbers = " and ".join(
            f"{volume:g} of {task.name}" for volume, task in zip(volumes, tasks, strict=True)
        )
        notes += [f"no task has a volume: problems are expected as they train, {numbers}"][: len(tasks) - 1]
    total = sum(volumes)
    if total == 0:
        raise UsageError("no training problem: a plan has nothing to learn from; change the split")
    return [
        _sharing(task, sources[task.name], volume / total, budget, estimator, search)
        for task, volume in zip(tasks, volumes, strict=True)
    ], notes


def _sharing(
    task: Task, outcomes: Outcomes, share: float, budget: Budget, estimator: Estimator, search: Search
) -> _Sharing:
    """Return a task's share, or those of its plans: strata are told apart at the mean budget."""
    if task.strata is None:
        return _Sharing(task, [TaskShare(task.name, outcomes, share, task.weight)])
    even = replace(budget, share="none")
    made, within = shared_out(outcomes, even, task.strata, task.name, task.volumes, estimator, search)
    kept = [max(one, LEAST_SHARE) for one in within]
    shares = [
        TaskShare(
            task.name,
            part.outcomes,
            share * one / sum(kept),
            task.weight,
            whole=outcomes,
            by=task.strata,
            where=part.where,
            over_pooled=part.gain,
        )
        for part, one in zip(made.parts, kept, strict=True)
    ]
    return _Sharing(task, shares, made.strata)
