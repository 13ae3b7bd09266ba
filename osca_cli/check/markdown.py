"""A check as Markdown, for the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Sequence

from osca_cli.check.cases import Case
from osca_cli.check.judge import Baseline, Verdicts
from osca_cli.check.words import usd
from osca_cli.console import harmless, interval_text, percent, points

SIGNS = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def summary(judged: Sequence[Verdicts], cases: Sequence[Case], *, name: str) -> str:
    """Return the summary: what came of each assertion, and how the plans compare."""
    lines = [f"### osca check {escaped(name)}", "", *case_table(cases)]
    for verdicts in judged:
        lines += ["", *_pass_rates(verdicts)]
    return "\n".join(lines) + "\n"


def drift_summary(cases: Sequence[Case], *, name: str, old: str) -> str:
    """Return the summary of what moved between two pools."""
    return (
        "\n".join([f"### osca check {escaped(name)} against {escaped(old)}", "", *case_table(cases)]) + "\n"
    )


def case_table(cases: Sequence[Case]) -> list[str]:
    """Return the table of what was judged."""
    if not cases:
        return ["Nothing is asserted."]
    rows = [
        f"| {SIGNS[case.outcome]} {case.outcome} | {escaped(case.suite)} | {escaped(case.message)} |"
        for case in cases
    ]
    return ["| | task | asserted: found |", "|---|---|---|", *rows]


def escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is: names may be anybody's.

    >>> print(escaped("a|b <img>"))
    a\|b \<img\>
    """
    return _MARKUP.sub(r"\\\1", harmless(text))


def _pass_rates(verdicts: Verdicts) -> list[str]:
    by = f" in {verdicts.clusters:,} clusters" if verdicts.clusters else ""
    rate = verdicts.pass_rate
    lines = [
        f"**{escaped(verdicts.label)}**: {verdicts.problems:,} held-out problems{by}",
        "",
        "| | pass rate | 95% interval | plan gains | 95% interval |",
        "|---|---|---|---|---|",
        f"| the plan | {percent(rate.value)} | {interval_text(rate.interval)} | | |",
    ]
    for one in verdicts.baselines:
        rate, gain = one.pass_rate, one.gain
        cells = [
            escaped(baseline_label(one)),
            percent(rate.value),
            interval_text(rate.interval),
            points(gain.value),
            interval_text(gain.interval, signed=True),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    if verdicts.executed is not None and verdicts.executed.usd is not None:
        lines += ["", f"Executed: {usd(verdicts.executed.usd.value)} USD per problem."]
    return lines


def baseline_label(baseline: Baseline) -> str:
    """Return what a baseline is called in a table."""
    if baseline.name == "uniform":
        return "even spread"
    if baseline.name == "paper":
        return "the paper's optimum"
    return ", ".join(f"{count:.4g} x {name}" for name, count in baseline.counts.items()) or baseline.name
