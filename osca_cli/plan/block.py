"""A plan as the ``allocation:`` block of a plan file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from osca_cli import __version__
from osca_cli.model import Json
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.planfile import runs
from osca_cli.plan.result import (
    Certificate,
    ComputeFactor,
    Expected,
    FalseAccepts,
    Gain,
    Plan,
    SharedBatch,
)
from osca_cli.plan.strata_plan import StrataPlan
from osca_cli.plan.tasks import Made, Planned
from osca_cli.spec.types import AllocationBlock, Budget, Place, PlannedTask

DIGITS = 4


def allocation_block(planned: Planned, spec_hash: str) -> dict[str, Json]:
    """Return the block. It has no clock in it: equal pools give equal bytes."""
    tasks = {one.plan.task: one for one in planned.made}.values()  # plans of strata learn from the same
    pilots = [one.plan.pilot for one in tasks]
    usd = [pilot.usd for pilot in pilots]
    executed = [pilot.executed for pilot in pilots if pilot.executed is not None]
    block: dict[str, Json] = {} if planned.budget is None else {"budget": _budget(planned.budget)}
    if planned.together is not None:
        together = planned.together
        block |= {"because": together.because, "expected": _expected(together.expected)}
        block["gain"] = _gains(
            {"over_best_pure": together.over_best_pure, "over_uniform": together.over_uniform}
        )
        block["certificate"] = _certificate(together.certificate)
        block["notes"] = list(together.notes)
    block["strata"] = [_strata(one) for one in planned.strata]
    block["plans"] = [_plan(one, planned.budget, several=len(planned.made) > 1) for one in planned.made]
    block["made_from"] = {
        "spec": spec_hash,
        "pool": pool_hash([one.outcomes for one in tasks]),
        "problems": sum(pilot.problems for pilot in pilots),
        "samples": sum(pilot.samples for pilot in pilots),
        **({"executed_samples": sum(executed)} if executed else {}),
        **({} if None in usd else {"usd": round(sum(cost or 0.0 for cost in usd), 6)}),
        **_pays_back(planned),
        "estimator": planned.made[0].plan.estimator,
        "solver": planned.made[0].plan.solver,
        "osca": __version__,
    }
    return {key: value for key, value in block.items() if value not in (None, [], {})}


def allocation_of(planned: Planned, spec_hash: str) -> AllocationBlock:
    """Return the block as it would be read back from a file that it was written to."""
    several = len(planned.made) > 1
    plans = [
        PlannedTask(
            one.plan.task,
            one.plan.allocation,
            one.plan.schedule,
            _plan(one, planned.budget, several=several),
            Place(1, 1),
            one.plan.where,
        )
        for one in planned.made
    ]
    return AllocationBlock(tuple(plans), allocation_block(planned, spec_hash), Place(1, 1))


def _pays_back(planned: Planned) -> dict[str, Json]:
    """Return after how many problems of a plan alone the pilot has paid; of several each says it itself."""
    if len(planned.made) > 1 or planned.made[0].plan.pays_back_after is None:
        return {}
    return {"pays_back_after": planned.made[0].plan.pays_back_after}


def pool_hash(outcomes: Sequence[Outcomes]) -> str:
    """Return 8 hexadecimal digits of the counts that a plan was learned from."""
    state = hashlib.sha256()
    for one in outcomes:
        state.update("\n".join((*one.configurations, "", *one.problems)).encode())
        counts = [one.n, one.c]
        counts += [] if one.stopped is None else [one.stopped.n, one.stopped.c]
        counts += [] if one.accepts is None else [one.accepts.right, one.accepts.wrong]
        state.update(b"".join(matrix.astype("<i8").tobytes() for matrix in counts))
    return state.hexdigest()[:8]


def _plan(made: Made, budget: Budget | None, *, several: bool) -> dict[str, Json]:
    plan, outcomes = made.plan, made.outcomes
    names = zip(outcomes.problems, outcomes.train, strict=True)
    block: dict[str, Json] = {
        "task": plan.task,
        "where": dict(plan.where),
        "share_of_problems": None if made.share is None else round(made.share, 6),
        "budget": None if plan.budget == budget else _budget(plan.budget),
        "counts": dict(plan.allocation),
        "schedule": runs(plan.schedule),
        "beyond": runs(plan.beyond),
        "rounds": list(plan.rounds),
        "give_up": {"after": plan.gives_up_after} if plan.gives_up_after else None,
        "because": plan.because,
        "expected": _expected(plan.expected),
        "gain": _gains(
            _gains_of(plan),
            {
                "over_best_pure": {"name": plan.best_pure.name} | _factor(plan.best_pure.needs),
                "over_uniform": _factor(plan.uniform.needs),
            },
        ),
        **_false_accepts(plan.false_accepts),
        "certificate": _certificate(plan.certificate),
        "pays_back_after": plan.pays_back_after if several else None,
        "in_sample": plan.in_sample or None,
        "notes": list(plan.notes),
        "definitions": dict(made.definitions),
        "verifier": made.verifier,
        "updated": outcomes.stopped is not None or None,
        # Of a task's plans the common one names the problems: all have learned from them.
        "learned_from": [problem for problem, train in names if train and not plan.where],
    }
    return {key: value for key, value in block.items() if value not in (None, [], {})}


def _strata(strata: StrataPlan) -> Json:
    block: dict[str, Json] = {
        "task": strata.task,
        "field": strata.field,
        "expected": _expected(strata.expected),
        "gain": _gains({"over_best_pure": strata.over_best_pure, "over_uniform": strata.over_uniform}),
        "values": [
            {
                "value": one.value,
                "problems": one.problems,
                "own": one.own,
                **({"gain": _gains({"over_pooled": one.gain})} if one.gain else {}),
            }
            for one in strata.strata
        ],
    }
    return {key: value for key, value in block.items() if value not in (None, [], {})}


def _gains_of(plan: Plan) -> dict[str, Gain | None]:
    return {
        "over_pooled": plan.over_pooled,
        "over_best_pure": plan.over_best_pure,
        "over_uniform": plan.over_uniform,
    }


def _budget(budget: Budget) -> dict[str, Json]:
    amount: Json = int(budget.amount) if budget.amount == int(budget.amount) else budget.amount
    return {budget.kind: amount} | ({} if budget.share == "none" else {"share": budget.share})


def _expected(expected: Expected | None) -> Json:
    if expected is None:
        return None
    measured = expected.measured
    rates = {"pass_rate": round(measured.pass_rate, DIGITS)}
    if measured.coverage is not None:
        rates = {"pass_rate": round(measured.coverage, DIGITS), "selected": rates["pass_rate"]}
    return {
        **rates,
        "interval": _interval(expected.measured.interval),
        "samples": round(expected.samples, 2),
        **({} if expected.usd is None else {"usd": float(f"{expected.usd:.4g}")}),
        **_shared(expected.shared),
    }


def _shared(shared: SharedBatch | None) -> dict[str, Json]:
    if shared is None:
        return {}
    return {
        "pass_rate_shared": round(shared.measured.pass_rate, DIGITS),
        "interval_shared": _interval(shared.measured.interval),
        "samples_shared": round(shared.samples, 2),
        **({} if shared.usd is None else {"usd_shared": float(f"{shared.usd:.4g}")}),
        "depth_shared": round(shared.depth, 1),
    }


def _false_accepts(false_accepts: FalseAccepts | None) -> dict[str, Json]:
    if false_accepts is None:
        return {}
    sequences: dict[str, Json] = {
        name: {
            "right": round(one.right.pass_rate, DIGITS),
            "wrong": round(one.wrong.pass_rate, DIGITS),
            "net": round(one.net, DIGITS),
            **({} if one.net_gain is None else {"net_gain": _gains({"": one.net_gain})[""]}),
        }
        for name, one in false_accepts.sequences.items()
    }
    more: dict[str, Json] = {"naive_samples": false_accepts.naive_samples, **sequences}
    if false_accepts.accepting is None:
        return {"false_accepts": {"rate": false_accepts.rate, **more}}
    by: dict[str, Json] = {"type": "first_accepted", "by": false_accepts.accepting.by}
    return {"select": {**by, "false_accepts": round(false_accepts.rate, DIGITS), **more}}


def _factor(needs: ComputeFactor | None) -> dict[str, Json]:
    if needs is None:
        return {}
    factor = {"value": round(needs.value, 2)} | ({"at_least": True} if needs.at_least else {})
    return {"compute_factor": factor}


def _gains(
    gains: dict[str, Gain | None], more: Mapping[str, dict[str, Json]] = MappingProxyType({})
) -> dict[str, Json]:
    """Return gains, each with what more is said of the baseline."""
    return {
        over: {
            **more.get(over, {}),
            "value": round(gain.value, DIGITS),
            "interval": _interval(gain.interval),
        }
        for over, gain in gains.items()
        if gain is not None
    }


def _certificate(certificate: Certificate | None) -> Json:
    if certificate is None:
        return None
    return {"upper_bound": round(certificate.upper_bound, 6), "gap": round(certificate.gap, 6)}


def _interval(interval: Sequence[float]) -> list[Json]:
    return [round(end, DIGITS) for end in interval]
