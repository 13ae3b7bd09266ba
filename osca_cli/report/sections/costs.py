"""What a pass costs, who is never beaten, what losing a model would cost, and who takes most."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from markupsafe import Markup

from osca_cli.estimate.cost_of_pass import pareto, price_of_losing
from osca_cli.estimate.plugin import mean_rates, plugin_rates
from osca_cli.outcomes.types import CostKind, Floats, Outcomes
from osca_cli.report.charts.bars import Bar, bars
from osca_cli.report.charts.dots import Dot, dots
from osca_cli.report.charts.words import amount, dollars, rate, tick
from osca_cli.report.findings import Findings
from osca_cli.report.parts import Figure, Section, Table, figure, role, table

UNITS: dict[CostKind, str] = {"usd": "USD", "output_tokens": "output tokens", "seconds": "seconds"}
"""What a sample costs, the most telling first."""
HOW_COUNTED = (
    "Cost of a pass: cost of a sample over its pass rate, what one pays on average until one passes"
    " (arXiv 2504.13359). On the frontier: no configuration passes as often for less."
)
MOST_BARS = 6
MOST_MODELS = 20


def costs_section(found: Findings, prefix: str) -> Section | None:
    """Show pass rates against costs, and the price of losing each model."""
    kind = next((one for one in UNITS if one in found.outcomes.costs), None)
    blocks: list[Figure | Table] = []
    notes = ["These outcomes have no costs: each sample counts the same."]
    if kind is not None:
        blocks.append(_against_cost(found, kind, prefix))
        notes = [HOW_COUNTED]
    if len(found.models) > 1:
        blocks.append(_losing(found, kind))
    if not blocks:
        return None
    return Section(
        f"{prefix}-costs",
        "What a pass costs",
        "A plan may draw a configuration off the frontier: what matters is what it solves beside the others.",
        tuple(blocks),
        tuple(notes),
    )


def _against_cost(found: Findings, kind: CostKind, prefix: str) -> Figure:
    train, unit = found.outcomes.select(problems=found.outcomes.train), UNITS[kind]
    names, cost, rates = train.configurations, mean_cost(train, kind), mean_rates(train)
    best = pareto(cost, rates)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_pass = np.where(rates > 0, cost / rates, np.inf)
    known = [s for s in range(len(names)) if not np.isnan(cost[s]) and train.n[s].any()]
    points = [
        Dot(names[s], float(cost[s]), float(rates[s]), bool(best[s]), bool(found.counts[names[s]]))
        for s in known
    ]
    rows = [
        [
            names[s],
            amount(float(cost[s]), kind),
            rate(float(rates[s])),
            amount(float(per_pass[s]), kind),
            "on it" if best[s] else "–",
            f"{found.counts[names[s]]:,}",
        ]
        for s in sorted(known, key=lambda s: float(per_pass[s]))
    ]
    title, on = f"Pass rate against {unit} a sample", ", ".join(one.name for one in points if one.best)
    write: Callable[[float], str] = dollars if kind == "usd" else tick

    def draw(width: float, id_: str) -> Markup:
        return dots((width, 330), points, title, f"Never beaten: {on}.", f"{unit} a sample", id_, write)

    columns = [f"{unit} a sample", "pass rate", f"{unit} a pass", "frontier", "samples in the plan"]
    return figure(
        f"{prefix}-pareto",
        title,
        draw,
        note="Blue: in the plan. Ringed: no configuration passes as often for less.",
        table=table("Costs and pass rates, the cheapest pass first", "configuration", columns, rows),
    )


def _losing(found: Findings, kind: CostKind | None) -> Table:
    """Show what is lost without each model."""
    train = found.outcomes.select(problems=found.outcomes.train)
    lost = price_of_losing(plugin_rates(train), _costs(train, kind), found.models)
    order = sorted(found.models, key=lambda name: (-found.lost.get(name, 0.0), -lost[name].dearer))
    rows = [
        [
            name,
            f"{len(found.models[name]):,}",
            f"{100 * found.lost.get(name, 0.0):.2f}",
            f"{lost[name].problems:,}",
            f"{lost[name].dearer:.2f}×",
        ]
        for name in order
    ]
    unit = "samples" if kind is None else UNITS[kind]
    columns = ["configurations", "points lost", "problems nobody else solves", f"{unit} a pass, at best"]
    caption = "The price of losing a model: the same budget planned without it, by the plan's own estimates"
    return table(caption, "model", columns, rows, most=MOST_MODELS)


def _costs(train: Outcomes, kind: CostKind | None) -> Floats:
    """Return the cost of a sample of each cell, a configuration's or everybody's mean where unknown."""
    if kind is None:
        return np.ones(train.n.shape)
    mean = mean_cost(train, kind)
    known = mean[~np.isnan(mean)]
    mean = np.where(np.isnan(mean), known.mean() if len(known) else 1.0, mean)
    cost = train.costs[kind]
    return np.maximum(np.where(np.isnan(cost), mean[:, None], cost), 1e-12)


def mean_cost(outcomes: Outcomes, kind: CostKind) -> Floats:
    """Return the mean cost of a sample of each configuration, NaN where unknown, shape ``(S,)``."""
    cost = outcomes.costs[kind]
    known = ~np.isnan(cost)
    weight = np.where(known, np.maximum(outcomes.n, 1), 0)
    total = (np.where(known, cost, 0.0) * weight).sum(axis=1)
    return np.where(weight.any(axis=1), total / np.maximum(weight.sum(axis=1), 1), np.nan)


def dearest_section(found: Findings, prefix: str) -> Section | None:
    """Show the slowest and the dearest configurations."""
    kinds = [kind for kind in UNITS if kind in found.outcomes.costs]
    if not kinds:
        return None
    return Section(
        f"{prefix}-dearest",
        "The slowest and the dearest",
        "Means of a sample, over all that were drawn; the most first. Blue: in the plan.",
        tuple(_dearest(found, kind, prefix) for kind in kinds),
    )


def _dearest(found: Findings, kind: CostKind, prefix: str) -> Figure:
    names, cost = found.outcomes.configurations, mean_cost(found.outcomes, kind)
    order = [s for s in range(len(names)) if not np.isnan(cost[s])]
    order.sort(key=lambda s: -float(cost[s]))
    rows = [
        Bar(names[s], float(cost[s]), amount(float(cost[s]), kind), role(found.counts[names[s]]))
        for s in order[:MOST_BARS]
    ]
    unit = UNITS[kind]
    title = f"{unit[0].upper()}{unit[1:]} a sample"
    more = ["the most of one", "cut at their length"] if found.pool else []
    left_out = len(order) - len(rows)
    return figure(
        f"{prefix}-most-{kind.replace('_', '-')}",
        title,
        lambda width, id_: bars(width, rows, title, f"The most: {rows[0].name}, {rows[0].text}.", id_),
        note=f"{left_out:,} more configurations, which take less, are in the table." if left_out else "",
        table=table(
            title,
            "configuration",
            [f"{unit} a sample", f"{unit} in all", *more],
            [_cells(found, s, float(cost[s]), kind) for s in order],
        ),
    )


def _cells(found: Findings, s: int, cost: float, kind: CostKind) -> list[str]:
    outcomes = found.outcomes
    spent = float(np.nansum(outcomes.costs[kind][s] * outcomes.n[s]))
    row = [outcomes.configurations[s], amount(cost, kind), amount(spent, kind)]
    if found.pool is None:
        return row
    total = found.pool.totals.get(outcomes.configurations[s])
    if total is None:
        return [*row, "–", "–"]
    most = {"usd": None, "seconds": total.slowest_s, "output_tokens": total.longest}[kind]
    return [*row, amount(None if most is None else float(most)), f"{total.cut:,}"]
