"""What was expected of the plan, beside what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osca_cli.estimate.intervals import Interval, mean_interval
from osca_cli.report.charts.spans import Span, spans
from osca_cli.report.charts.words import amount, ends, rate, signed, signed_ends
from osca_cli.report.findings import Findings
from osca_cli.report.parts import Section, figure, table
from osca_cli.report.written import interval, mapping, number
from osca_cli.spec.types import PlannedTask
from osca_cli.store.browse import Executed

MOST_RUNS = 6
RIVALS = {"best_pure": "the best single one", "uniform": "an even spread"}


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    value: float
    interval: Interval | None
    problems: str = "–"
    samples: float | None = None
    usd: float | None = None
    role: str = "plan"

    def cells(self) -> list[str]:
        return [
            self.name,
            rate(self.value),
            ends(self.interval),
            self.problems,
            amount(self.samples),
            amount(self.usd, "usd"),
        ]

    def span(self) -> Span:
        low, high = (None, None) if self.interval is None else self.interval
        return Span(self.name, self.value, rate(self.value), low, high, self.role)


def expected_section(found: Findings, prefix: str) -> Section | None:
    """Show expected, held-out and executed pass rates."""
    rows = _rows(found)
    if len(rows) < 2:
        return None
    said = "; ".join(f"{row.name}: {rate(row.value)}" for row in rows)
    columns = ["pass rate", "95% interval", "problems", "samples a problem", "USD a problem"]
    drawn = [row.span() for row in rows]
    chart = figure(
        f"{prefix}-expected-chart",
        "Pass rate",
        lambda width, id_: spans(width, drawn, "Expected and realised pass rates", f"{said}.", id_),
        note="Lines are 95% intervals.",
        table=table("Expected against realised", "pass rate", columns, [row.cells() for row in rows]),
    )
    return Section(
        f"{prefix}-expected",
        "Expected against realised",
        "What the plan promised, what held-out problems say of it without bias, and what executing it gave.",
        (chart,),
        tuple(_notes(found)),
    )


def _rows(found: Findings) -> list[_Row]:
    rows = []
    if len(found.plans) == 1 and (promised := _promised(found.plans[0])) is not None:
        rows.append(promised)
    if found.held_out is not None:
        judged, taken = found.held_out.pass_rate, found.held_out.executed
        rows.append(
            _Row(
                "measured on held-out problems",
                judged.value,
                judged.interval,
                f"{found.held_out.problems:,}",
                None if taken is None else taken.samples,
                None if taken is None or taken.usd is None else taken.usd.value,
                "ink",
            )
        )
    executed = found.pool.executed if found.pool else ()
    return rows + [_executed(one) for one in executed[:MOST_RUNS]]


def _promised(plan: PlannedTask) -> _Row | None:
    """Return what a plan expects: of right answers, where it says so; with a shared budget, if it has one."""
    written = mapping(plan.block.get("expected"))
    ending = "_shared" if "pass_rate_shared" in written else ""
    value = number(written.get("selected", written.get(f"pass_rate{ending}")))
    if value is None:
        return None
    return _Row(
        "expected on new problems",
        value,
        interval(written.get(f"interval{ending}")),
        samples=number(written.get(f"samples{ending}")),
        usd=number(written.get(f"usd{ending}")),
    )


def _executed(one: Executed) -> _Row:
    solved = np.zeros(max(1, one.problems))
    solved[: one.solved] = 1.0
    rate_, within = mean_interval(solved)
    of = "held-out" if one.split == "held_out" else "production"
    which = f" with {one.stratum}" if one.stratum else ""
    number_ = max(1, one.problems)
    return _Row(
        f"executed on {of} problems{which}, run {one.run}",
        rate_,
        within,
        f"{one.problems:,}",
        one.samples / number_,
        None if one.usd is None else one.usd / number_,
        "pure",
    )


def _notes(found: Findings) -> list[str]:
    beside = found.held_out.baselines if found.held_out else ()
    return [
        f"On held-out problems the plan gains {signed(one.gain.value)} points"
        f" ({signed_ends(one.gain.interval)}) over {RIVALS.get(one.name, one.name)}."
        for one in beside
    ]
