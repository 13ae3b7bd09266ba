"""A plan: what was chosen, what it is worth on new problems, and how far from optimal it can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osca_cli.estimate.intervals import Interval
from osca_cli.model import Json
from osca_cli.spec.types import Budget

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """How good the allocation is among all that the limits allow, under its own estimates.

    Attributes:
        value: Its coverage of the training problems as estimated.
        upper_bound: Coverage that no allocation exceeds.
        seconds: Time to solve and certify; the only number here that a clock has part in.
    """

    value: float
    upper_bound: float
    seconds: float

    @property
    def gap(self) -> float:
        """What an optimal allocation could gain at most."""
        return self.upper_bound - self.value

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        return {
            "value": self.value,
            "upper_bound": self.upper_bound,
            "gap": self.gap,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """A pass rate with its 95% interval, over so many problems.

    Attributes:
        pass_rate: Where another verifier accepts, of answers: the share of problems with a right one.
        coverage: The share that have a right sample, accepted or not, where that is another.
    """

    pass_rate: float
    interval: Interval
    problems: int
    coverage: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        rates = {"pass_rate": self.pass_rate}
        if self.coverage is not None:
            rates = {"pass_rate": self.coverage, "selected": self.pass_rate}
        return {**rates, "interval": list(self.interval), "problems": self.problems}


@dataclass(frozen=True, slots=True)
class SharedBatch:
    """What is expected of a batch of problems that share the budget, from replay.

    Attributes:
        measured: Its pass rate.
        samples: Mean samples of a problem.
        usd: Mean cost of these, or None where prices are unknown.
        depth: How many samples the problems get that stay unsolved.
    """

    measured: Measured
    samples: float
    usd: float | None
    depth: float

    def to_json(self) -> dict[str, Any]:
        """Return the keys that it adds to ``expected``."""
        return {
            "pass_rate_shared": self.measured.pass_rate,
            "interval_shared": list(self.measured.interval),
            "samples_shared": self.samples,
            "usd_shared": self.usd,
            "depth_shared": self.depth,
        }


@dataclass(frozen=True, slots=True)
class Expected:
    """What the allocation does on new problems, by cross-validation over the training problems.

    Attributes:
        measured: Pass@C; ``problems`` is how many could be evaluated.
        samples: Mean samples drawn per problem when stopping at the first pass.
        usd: Mean cost of these, or None where prices are unknown.
        left_out: Training problems that could not be evaluated, for lack of any sample in a cell.
        shared: What a batch does that shares the budget; None where none does.
    """

    measured: Measured
    samples: float
    usd: float | None
    left_out: int
    shared: SharedBatch | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        spend = {"samples": self.samples, "usd": self.usd, "left_out": self.left_out}
        return self.measured.to_json() | spend | (self.shared.to_json() if self.shared else {})


@dataclass(frozen=True, slots=True)
class Gain:
    """A paired difference of pass rates over the same problems, with its 95% interval."""

    value: float
    interval: Interval

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval[0] > 0 or self.interval[1] < 0

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        return {"value": self.value, "interval": list(self.interval)}


@dataclass(frozen=True, slots=True)
class ComputeFactor:
    """How many budgets a baseline needs to solve as much as the plan does with one.

    Attributes:
        value: The factor, on held-out problems where these have the samples, else by cross-validation.
        at_least: It needs more than that: the factor is a lower bound.
    """

    value: float
    at_least: bool

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        return {"value": self.value, "at_least": self.at_least}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a user would do without osca.

    Attributes:
        name: The configuration, or ``uniform``.
        allocation: Samples by configuration; a fraction is drawn on that share of the problems.
        expected: By cross-validation, the baseline chosen anew within each fold.
        held_out: On held-out problems, where these have the samples.
        needs: How many budgets it needs to solve as much as the plan; None where that cannot be told.
    """

    name: str
    allocation: Mapping[str, float]
    expected: Measured | None
    held_out: Measured | None
    needs: ComputeFactor | None

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        return {
            "name": self.name,
            "allocation": dict(self.allocation),
            "pass_rate": self.expected.pass_rate if self.expected else None,
            "interval": list(self.expected.interval) if self.expected else None,
            "held_out": self.held_out.to_json() if self.held_out else None,
            "compute_factor": self.needs.to_json() if self.needs else None,
        }


