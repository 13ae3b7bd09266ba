"""How far repeating one configuration goes, with the power law of Large Language Monkeys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from osca_cli.estimate.plugin import mean_rates
from osca_cli.estimate.power_law import PowerLaw, coverage_curve, fit_power_law
from osca_cli.outcomes.types import Floats, Ints
from osca_cli.report.charts.lines import Frame, Series, lines
from osca_cli.report.charts.words import amount, rate, signed
from osca_cli.report.findings import Findings
from osca_cli.report.parts import NARROW, Section, figure, role, table

MOST_CURVES = 7
MOST_NARROW = 4
COLUMNS = ["k", "pass@1", "pass@k", "exponent b", "misfit, points", "beyond its first quarter", "power law"]


@dataclass(frozen=True, slots=True)
class _Curve:
    name: str
    role: str
    k: Ints
    coverage: Floats
    law: PowerLaw | None

    def series(self) -> list[Series]:
        """Return the curve, and its law without a name."""
        there = [(float(x), float(y)) for x, y in zip(self.k, self.coverage, strict=True)]
        drawn = [Series(self.name, self.role, there)]
        if self.law is not None:
            ks = np.geomspace(1, float(self.k[-1]), 24)
            fitted = [(float(x), float(y)) for x, y in zip(ks, self.law.coverage(ks), strict=True)]
            drawn.append(Series("", "law", fitted, dots=False))
        return drawn

    def cells(self) -> list[str]:
        law = self.law
        surprise = None if law is None else law.surprise
        return [
            self.name,
            amount(float(self.k[-1])),
            rate(float(self.coverage[0])),
            rate(float(self.coverage[-1])),
            "–" if law is None else f"{law.exponent:.3f}",
            "–" if law is None else f"{100 * law.misfit:.1f}",
            "–" if surprise is None else signed(surprise),
            "no fit" if law is None else ("fits" if law.fits else "does not fit"),
        ]


def laws_section(found: Findings, prefix: str) -> Section | None:
    """Show coverage against samples of one configuration, with what is fitted to it."""
    curves = _curves(found)
    if not curves:
        return None

    def draw(width: float, id_: str) -> Markup:
        shown = curves[: MOST_NARROW if width == NARROW else MOST_CURVES]
        frame = Frame(
            width,
            340,
            "Coverage of each configuration alone",
            "Share of problems solved at least once, against samples; dotted: fitted power laws.",
            "samples of one configuration",
            log=True,
        )
        return lines(frame, [series for one in shown for series in one.series()], id_)

    chart = figure(
        f"{prefix}-laws-chart",
        "Coverage against samples of one configuration",
        draw,
        note="Blue: in the plan. Dotted: power laws, fitted by least squares to log coverage = −a · k^−b"
        " (arXiv 2407.21787)."
        + (f" All {len(curves):,} are in the table." if len(curves) > MOST_NARROW else ""),
        table=table("Coverage and power laws", "configuration", COLUMNS, [one.cells() for one in curves]),
    )
    return Section(
        f"{prefix}-laws",
        "How far repeating one configuration goes",
        "Unbiased pass@k of single configurations on the training problems, as far as all have samples.",
        (chart,),
        _warning(curves),
    )


def _curves(found: Findings) -> list[_Curve]:
    """Return the curves of what more than one sample was drawn of, those of the plan first."""
    train = found.outcomes.select(problems=found.outcomes.train)
    rates, curves = mean_rates(train), []
    names = train.configurations
    for s in sorted(range(len(names)), key=lambda s: (-found.counts[names[s]], -float(rates[s]))):
        k, coverage = coverage_curve(train.n[s], train.c[s])
        if len(k) > 1 and not train.deterministic[s]:
            law = fit_power_law(k, coverage)
            curves.append(_Curve(names[s], role(found.counts[names[s]]), k, coverage, law))
    return curves


def _warning(curves: list[_Curve]) -> tuple[str, ...]:
    fitted = [one.law for one in curves if one.law is not None]
    bent = sum(not law.fits for law in fitted)
    if not bent:
        return ()
    said = (
        f"Misfit: for {bent} of {len(fitted)} configurations the law is more than a point off the curve, or"
        " two points off where a quarter of the samples says what all come to. Read no budget beyond the"
        " samples off it: problems that are never solved, or always, bend a curve away from a power law"
        " (arXiv 2502.17578)."
    )
    return (said,)
