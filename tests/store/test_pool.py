"""What is kept comes back, nothing is kept twice, and nothing that is known is forgotten."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.errors import RetryableError
from osca_cli.identity import sample_key
from osca_cli.model import Problem, Sample, Verdict
from osca_cli.store.pool import Pool
from tests.store.conftest import add, make_cell, start_run

CELL = make_cell()
KEY = sample_key(CELL.request, 0)


def asked(pool: Pool, cell=CELL) -> int:
    [(number,)] = pool.connection.execute("SELECT asked FROM requests WHERE id = ?", (cell.request_id,))
    return number


def split(pool: Pool) -> list[str]:
    return [row[0] for row in pool.connection.execute("SELECT split FROM cells ORDER BY split")]


@pytest.mark.parametrize(
    "text",
    ["", "a\x00b\x00", "x" * 5_000_000, "'; DROP TABLE samples; --", "\x1b[31m\u202e\r\n", "𝔸é漢", "NULL"],
    ids=["empty", "NUL", "5 MB", "SQL", "terminal", "planes", "null"],
)
def test_hostile_texts_come_back_as_they_were(pool, text):
    sample = Sample(text, "stop", 1, 2, 0.5, 0.001, "m-2026")
    pool.register([CELL], "train")

    pool.add_sample(start_run(pool), CELL, 0, sample, key=KEY, seed=1)
    pool.add_verdict(CELL, 0, Verdict(passed=False, answer=text, score=0.5, reason=text))

    assert pool.sample(CELL.request_id, 0) == sample
    assert pool.verdict(CELL.request_id, CELL.check_id, 0) == Verdict(False, text, 0.5, text)


@given(st.text(st.characters(), max_size=20))
def test_any_text_is_kept_with_lone_surrogates_replaced(text):
    cell = make_cell(configuration=f"c{text}", problem=f"p{text}", asks=text or "?")
    with Pool(Path(":memory:")) as pool:
        run = start_run(pool)
        pool.register([cell], "train", asked=1)
        add(pool, run, cell, 0, text=text)
        pool.add_error(run, cell, 1, RetryableError(text))
        found = pool.sample(cell.request_id, 0)

    assert found is not None
    assert found.text == text.encode("utf-8", "replace").decode()


def test_a_sample_that_came_first_stays(pool):
    pool.register([CELL], "train")
    run = start_run(pool)
    first, second = Sample("first", "stop"), Sample("second", "stop")

    assert pool.add_sample(run, CELL, 0, first, key=KEY, seed=1)
    assert not pool.add_sample(run, CELL, 0, second, key=KEY, seed=1)
    assert not pool.add_sample(run, CELL, 0, second, key="another key", seed=1)

    assert pool.sample(CELL.request_id, 0) == first


def test_what_is_not_there_is_none(pool):
    assert pool.sample(CELL.request_id, 0) is None
    assert pool.verdict(CELL.request_id, CELL.check_id, 0) is None
    assert pool.drawn([CELL.request_id]) == {}
    assert pool.verified([CELL.request_id]) == {}
    assert pool.last_spec() is None


def test_a_sample_of_an_unregistered_request_is_refused(pool):
    with pytest.raises(Exception, match="FOREIGN KEY"):
        add(pool, start_run(pool), CELL, 0)

    assert pool.drawn([CELL.request_id]) == {}


def test_a_verdict_that_is_an_error_is_none_until_a_later_one(pool):
    pool.register([CELL], "train", asked=1)
    add(pool, start_run(pool), CELL, 0, passed=None)

    assert pool.verdict(CELL.request_id, CELL.check_id, 0) is None
    assert pool.verified([CELL.request_id]) == {}
    assert pool.drawn([CELL.request_id]) == {CELL.request_id: {0}}

    pool.add_verdict(CELL, 0, Verdict(passed=True))

    assert pool.verified([CELL.request_id]) == {(CELL.request_id, CELL.check_id): {0}}


def test_verdicts_of_two_verifiers_live_side_by_side(pool):
    strict, loose = make_cell(), make_cell(tolerance=1)
    pool.register([strict, loose], "train", asked=1)
    add(pool, start_run(pool), strict, 0, passed=False)
    pool.add_verdict(loose, 0, Verdict(passed=True))

    assert pool.verdict(strict.request_id, strict.check_id, 0) == Verdict(passed=False)
    assert pool.verdict(loose.request_id, loose.check_id, 0) == Verdict(passed=True)


@given(st.lists(st.integers(0, 20), min_size=1))
def test_asked_never_shrinks(numbers):
    with Pool(Path(":memory:")) as pool:
        for number in numbers:
            pool.register([CELL], "train", asked=number)

        assert asked(pool) == max(numbers)


def test_asked_may_depend_on_the_cell(pool):
    other = make_cell("b")
    pool.register([CELL, other], "train", asked=lambda cell: 8 if cell is CELL else 1)

    assert (asked(pool), asked(pool, other)) == (8, 1)


def test_registering_what_is_there_writes_nothing(pool):
    cells = [make_cell(name, f"p{i}") for name in "ab" for i in range(20)]
    pool.register(cells, "train", asked=4)
    before = pool.connection.total_changes

    pool.register(cells, "train", asked=4)
    pool.register(cells, "train", asked=2)

    assert pool.connection.total_changes == before


def test_a_problem_that_moves_to_the_other_side_is_recorded(pool):
    pool.register([CELL], "train")
    pool.register([CELL], "held_out")

    assert split(pool) == ["held_out"]


def test_a_production_problem_that_is_one_of_the_specs_stays_that(pool):
    pool.register([CELL], "train", asked=4)
    pool.register([CELL, make_cell("a", "new")], "production")

    assert split(pool) == ["production", "train"]
    assert asked(pool) == 4


def test_another_verifier_is_recorded_for_the_views(pool):
    pool.register([CELL], "train")
    pool.register([make_cell(tolerance=1)], "train")

    [(verifier,)] = pool.connection.execute("SELECT verifier FROM cells")
    assert verifier == make_cell(tolerance=1).check_id


def test_a_failed_draw_is_kept_and_is_no_sample(pool):
    pool.register([CELL], "train", asked=1)
    pool.add_error(start_run(pool), CELL, 0, RetryableError("busy \ud800"))

    assert pool.drawn([CELL.request_id]) == {}
    [row] = pool.connection.execute("SELECT kind, message FROM errors")
    assert row == ("RetryableError", "busy ?")


def test_a_write_that_fails_half_way_leaves_nothing(pool):
    fine, broken = make_cell("a"), make_cell("b")
    object.__setattr__(broken, "definition", 3)  # what no spec can hold

    with pytest.raises(AttributeError):
        pool.register([fine, broken], "train", asked=4)

    assert pool.connection.execute("SELECT count(*) FROM problems").fetchone() == (0,)
    pool.register([fine], "train", asked=4)
    assert asked(pool, fine) == 4


def test_the_spec_last_run_is_remembered(pool, tmp_path):
    for name in ("a.yaml", "b.yaml", "a.yaml"):
        pool.start_run("pilot", spec=tmp_path / name, spec_hash="", osca="0", engines={"x": {"v": "1"}})

    assert pool.last_spec() == tmp_path / "a.yaml"


def test_a_plan_is_kept_once(pool, tmp_path):
    for _ in range(2):
        pool.add_plan(tmp_path / "plan.yaml", "allocation: \ud800")

    assert pool.connection.execute("SELECT count(*) FROM plans").fetchone() == (1,)


def test_times_are_utc_with_milliseconds(tmp_path):
    clock = lambda: datetime(2026, 11, 22, 5, 46, 54, 123456, tzinfo=UTC)  # noqa: E731
    with Pool(tmp_path / "osca.db", clock=clock) as pool:
        start_run(pool)
        [(started,)] = pool.connection.execute("SELECT started_at FROM runs")

    assert started == "2026-11-22T05:46:54.123+00:00"


def test_two_connections_add_the_same_samples_once(tmp_path):
    path = tmp_path / "osca.db"
    new = []

    def draw(name: str) -> None:
        with Pool(path) as pool:
            run = start_run(pool)
            pool.register([CELL], "train", asked=50)
            for index in range(50):
                key = sample_key(CELL.request, index)
                new.append(pool.add_sample(run, CELL, index, Sample(name, "stop"), key=key, seed=0))

    Pool(path).__exit__(None, None, None)
    threads = [threading.Thread(target=draw, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(new) == [False] * 50 + [True] * 50


def test_a_reader_sees_what_was_committed_while_a_writer_is_at_work(pool, tmp_path):
    pool.register([CELL], "train", asked=2)
    add(pool, start_run(pool), CELL, 0)
    pool.connection.execute("BEGIN IMMEDIATE")
    reader = sqlite3.connect(tmp_path / "osca.db")

    assert reader.execute("SELECT samples, passed FROM v_pass_rates").fetchall() == [(1, 1)]

    reader.close()
    pool.connection.execute("ROLLBACK")


def test_problems_keep_their_fields(pool):
    cell = make_cell()
    object.__setattr__(cell, "problem", Problem("sums", "p", {"q": "é", "n": 1.0}, 4, {"q": "é"}))
    pool.register([cell], "train")

    [row] = pool.connection.execute("SELECT task, name, fields, reference, tags FROM problems")
    assert row == ("sums", "p", '{"n":1,"q":"é"}', "4", '{"q":"é"}')


def test_an_error_never_takes_the_place_of_a_verdict(pool):
    pool.register([CELL], "train", asked=1)
    add(pool, start_run(pool), CELL, 0, passed=True)

    pool.add_verdict(CELL, 0, Verdict(passed=None, reason="the verifier reached its time limit"))

    assert pool.verdict(CELL.request_id, CELL.check_id, 0) == Verdict(passed=True)