@dataclass(frozen=True, slots=True)
class Pilot:
    """What the plan was learned from.

    Attributes:
        problems: Training problems.
        samples: Samples drawn on them, of all configurations.
        usd: Their cost, or None where a price is unknown.
        executed: Those drawn by executing plans; None where these are not looked at.
    """

    problems: int
    samples: int
    usd: float | None
    executed: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        executed = {} if self.executed is None else {"executed_samples": self.executed}
        return {"problems": self.problems, "samples": self.samples, "usd": self.usd} | executed


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a sequence that stops at the first accept comes to on new problems.

    Attributes:
        right: Share of problems with a right answer.
        wrong: Share with a wrong one that was accepted.
        net_gain: Of the plan over it, in right answers less wrong ones; None of the plan itself.
    """

    right: Measured
    wrong: Measured
    net_gain: Gain | None

    @property
    def net(self) -> float:
        """Right answers less wrong ones."""
        return self.right.pass_rate - self.wrong.pass_rate

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        gain = {"net_gain": self.net_gain.to_json()} if self.net_gain else {}
        return {"right": self.right.to_json(), "wrong": self.wrong.to_json(), "net": self.net} | gain


@dataclass(frozen=True, slots=True)
class AcceptRate:
    """How often the wrong samples of a configuration are accepted, on the training problems.

    Attributes:
        accepted: So many were.
        wrong: Of so many.
        likely: The rate, drawn towards that of all configurations.
        at_most: Its upper limit, of a 95% interval.
    """

    accepted: int
    wrong: int
    likely: float
    at_most: float

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``osca plan --json``."""
        return {
            "accepted": self.accepted,
            "wrong": self.wrong,
            "rate": self.likely,
            "at_most": self.at_most,
        }


@dataclass(frozen=True, slots=True)
class Accepting:
    """What the pilot tells of what accepts in production.

    Attributes:
        by: Its name.
        right_accepted: Share of the right samples that it accepts; None where there are none.
        rates: At which it accepts wrong samples, by configuration.
    """

    by: str
    right_accepted: float | None
    rates: Mapping[str, AcceptRate]


