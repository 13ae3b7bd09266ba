"""Refuses what is no proof: problems and samples that chose the plan."""

from __future__ import annotations

from collections.abc import Sequence

from osca_cli.backends import open_backends
from osca_cli.check.need import learned_from, updated
from osca_cli.errors import UsageError
from osca_cli.model import Problem
from osca_cli.outcomes.types import Outcomes
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.types import Configuration, PlannedTask, Spec, Task


def refuse_leakage(plans: Sequence[PlannedTask], outcomes: Outcomes) -> None:
    """Refuse to prove the plans of a task on problems that chose them.

    Raises:
        UsageError: nothing is held out, a problem is on both sides, or held out although the plan learned
            from it.
    """
    task = plans[0].task
    held_out = {id_ for id_, held in zip(outcomes.problems, outcomes.held_out, strict=True) if held}
    if not held_out and updated(plans):
        raise UsageError(
            f"task '{task}': the plan was made with --update and learned from every held-out problem, so"
            " none is left to prove it; add problems to the task, or plan without --update"
        )
    if not held_out:
        raise UsageError(
            f"task '{task}' has no held-out problems, so nothing can be proved; add `held_out: 0.5` to"
            " it, then run and plan again"
        )
    if both := int(outcomes.overlap.sum()):
        raise UsageError(
            f"task '{task}': {both} of {len(held_out)} held-out problems are training problems too, so"
            " they prove nothing; write `held_out: 0.5` into the task, which splits them anew, and plan again"
        )
    leaked = sorted(held_out & learned_from(plans))
    if leaked:
        raise UsageError(
            f"task '{task}': the plan learned from {len(leaked)} problems that are held out now, such as"
            f" '{leaked[0]}'; plan again"
        )


def refuse_shared_samples(spec: Spec, task: Task, plans: Sequence[PlannedTask], outcomes: Outcomes) -> None:
    """Refuse held-out problems that ask what training problems ask.

    Equal requests share their samples, so those that chose the plan would prove it.

    Raises:
        UsageError: there is such a problem.
    """
    train_ids = {id_ for id_, train in zip(outcomes.problems, outcomes.train, strict=True) if train}
    learned = learned_from(plans) or train_ids
    train = [problem for problem in (*task.train, *task.held_out) if problem.id in learned]
    held_out = [problem for problem in task.held_out if problem.id not in learned]
    drawn = {name for plan in plans for name in plan.counts}
    configurations = [one for one in spec.configurations_of(task.name) if one.name in drawn]
    maker = CellMaker(spec, open_backends(spec))
    asked = {request: problem for problem, request in _requests(maker, task, train, configurations)}
    same = {
        problem.id: asked[request].id
        for problem, request in _requests(maker, task, held_out, configurations)
        if request in asked
    }
    if same:
        one, other = next(iter(same.items()))
        raise UsageError(
            f"task '{task.name}': {len(same)} held-out problems ask what training problems ask, such as"
            f" '{one}' what '{other}' asks, so the samples that chose the plan would prove it; remove one of"
            " each, or let the prompt tell them apart"
        )


def _requests(
    maker: CellMaker, task: Task, problems: Sequence[Problem], configurations: Sequence[Configuration]
) -> list[tuple[Problem, str]]:
    """Return what is asked of each problem, a request for each configuration."""
    each = [problem for problem in problems for _ in configurations]
    requests = (request for request, _ in maker.ids(task, problems, configurations))
    return list(zip(each, requests, strict=True))
