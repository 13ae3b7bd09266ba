"""Which samples count: the same in outcomes, in the views, and counted by hand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.model import Verdict
from osca_cli.spec.cells import Cell
from osca_cli.store.counts import all_counted, counted
from osca_cli.store.pool import Pool
from tests.store.conftest import add, make_cell, start_run

CELL = make_cell()


def count(pool: Pool, *cells: Cell) -> list[tuple[int, int]]:
    """Return samples and passes of each cell, as outcomes count them."""
    ids = [(cell.request_id, cell.check_id) for cell in cells]
    n, c, _ = counted(pool.connection, ids, (len(cells), 1))
    return list(zip(n[0].tolist(), c[0].tolist(), strict=True))


def viewed(pool: Pool) -> dict[tuple[str, str], tuple[int, int]]:
    rows = pool.connection.execute("SELECT configuration, problem, n, passed FROM v_cells")
    return {(configuration, problem): (n, passed) for configuration, problem, n, passed in rows}


def assert_counts(pool: Pool, n: int, c: int) -> None:
    assert count(pool, CELL) == [(n, c)]
    assert viewed(pool) == {("a", "p"): (n, c)}


def test_a_cell_without_samples_counts_none(pool):
    assert count(pool, CELL) == [(0, 0)]

    pool.register([CELL], "train", asked=4)

    assert_counts(pool, 0, 0)


def test_in_a_complete_cell_samples_drawn_while_executing_count_like_all_others(pool):
    pool.register([CELL], "train")
    run = start_run(pool, "execute")
    add(pool, run, CELL, 0, passed=False)
    add(pool, run, CELL, 1, passed=True)
    assert_counts(pool, 0, 0)  # nothing was asked for in full

    pool.register([CELL], "train", asked=4)
    pilot = start_run(pool)
    add(pool, pilot, CELL, 2, passed=False)
    assert_counts(pool, 1, 0)  # incomplete: the two that stopped at a pass are left out

    add(pool, pilot, CELL, 3, passed=False)
    assert_counts(pool, 4, 1)


def test_samples_beyond_what_was_asked_for_do_not_count(pool):
    pool.register([CELL], "train", asked=2)
    run = start_run(pool)
    for index in range(4):
        add(pool, run, CELL, index, passed=True)

    assert_counts(pool, 2, 2)


def test_the_first_samples_are_counted_by_themselves(pool):
    pool.register([CELL], "train", asked=4)
    run = start_run(pool)
    for index, passed in enumerate([True, False, False, True]):
        add(pool, run, CELL, index, passed=passed)
    ids = [(CELL.request_id, CELL.check_id)]

    counts = [counted(pool.connection, ids, (1, 1), first)[:2] for first in (1, 3, 9)]

    assert [(n.item(), c.item()) for n, c in counts] == [(1, 1), (3, 1), (4, 2)]


def test_the_first_samples_are_complete_where_the_others_are_missing(pool):
    pool.register([CELL], "train", asked=4)
    run = start_run(pool, "execute")
    for index in range(2):
        add(pool, run, CELL, index, passed=index == 1)

    n, c, _ = counted(pool.connection, [(CELL.request_id, CELL.check_id)], (1, 1), 2)

    assert (n.item(), c.item()) == (2, 1)


def test_an_executed_sample_beyond_does_not_make_a_cell_complete(pool):
    pool.register([CELL], "train", asked=3)
    add(pool, start_run(pool), CELL, 0, passed=False)
    run = start_run(pool, "execute")
    add(pool, run, CELL, 1, passed=False)
    add(pool, run, CELL, 3, passed=True)

    assert_counts(pool, 1, 0)


def test_a_verdict_that_is_an_error_does_not_count_and_a_later_one_does(pool):
    pool.register([CELL], "train", asked=2)
    run = start_run(pool)
    add(pool, run, CELL, 0, passed=True)
    add(pool, run, CELL, 1, passed=None)
    assert_counts(pool, 1, 1)

    pool.add_verdict(CELL, 1, Verdict(passed=False))
    assert_counts(pool, 2, 1)


def test_a_failed_draw_leaves_the_rest_of_its_cell_counting(pool):
    pool.register([CELL], "train", asked=3)
    run = start_run(pool)
    add(pool, run, CELL, 0, passed=True)
    pool.add_error(run, CELL, 1, ValueError("no"))
    add(pool, run, CELL, 2, passed=True)

    assert_counts(pool, 2, 2)


def test_each_verifier_counts_its_own_verdicts(pool):
    other = make_cell(tolerance=1)
    pool.register([CELL, other], "train", asked=2)
    run = start_run(pool)
    add(pool, run, CELL, 0, passed=False)
    add(pool, run, CELL, 1, passed=False)
    pool.add_verdict(other, 0, Verdict(passed=True))

    assert count(pool, CELL, other) == [(2, 0), (1, 1)]


def test_configurations_that_ask_the_same_count_the_same_samples(pool):
    twins = [make_cell("a", asks="1+1?"), make_cell("b", asks="1+1?")]
    pool.register(twins, "train", asked=1)
    add(pool, start_run(pool), twins[0], 0)

    assert count(pool, *twins) == [(1, 1), (1, 1)]
    assert set(viewed(pool).values()) == {(1, 1)}


def test_counting_all_counts_executed_samples_too_and_says_how_many_they_are(pool):
    pool.register([CELL], "train", asked=2)
    add(pool, start_run(pool), CELL, 0, passed=False)
    run = start_run(pool, "execute")
    add(pool, run, CELL, 1, passed=None)
    add(pool, run, CELL, 2, passed=True)

    n, c, executed = all_counted(pool.connection, [(CELL.request_id, CELL.check_id)], (1, 1))

    assert (n.item(), c.item(), executed.item()) == (2, 1, 2)
    assert count(pool, CELL) == [(1, 0)]


def test_costs_are_means_over_what_was_asked_for_and_unknown_elsewhere(pool):
    other = make_cell("b")
    pool.register([CELL, other], "train", asked=2)
    run = start_run(pool)
    add(pool, run, CELL, 0)
    add(pool, run, CELL, 1)

    ids = [(cell.request_id, cell.check_id) for cell in (CELL, other)]
    _, _, costs = counted(pool.connection, ids, (1, 2))

    assert np.array_equal(costs["output_tokens"], [[20], [np.nan]], equal_nan=True)
    assert np.array_equal(costs["seconds"], [[0.5], [np.nan]], equal_nan=True)
    assert np.isnan(costs["usd"]).all()


def test_counting_leaves_no_transaction_and_no_trace(pool):
    count(pool, CELL)

    assert not pool.connection.in_transaction
    pool.register([CELL], "train", asked=1)
    add(pool, start_run(pool), CELL, 0)
    assert count(pool, CELL) == [(1, 1)]
    assert pool.connection.execute("SELECT count(*) FROM wanted").fetchone() == (0,)


def test_pass_rates_of_two_definitions_under_one_name_stand_apart(pool):
    old, new = make_cell("old"), make_cell("new")
    pool.register([old, new], "train", asked=1)
    pool.connection.execute("UPDATE configurations SET name = 'a'")
    run = start_run(pool)
    add(pool, run, old, 0, passed=True)
    add(pool, run, new, 0, passed=False)

    rows = pool.connection.execute("SELECT configuration, pass_rate, definition FROM v_pass_rates").fetchall()

    assert sorted(rows) == [("a", 0.0, '{"name":"new"}'), ("a", 1.0, '{"name":"old"}')]


@dataclass(frozen=True)
class Row:
    """A sample as a random pool has it; ``passed`` is ``None`` for a verdict that is an error."""

    executed: bool
    verified: bool
    passed: bool | None


rows = st.none() | st.builds(Row, st.booleans(), st.booleans(), st.sampled_from([True, False, None]))
pools = st.lists(st.tuples(st.integers(0, 5), st.lists(rows, max_size=7)), min_size=1, max_size=4)


def by_hand(asked: int, row_of_index: list[Row | None]) -> tuple[int, int]:
    drawn = [row for row in row_of_index[:asked] if row is not None]
    counting = [row for row in drawn if len(drawn) == asked or not row.executed]
    verdicts = [row.passed for row in counting if row.verified and row.passed is not None]
    return len(verdicts), sum(verdicts)


@given(content=pools)
def test_outcomes_views_and_counting_by_hand_agree(content):
    cells = [make_cell("a", f"p{i}") for i in range(len(content))]
    with Pool(Path(":memory:")) as pool:
        runs = {kind: start_run(pool, kind) for kind in ("pilot", "execute")}
        for cell, (asked, row_of_index) in zip(cells, content, strict=True):
            pool.register([cell], "train", asked=asked)
            for index, row in enumerate(row_of_index):
                if row is None:
                    continue
                add(pool, runs["execute" if row.executed else "pilot"], cell, index, row.passed)
                if not row.verified:
                    pool.connection.execute(
                        "DELETE FROM verdicts WHERE request = ? AND idx = ?", (cell.request_id, index)
                    )
        expected = [by_hand(asked, row_of_index) for asked, row_of_index in content]

        assert count(pool, *cells) == expected
        views = viewed(pool)
        assert [views["a", cell.problem.id] for cell in cells] == expected
