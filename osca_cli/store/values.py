"""What is written to the pool, as the values of its columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from osca_cli.identity import canonical_json
from osca_cli.model import Sample
from osca_cli.spec.cells import Cell

RunKind = Literal["pilot", "measure", "execute"]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of osca over this pool.

    Attributes:
        spec: The spec's file.
        spec_hash: Changes with the spec, not with its allocation.
    """

    id: int
    kind: RunKind
    spec: str
    spec_hash: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample that is paid for and not yet kept.

    Attributes:
        index: Which sample of its cell it is.
        sample: With what it cost, where that is known.
        key: Its identity.
        seed: The seed that was sent.
    """

    index: int
    sample: Sample
    key: str
    seed: int


def problem_row(cell: Cell) -> tuple[str, ...]:
    """Return the row of a cell's problem."""
    problem = cell.problem
    return (
        cell.problem_id,
        problem.task,
        storable(problem.id),
        storable(canonical_json(problem.fields)),
        storable(canonical_json(problem.reference)),
        storable(canonical_json(problem.tags)),
    )


def configuration_row(cell: Cell) -> tuple[str, str, str]:
    """Return the row of a cell's configuration."""
    return cell.configuration_id, storable(cell.configuration.name), storable(cell.definition)


def request_row(cell: Cell, asked: int | Callable[[Cell], int]) -> tuple[str, int, str]:
    """Return the row of a cell's request, with how many samples of it are asked for."""
    return cell.request_id, asked(cell) if callable(asked) else asked, storable(cell.body)


def sample_row(run: Run, request: str, drawn: Drawn, now: str) -> tuple[str | int | float | None, ...]:
    """Return the row of a sample."""
    sample = drawn.sample
    return (
        drawn.key, request, drawn.index, run.id, int(run.kind == "execute"), drawn.seed,
        storable(sample.text), storable(sample.finish_reason), sample.input_tokens,
        sample.output_tokens, sample.seconds, sample.usd,
        None if sample.model is None else storable(sample.model), now,
        sample.cached_tokens, sample.reasoning_tokens, _logprobs(sample),
        None if sample.details is None else storable(canonical_json(sample.details)), sample.choices,
        sample.busy_seconds,
    )  # fmt: skip


def _logprobs(sample: Sample) -> str | None:
    """Return ``[[token, log-probability, [[token, log-probability], …]], …]``; most asked for no third."""
    if sample.logprobs is None:
        return None
    tokens = [token if token.top else token[:2] for token in sample.logprobs]
    return storable(json.dumps(tokens, ensure_ascii=False, separators=(",", ":")))


def storable(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot carry: a hostile text is no reason to lose a sample."""
    return text.encode("utf-8", "replace").decode("utf-8")
