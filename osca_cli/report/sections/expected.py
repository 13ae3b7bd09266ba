"""What was expected of the plan, beside what came."""

from __future__ import annotations

from dataclasses import dataclass

from osca_cli.estimate.intervals import Interval
from osca_cli.report.charts.spans import Span, spans
from osca_cli.report.charts.words import amount, ends, rate, signed, signed_ends
from osca_cli.report.findings import Findings
from osca_cli.report.parts import Section, figure, table
from osca_cli.report.written import interval, mapping, number

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
        "What the plan promised, what held-out problems say of it without bias, and what executing it gave:"
        " the schedule followed through the samples that were drawn, up to the first pass.",
        (chart,),
        tuple(_notes(found)),
    )


def _rows(found: Findings) -> list[_Row]:
    rows = []
    written = mapping(found.plans[-1].block.get("expected"))
    value = number(written.get("pass_rate"))
    if len(found.plans) == 1 and value is not None:
        drawn, usd = number(written.get("samples")), number(written.get("usd"))
        within = interval(written.get("interval"))
        rows.append(_Row("expected on new problems", value, within, samples=drawn, usd=usd))
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
    for one in found.pool.realised if found.pool else ():
        solved = one.solved
        rows.append(
            _Row(
                f"executed on {one.of} problems",
                solved.pass_rate,
                solved.interval,
                f"{solved.problems:,}",
                one.samples,
                one.usd,
                "pure",
            )
        )
    return rows


def _notes(found: Findings) -> list[str]:
    beside = found.held_out.baselines if found.held_out else ()
    notes = [
        f"On held-out problems the plan gains {signed(one.gain.value)} points"
        f" ({signed_ends(one.gain.interval)}) over {RIVALS.get(one.name, one.name)}."
        for one in beside
    ]
    if unfinished := sum(one.incomplete for one in (found.pool.realised if found.pool else ())):
        notes.append(f"{unfinished:,} problems that were begun lack a sample or a verdict and are left out.")
    return notes
