"""Counts what a run does, by configuration: what progress shows and what the summary says."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from osca_cli.errors import first_line
from osca_cli.model import Sample, Verdict
from osca_cli.protocols import BatchState


@dataclass(slots=True)
class Count:
    """What happened to the samples of one configuration.

    Attributes:
        drawn: Drawn now.
        there: Already in the pool.
        errors: Draws that gave no sample.
        unverified: Samples whose verifier failed.
        usd: What the samples drawn now cost, as far as prices are known.
    """

    drawn: int = 0
    there: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    unverified: int = 0
    output_tokens: int = 0
    usd: float = 0.0


@dataclass(slots=True)
class Tally:
    """The counts of a run.

    Attributes:
        asked: How many samples the run asks for, by configuration; empty where that is not known before.
        last_error: What the latest failed draw or verdict said.
        batches: How far the batches are that are waited for, by token.
    """

    asked: Counter[str] = field(default_factory=Counter)
    last_error: str = ""
    batches: dict[str, BatchState] = field(default_factory=dict)
    counts: defaultdict[str, Count] = field(default_factory=lambda: defaultdict(Count))

    @property
    def total(self) -> int | None:
        """How many samples the run asks for, where that is known."""
        return self.asked.total() if self.asked else None

    def ask(self, configuration: str, number: int) -> None:
        """Count samples that are asked for."""
        self.asked[configuration] += number

    def drew(self, configuration: str, sample: Sample) -> None:
        """Count a sample drawn now."""
        count = self.counts[configuration]
        count.drawn += 1
        count.output_tokens += sample.output_tokens or 0
        count.usd += sample.usd or 0.0

    def found(self, configuration: str, number: int = 1) -> None:
        """Count samples that were there."""
        self.counts[configuration].there += number

    def verified(self, configuration: str, verdict: Verdict) -> None:
        """Count a verdict given now."""
        count = self.counts[configuration]
        if verdict.passed is None:
            count.unverified += 1
            self.last_error = verdict.reason
        elif verdict.passed:
            count.passed += 1
        else:
            count.failed += 1

    def failed(self, configuration: str, error: Exception, number: int = 1) -> None:
        """Count draws that gave no sample."""
        self.counts[configuration].errors += number
        self.last_error = first_line(error)

    def sum(self) -> Count:
        """Add up all configurations."""
        every = self.counts.values()
        return Count(
            drawn=sum(c.drawn for c in every),
            there=sum(c.there for c in every),
            passed=sum(c.passed for c in every),
            failed=sum(c.failed for c in every),
            errors=sum(c.errors for c in every),
            unverified=sum(c.unverified for c in every),
            output_tokens=sum(c.output_tokens for c in every),
            usd=sum(c.usd for c in every),
        )

    def facts(self) -> dict[str, float]:
        """Return the sums, for ``--json``."""
        total = self.sum()
        return {
            "drawn": total.drawn,
            "there": total.there,
            "passed": total.passed,
            "failed": total.failed,
            "errors": total.errors,
            "unverified": total.unverified,
            "output_tokens": total.output_tokens,
            "usd": round(total.usd, 6),
        }
