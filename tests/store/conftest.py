"""Pools made by hand: cells without a spec, samples without a backend."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from osca_cli.identity import canonical_json, digest, request_hash, request_identity, sample_key
from osca_cli.model import Chat, Check, Message, Problem, Request, Sample, Verdict
from osca_cli.spec.cells import Cell
from osca_cli.spec.types import Configuration, Place
from osca_cli.store.pool import Pool
from osca_cli.store.values import Run


def make_cell(
    configuration: str = "a", problem: str = "p", *, asks: str | None = None, tolerance: int = 0
) -> Cell:
    """A cell; two with an equal ``asks`` make the same request."""
    request = Request("scripted", "m", Chat((Message("user", asks or f"{configuration} {problem}"),)), {})
    check = Check("number", 1, {"tolerance": tolerance}, {"reference": 4})
    definition = canonical_json({"name": configuration})
    return Cell(
        problem=Problem("sums", problem, {"id": problem}),
        configuration=Configuration(
            configuration,
            "scripted",
            "m",
            "prompt1",
            {},
            {},
            {},
            None,
            ("sums",),
            None,
            None,
            None,
            Place(1, 1),
        ),
        request=request,
        check=check,
        body=canonical_json(request_identity(request)),
        definition=definition,
        request_id=request_hash(request),
        check_id=digest({"settings": check.settings, "given": check.given}),
        problem_id=digest(problem),
        configuration_id=digest(configuration),
        deterministic=False,
    )


def add(pool: Pool, run: Run, cell: Cell, index: int, passed: bool | None = True, text: str = "4") -> None:
    """Keep a sample with its verdict."""
    sample = Sample(text, "stop", 10, 20, 0.5)
    pool.add_sample(run, cell, index, sample, key=sample_key(cell.request, index), seed=index)
    pool.add_verdict(cell, index, Verdict(passed))


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    with Pool(tmp_path / "osca.db") as opened:
        yield opened


def start_run(pool: Pool, kind: str = "pilot") -> Run:
    return pool.start_run(kind, spec=Path("spec.yaml"), spec_hash="0", osca="0", engines={})
