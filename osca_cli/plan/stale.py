"""Whether a spec has changed under the plan that was made from it."""

from __future__ import annotations

from collections.abc import Mapping

from osca_cli.errors import UsageError
from osca_cli.plan.sources import definitions, verifier_hash
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import AllocationBlock, PlannedTask, Spec


def changed(spec: Spec, plan: PlannedTask) -> list[str]:
    """Return what a plan was made with and is now defined otherwise: configurations, the verifier.

    A plan written by hand says nothing of this, and one that was edited nothing of what came in by hand, so
    nothing has changed.
    """
    task = spec.task(plan.task)
    then = plan.block.get("definitions")
    drawn = dict.fromkeys([*plan.counts, *plan.beyond])
    now = definitions(spec, task, drawn)
    if not isinstance(then, Mapping):
        return []
    known = [name for name in drawn if name in then]
    names = [f"configuration '{name}'" for name in known if then[name] != now.get(name)]
    return names + (["the verifier"] if plan.block.get("verifier") != verifier_hash(task) else [])


def refuse_stale(spec: Spec, plan: PlannedTask) -> None:
    """Refuse a plan whose spec has changed under it.

    Raises:
        UsageError: a configuration that it draws, or the verifier, is not what it was made with.
    """
    if names := changed(spec, plan):
        raise UsageError(
            f"{spec.path}: since the plan of task '{plan.task}' was made, {' and '.join(names)} changed;"
            f" plan again (osca plan {spec.path}), or accept it with --stale"
        )


def note_changes(spec: Spec, allocation: AllocationBlock) -> list[str]:
    """Return a note where the spec has changed since its plans were made, though not in what they draw."""
    made_from = allocation.block.get("made_from")
    then = made_from.get("spec") if isinstance(made_from, Mapping) else None
    if then is None or then == spec_hash(spec) or any(changed(spec, plan) for plan in allocation.plans):
        return []
    return [f"{spec.path} has changed since its plan was made, though not in what the plan draws"]
