"""What does not grow with the number of samples: memory, transactions, statements."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from osca_cli.backends import open_backends
from osca_cli.model import Problem
from osca_cli.run.missing import CHUNK, Ask, lacking
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.load import load_spec
from osca_cli.spec.types import Spec
from osca_cli.store.counts import pool_outcomes
from osca_cli.store.pool import Pool
from tests.store.conftest import add, start_run

SPEC = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
configurations:
  - grid: {model: [scripted/a, scripted/b], temperature: [0.2, 0.4, 0.6, 0.8, 1], prompt: ["{{ question }}"]}
budget: {samples: 2}
"""
PROBLEMS = 2 * CHUNK // 10
CELLS = 10 * PROBLEMS
SAMPLES = 2


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    rows = [{"id": f"p{i}", "question": f"{i} + {i}?", "answer": 2 * i} for i in range(PROBLEMS)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "spec.yaml").write_text(SPEC)
    return load_spec(tmp_path / "spec.yaml", environment={})


@pytest.fixture
def pool(spec: Spec) -> Iterator[Pool]:
    with Pool(spec.folder / "osca.db") as opened:
        yield opened


def maker_of(spec: Spec) -> CellMaker:
    return CellMaker(spec, open_backends(spec))


def ask(spec: Spec, problems: list[Problem] | None = None) -> Ask:
    [task] = spec.tasks
    counts = {configuration.name: SAMPLES for configuration in spec.configurations}
    return Ask(task, "train", task.train if problems is None else problems, spec.configurations, counts)


def fill(spec: Spec, pool: Pool) -> None:
    run = start_run(pool)
    pool.connection.execute("PRAGMA synchronous = OFF")
    for lack in lacking(maker_of(spec), pool, ask(spec), register=True):
        for index in lack.undrawn:
            add(pool, run, lack.cell, index, passed=index == 0)


class Counted(list):
    """Problems that count how many were taken."""

    taken = 0

    def __iter__(self):
        for problem in super().__iter__():
            self.taken += 1
            yield problem


def test_no_more_cells_are_made_than_are_looked_up_together(spec, pool):
    problems = Counted(spec.tasks[0].train)
    lacks = lacking(maker_of(spec), pool, ask(spec, problems), register=True)

    assert len(list(islice(lacks, 1))) == 1
    assert problems.taken == CHUNK // 10
    assert pool.connection.execute("SELECT count(*) FROM requests").fetchone() == (CHUNK,)


def test_a_full_pool_lacks_nothing_is_not_written_to_and_takes_few_statements(spec, pool):
    fill(spec, pool)
    before = pool.connection.total_changes
    statements: list[str] = []
    pool.connection.set_trace_callback(statements.append)

    lacks = list(lacking(maker_of(spec), pool, ask(spec), register=True))

    pool.connection.set_trace_callback(None)
    assert len(lacks) == CELLS
    assert all((lack.undrawn, lack.unverified, lack.there) == ((), (), SAMPLES) for lack in lacks)
    assert pool.connection.total_changes == before
    reads = [one for one in statements if one.lstrip().startswith("SELECT")]
    assert len(reads) == 3 * CELLS // CHUNK


def test_outcomes_are_read_by_a_few_statements(spec, pool):
    fill(spec, pool)
    statements: list[str] = []
    pool.connection.set_trace_callback(statements.append)

    outcomes, notes = pool_outcomes(pool, spec, spec.tasks[0], maker_of(spec))

    pool.connection.set_trace_callback(None)
    assert outcomes.n.shape == (10, PROBLEMS)
    assert (outcomes.n == SAMPLES).all()
    assert (outcomes.c == 1).all()
    assert outcomes.costs.keys() == {"output_tokens", "seconds"}
    assert notes == ()
    # Four for all cells together, and one for each configuration: which models answered for it.
    assert len([one for one in statements if one.lstrip().startswith("SELECT")]) == 4 + 10


def test_counting_reads_indices_and_never_the_table_of_samples(pool):
    from osca_cli.store import counts

    pool.connection.execute(counts._WANTED)
    for query in (counts._SAMPLES, counts._VERDICTS):
        plan = [row[3] for row in pool.connection.execute(f"EXPLAIN QUERY PLAN {query}")]

        assert plan[0] == "SCAN w"
        assert len(plan) == 2
        assert "COVERING INDEX" in plan[1] or "PRIMARY KEY" in plan[1]
