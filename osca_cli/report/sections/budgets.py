"""What more or less budget buys: plans and their rivals, budget by budget."""

from __future__ import annotations

from markupsafe import Markup

from osca_cli.plan.frontier import Point
from osca_cli.report.charts.lines import Frame, Series, lines
from osca_cli.report.charts.words import amount, dollars, ends, rate, signed, signed_ends, tick
from osca_cli.report.findings import Findings, Frontier
from osca_cli.report.parts import NARROW, Figure, Section, figure, table

NAMES = {"best_pure": "best single one", "uniform": "even spread"}
ROLES = {"best_pure": "pure", "uniform": "uniform"}


def budgets_section(found: Findings, prefix: str) -> Section | None:
    """Show pass rates against samples, and against USD where prices are known."""
    frontiers = [one for one in (found.in_samples, found.in_usd) if one is not None and len(one.points) > 1]
    if not frontiers:
        return None
    notes = []
    if far := max(point.extrapolated for point in frontiers[0].points):
        notes.append(
            f"At the largest budget {rate(far, 0)} of the problems have fewer samples than the plan draws;"
            " there a model says a part of the answer, and intervals are wider."
        )
    return Section(
        f"{prefix}-budget",
        "What more or less budget buys",
        "For each budget a plan of its own, and its rivals, all judged on problems that did not choose them"
        " (5-fold cross-validation).",
        tuple(_frontier(one, f"{prefix}-in-{one.budget.kind}") for one in frontiers),
        tuple(notes),
    )


def _frontier(frontier: Frontier, id_: str) -> Figure:
    kind, series = frontier.budget.kind, _series(frontier)
    in_usd = kind == "usd"

    def draw(width: float, own_id: str) -> Markup:
        frame = Frame(
            width,
            290 if width == NARROW else 320,
            f"Pass rate against budget in {kind}",
            _about(frontier),
            "USD per problem, all drawn" if in_usd else "samples per problem",
            log=True,
            x_tick=dollars if in_usd else tick,
            mark=(frontier.budget.amount, "this budget"),
        )
        return lines(frame, series, own_id)

    title = f"Pass rate against {'USD' if in_usd else 'samples'}"
    rivals = list(frontier.points[0].rivals)
    columns = ["plan", "95% interval"]
    for key in rivals:
        columns += [NAMES.get(key, key), "95% interval", "plan gains", "95% interval"]
    columns += ["draws until a pass", "USD until a pass"]
    return figure(
        id_,
        title,
        draw,
        note="Shaded: 95% intervals of the plan and of the best single one; thin dots: of the even spread."
        " The best single one is chosen anew for each budget, on the problems that choose the plan.",
        table=table(
            f"{title}, on new problems",
            "budget",
            columns,
            [_row(point, rivals) for point in frontier.points],
        ),
    )


def _series(frontier: Frontier) -> list[Series]:
    points = frontier.points
    series = [
        Series(
            "plan",
            "plan",
            [(point.budget.amount, point.plan.pass_rate) for point in points],
            [(point.budget.amount, *point.plan.interval) for point in points],
        )
    ]
    for key in points[0].rivals:
        there = [(p.budget.amount, p.rivals[key].measured) for p in points if key in p.rivals]
        series.append(
            Series(
                NAMES.get(key, key),
                ROLES.get(key, "named"),
                [(x, one.pass_rate) for x, one in there],
                [(x, *one.interval) for x, one in there],
                dots=False,
            )
        )
    return series


def _row(point: Point, rivals: list[str]) -> list[str]:
    plan = point.plan
    row = [amount(point.budget.amount, point.budget.kind), rate(plan.pass_rate), ends(plan.interval)]
    for key in rivals:
        one = point.rivals.get(key)
        if one is None:
            row += ["–"] * 4
            continue
        row += [rate(one.measured.pass_rate), ends(one.measured.interval)]
        row += [signed(one.gain.value), signed_ends(one.gain.interval)]
    return [*row, amount(point.samples), amount(point.usd, "usd")]


def _about(frontier: Frontier) -> str:
    said = [
        f"at {amount(point.budget.amount, point.budget.kind)} {point.budget.kind} the plan passes on"
        f" {rate(point.plan.pass_rate)} of new problems, the best single configuration on"
        f" {rate(point.rivals['best_pure'].measured.pass_rate)}"
        for point in (frontier.points[0], frontier.points[-1])
    ]
    return "; ".join(said) + "."