@dataclass(frozen=True, slots=True)
class FalseAccepts:
    """What false accepts make of a plan and of what it is compared with.

    Attributes:
        rate: At which wrong samples are accepted; where the pilot tells, at most, by the plan's samples.
        naive_samples: Of the plan that trusts what accepts.
        sequences: ``plan``, ``naive``, ``best_pure`` and ``uniform``, by cross-validation; empty where there
            are too few training problems to tell.
        accepting: What the pilot tells, where a verifier accepts that is not the task's own.
    """

    rate: float
    naive_samples: int
    sequences: Mapping[str, Accepted]
    accepting: Accepting | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what ``osca plan --json`` has of it: ``false_accepts``, or ``select``."""
        sequences = {name: one.to_json() for name, one in self.sequences.items()}
        more = {"naive_samples": self.naive_samples} | sequences
        if self.accepting is None:
            return {"false_accepts": {"rate": self.rate} | more}
        rates = {name: one.to_json() for name, one in self.accepting.rates.items()}
        by = {"type": "first_accepted", "by": self.accepting.by, "false_accepts": self.rate}
        return {"select": {**by, "right_accepted": self.accepting.right_accepted, "rates": rates} | more}


@dataclass(frozen=True, slots=True)
class Plan:
    """An allocation for one task, with everything that is claimed of it.

    Attributes:
        task: Name of the task.
        budget: Per problem.
        allocation: Samples by configuration, those above 0.
        schedule: Configurations in the order they are drawn: exactly the allocation's counts.
        solver: What found it.
        estimator: What it was found for.
        certificate: How far from optimal it can be; None where false accepts are planned for.
        expected: On new problems; None where there are too few training problems to tell.
        held_out: On held-out problems, where all have the samples.
        best_pure: The best single configuration.
        uniform: The even spread.
        over_best_pure: Paired gain by cross-validation.
        over_uniform: The same.
        pilot: What it was learned from.
        pays_back_after: Problems after which the plan has saved what the pilot cost, beside drawing as
            much of the best pure configuration as solves the same; None where that saves nothing.
        in_sample: Some problems are on both sides of the split, so "held out" is not.
        because: What was chosen and why, in a sentence.
        notes: What a reader must know, one sentence each.
        pass_rates: Mean pass rate of each configuration, where executed plans were learned from.
        where: The problems that it is for, where the task has other plans: a field with its value.
        over_pooled: Of a plan with ``where``, its paired gain over the task's common plan.
        false_accepts: Of a plan for a verifier that accepts wrong samples; pass rates and gains are then of
            right answers.
        beyond: How the order goes on after the schedule, where the problems of a batch share the budget.
        rounds: How many samples are drawn together, round by round; empty where they are drawn one by one.
        gives_up_after: Samples after which a problem is left; None where it is given all.
    """

    task: str
    budget: Budget
    allocation: Mapping[str, int]
    schedule: tuple[str, ...]
    solver: str
    estimator: str
    certificate: Certificate | None
    expected: Expected | None
    held_out: Measured | None
    best_pure: Baseline
    uniform: Baseline
    over_best_pure: Gain | None
    over_uniform: Gain | None
    pilot: Pilot
    pays_back_after: int | None
    in_sample: bool
    because: str
    notes: tuple[str, ...]
    pass_rates: Mapping[str, Measured] | None = None
    where: Mapping[str, Json] = field(default_factory=dict)
    over_pooled: Gain | None = None
    false_accepts: FalseAccepts | None = None
    beyond: tuple[str, ...] = ()
    rounds: tuple[int, ...] = ()
    gives_up_after: int | None = None

    @property
    def label(self) -> str:
        """What it is called: the task, and the values of its ``where``."""
        return ", ".join([self.task, *(f"{name} = {value}" for name, value in self.where.items())])

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``osca plan --json`` prints for one task."""
        return {
            "schema_version": SCHEMA_VERSION,
            "task": self.task,
            **({"where": dict(self.where)} if self.where else {}),
            "budget": {self.budget.kind: self.budget.amount},
            "allocation": dict(self.allocation),
            "schedule": list(self.schedule),
            **({"beyond": list(self.beyond)} if self.beyond else {}),
            **({"rounds": list(self.rounds)} if self.rounds else {}),
            **({"gives_up_after": self.gives_up_after} if self.gives_up_after else {}),
            "solver": self.solver,
            "estimator": self.estimator,
            "certificate": self.certificate.to_json() if self.certificate else None,
            "expected": self.expected.to_json() if self.expected else None,
            "held_out": self.held_out.to_json() if self.held_out else None,
            "baselines": {"best_pure": self.best_pure.to_json(), "uniform": self.uniform.to_json()},
            "gain": {
                "over_best_pure": self.over_best_pure.to_json() if self.over_best_pure else None,
                "over_uniform": self.over_uniform.to_json() if self.over_uniform else None,
                **({"over_pooled": self.over_pooled.to_json()} if self.over_pooled else {}),
            },
            **(self.false_accepts.to_json() if self.false_accepts else {}),
            "compute_factor": self.best_pure.needs.to_json() if self.best_pure.needs else None,
            **({"pass_rates": _json_of(self.pass_rates)} if self.pass_rates else {}),
            "made_from": self.pilot.to_json() | {"pays_back_after": self.pays_back_after},
            "in_sample": self.in_sample,
            "because": self.because,
            "notes": list(self.notes),
        }


def _json_of(measured: Mapping[str, Measured]) -> dict[str, Any]:
    return {name: one.to_json() for name, one in measured.items()}
