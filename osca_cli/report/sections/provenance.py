"""Where a report comes from: the spec, the pool, the runs, the models that answered."""

from __future__ import annotations

import json
from collections.abc import Mapping

from osca_cli.report.charts.words import amount
from osca_cli.report.findings import Findings
from osca_cli.report.parts import Figure, Section, Table, table
from osca_cli.report.text import visible
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import Spec


def provenance_section(spec: Spec, found: Findings, prefix: str) -> Section:
    """Say what all of it was made from."""
    outcomes = found.outcomes
    made = found.allocation.get("made_from")
    written: Mapping[str, object] = made if isinstance(made, Mapping) else {}
    facts = [
        ["spec", visible(spec.path.name)],
        ["hash of the spec", spec_hash(spec)],
        *([key.replace("_", " "), visible(str(value))] for key, value in written.items() if key != "spec"),
        ["configurations", amount(len(outcomes.configurations))],
        ["training problems", amount(int(outcomes.train.sum()))],
        ["held-out problems", amount(int(outcomes.held_out.sum()))],
        ["samples counted", amount(int(outcomes.n.sum()))],
    ]
    blocks: list[Figure | Table] = [
        table("What the plan was made from", "what", ["value"], facts, texts=["value"])
    ]
    if found.pool is not None:
        answered = [
            [
                visible(one.configuration, 200),
                "–" if one.model is None else visible(one.model, 200),
                f"{one.samples:,}",
                one.first[:16].replace("T", " "),
                one.last[:16].replace("T", " "),
            ]
            for one in found.pool.answered
        ]
        runs = [
            [
                f"{one.id}: {one.kind}",
                one.started_at[:16].replace("T", " "),
                one.osca,
                one.spec_hash,
                amount(one.usd, "usd") if one.usd else "–",
                visible(_engines(one.engines), 300),
            ]
            for one in found.pool.runs
        ]
        blocks += [
            table(
                "Who answered, as it calls itself (UTC)",
                "configuration",
                ["model", "samples", "first", "last"],
                answered,
                texts=["model"],
            ),
            table(
                "Runs that drew these samples (UTC)",
                "run",
                ["started", "osca", "spec", "cost", "engines"],
                runs,
                most=30,
                texts=["started", "osca", "spec", "engines"],
            ),
        ]
    return Section(
        f"{prefix}-made-from",
        "Provenance",
        "All numbers on this page are computed from these counts; nothing was loaded from anywhere else.",
        tuple(blocks),
        tuple(found.notes),
    )


def _engines(text: str) -> str:
    """Return what engines said of themselves in a line."""
    engines = json.loads(text)
    parts = []
    for name, about in engines.items():
        facts = ", ".join(f"{key} {value}" for key, value in about.items()) if isinstance(about, dict) else ""
        parts.append(f"{name}: {facts}" if facts else name)
    return "; ".join(parts)
