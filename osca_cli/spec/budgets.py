"""Reads budgets, and what says how tasks share one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from osca_cli.spec.faults import Faults
from osca_cli.spec.types import Budget, BudgetKind
from osca_cli.spec.yaml12 import KeyPath

KINDS: tuple[BudgetKind, ...] = get_args(BudgetKind)


def read_budget(raw: Mapping[str, Any] | None, path: KeyPath, faults: Faults) -> Budget | None:
    """Read a budget of a right shape; ``None`` where there is none, or it has a fault."""
    if raw is None:
        return None
    kinds = [kind for kind in KINDS if kind in raw]
    if len(kinds) != 1:
        found = "none" if not kinds else " and ".join(kinds)
        faults.add(path, f"a budget is in one of {', '.join(KINDS)}, and this is in {found}; write one")
        return None
    kind, share = kinds[0], raw.get("share", "none")
    amount = raw[kind] / raw.get("per", 1)
    if kind == "samples" and share == "none" and amount != int(amount):
        faults.add(
            (*path, "per"),
            f"{raw[kind]} samples for {raw['per']:g} problems are {amount:g} for each, and part of a sample"
            " cannot be drawn; write a multiple",
        )
        return None
    return Budget(kind, float(amount), share)


def check_volumes(entries: Sequence[Any], budget: Budget | None, faults: Faults) -> None:
    """Refuse a shared budget where some tasks say how many problems they expect, and others do not.

    Args:
        entries: What stands under ``tasks:``.
        budget: The spec's.
        faults: Where faults go.
    """
    if budget is None or budget.share != "tasks":
        return
    sharing = [
        (index, entry)
        for index, entry in enumerate(entries)
        if isinstance(entry, Mapping) and "budget" not in entry
    ]
    with_volume = [entry.get("name") for _, entry in sharing if "volume" in entry]
    for index, entry in sharing:
        if with_volume and "volume" not in entry:
            faults.add(
                ("tasks", index),
                f"task '{entry.get('name')}' has no volume, but '{with_volume[0]}' has, and they share a"
                " budget; write one for each, or for none",
            )
