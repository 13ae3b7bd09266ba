"""Batch APIs: every sample once, nothing lost, what is recorded is what is charged, whatever happens."""

import re
from dataclasses import replace

import pytest

from tests.faultserver.batches import Desk
from tests.faultserver.server import Asked, Reply, answer
from tests.run.batched import ALL, assert_complete
from tests.run.hosted import KEY, PROBLEMS, SAMPLES, rows

pytestmark = pytest.mark.usefixtures("quick")


def test_a_pilot_is_one_batch_at_half_the_price(osca, batches, tmp_path, kind):
    desk = batches(kind)

    done = osca("run", "spec.yaml", "--json")

    assert (done.json["drawn"], done.json["passed"], done.json["errors"]) == (ALL, ALL, 0)
    assert done.json["usd"] == pytest.approx(desk.usd())
    assert [len(batch.rows) for batch in desk.batches.values()] == [ALL]
    assert {asked.key for asked in desk.server.asked} == {KEY}
    assert "batch batch_0: 40 samples of tiny handed over" in done.err
    assert_complete(tmp_path, desk)
    assert rows(tmp_path, "SELECT count(*) FROM samples WHERE seconds IS NULL AND NOT executed") == [(ALL,)]
    asked = len(desk.server.asked)
    assert osca("run", "spec.yaml", "--json").json["drawn"] == 0
    assert len(desk.server.asked) == asked


FAULTS = {
    "expired": "expired",
    "500": 500,
    "no choice": "empty",
    "no result": "missing",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_rows_that_failed_in_passing_are_asked_for_again_and_no_others(osca, batches, tmp_path, kind, fault):
    desk = batches(kind, Desk(fault=lambda prompt, times: fault if times < 2 else None))

    result = osca("run", "spec.yaml", "--json").json

    assert (result["drawn"], result["errors"]) == (ALL, 0)
    assert [len(batch.rows) for batch in desk.batches.values()] == [ALL, 2 * PROBLEMS]
    if fault == "missing":  # nobody says what these cost: the most that they may have
        [(number, lost)] = rows(tmp_path, "SELECT count(*), total(usd) FROM errors")
        [(spent,)] = rows(tmp_path, "SELECT total(usd) FROM runs")
        assert number == 2 * PROBLEMS
        assert spent == pytest.approx(desk.usd() + lost)
    else:
        assert_complete(tmp_path, desk)


@pytest.mark.parametrize("fault", ["expired", "cancelled"])
def test_what_is_not_asked_again_is_an_error_that_the_next_run_mends(osca, batches, tmp_path, kind, fault):
    desk = batches(
        kind, Desk(fault=lambda prompt, times: fault if times < 1 else None), settings="max_retries: 0"
    )

    failed = osca("run", "spec.yaml", code=1)

    assert f"{PROBLEMS} draws failed" in failed.err
    assert fault.replace("ll", "l") in failed.err.replace("ll", "l")
    assert rows(tmp_path, "SELECT count(*) FROM samples") == [(ALL - PROBLEMS,)]
    assert osca("run", "spec.yaml", "--json").json["drawn"] == PROBLEMS
    assert_complete(tmp_path, desk)


def test_a_batch_of_which_all_expired_is_handed_over_again(osca, batches, tmp_path, kind):
    desk = batches(kind, Desk(fault=lambda prompt, times: "expired" if times < SAMPLES else None))

    osca("run", "spec.yaml")

    assert [len(batch.rows) for batch in desk.batches.values()] == [ALL, ALL]
    assert_complete(tmp_path, desk)


def test_a_refused_row_stops_the_run_and_names_the_configuration_and_keeps_the_others(
    osca, batches, tmp_path, kind
):
    bad = lambda prompt, times: 400 if "What is 3 + 6?" in prompt else None  # noqa: E731
    desk = batches(kind, Desk(fault=bad))

    failed = osca("run", "spec.yaml", code=1)

    assert re.search(r"spec.yaml:\d+:5: configuration 'one': .*told 400", failed.err)
    assert rows(tmp_path, "SELECT count(*) FROM samples") == [(ALL - SAMPLES,)]
    assert rows(tmp_path, "SELECT count(*), total(usd) FROM errors") == [(SAMPLES, 0)]
    desk.fault = lambda prompt, times: None
    osca("run", "spec.yaml")
    assert_complete(tmp_path, desk)


def test_a_batch_that_is_refused_whole_costs_nothing(osca, batches, tmp_path):
    desk = batches(desk=Desk(broken=[("invalid_json_line", "line 3 is wrong")]))

    failed = osca("run", "spec.yaml", code=1)

    assert "configuration 'one'" in failed.err
    assert "line 3 is wrong" in failed.err
    assert rows(tmp_path, "SELECT total(usd) FROM runs") == [(pytest.approx(0),)]
    osca("run", "spec.yaml")
    assert_complete(tmp_path, desk)


def test_where_too_many_tokens_are_waiting_batches_become_smaller(osca, batches, tmp_path):
    desk = batches(desk=Desk(most_rows=12))

    osca("run", "spec.yaml")

    assert [len(batch.rows) for batch in desk.batches.values() if not batch.failure] == [10] * 4
    assert_complete(tmp_path, desk)


def test_large_pilots_are_split_by_rows_and_by_bytes(osca, batches, tmp_path, kind, monkeypatch):
    desk = batches(kind)
    api = f"osca_backends.{kind}_batches.{'OpenAI' if kind == 'openai' else 'Anthropic'}Batches"
    monkeypatch.setattr(f"{api}.most_rows", 15)
    osca("run", "spec.yaml", "--samples", "3")
    sizes = [len(batch.rows) for batch in desk.batches.values()]
    monkeypatch.setattr(f"{api}.most_bytes", 1000)
    osca("run", "spec.yaml")

    assert sizes == [15, 15]
    assert {len(batch.rows) for batch in [*desk.batches.values()][2:]} <= {2, 3, 4, 5, 6, 7, 8}
    assert_complete(tmp_path, desk)


def test_an_answer_lost_on_creation_makes_no_second_batch(osca, batches, tmp_path, kind):
    desk = batches(kind, Desk(lose=1))

    osca("run", "spec.yaml")

    assert len(desk.batches) == 1
    assert_complete(tmp_path, desk)


def test_a_creation_that_failed_is_tried_again_once_it_is_known_not_to_be_there(
    osca, batches, tmp_path, kind
):
    left = [500, 429, 503]

    def fail(what: str, asked: Asked) -> Reply | None:
        return Reply(left.pop(0), b"{}") if what.startswith("create") and left else None

    desk = batches(kind, Desk(hook=fail))
    osca("run", "spec.yaml")

    assert (left, len(desk.batches)) == ([], 1)
    assert_complete(tmp_path, desk)


def test_somebody_elses_batch_of_as_many_rows_is_not_taken_for_ours(osca, batches, tmp_path):
    desk = batches("anthropic", Desk(lose=1))

    def other(what: str, asked: Asked) -> None:
        if what == "create_messages" and not desk.batches:
            others = [{**row, "custom_id": f"x{row['custom_id']}"[:64]} for row in asked.body["requests"]]
            desk.lose += 1
            desk._create_messages(replace(asked, body={"requests": others}))
            desk.charged = [0, 0]

    desk.hook = other
    osca("run", "spec.yaml")

    assert len(desk.batches) == 2
    assert_complete(tmp_path, desk)


def test_faults_of_asking_and_of_reading_cost_no_sample(osca, batches, tmp_path, kind):
    left = {"show": 3, "content done": 2, "results done": 2, "upload": 2}

    def fail(what: str, asked: Asked) -> Reply | None:
        if not left.get(what):
            return None
        left[what] -= 1
        if not what.endswith("done"):
            return Reply(500, b"{}")
        whole = desk._content(asked, "out", "batch_0") if what[0] == "c" else desk._results(asked, "batch_0")
        return Reply(body=whole.body, cut_after=len(whole.body) // 2 + left[what])

    desk = batches(kind, Desk(hook=fail))
    osca("run", "spec.yaml")

    assert_complete(tmp_path, desk)


def test_a_hostile_text_is_kept_as_it_is(osca, batches, tmp_path, kind, monkeypatch):
    hostile = "It\u2028is\x85not\x0bthree \U0001f600 \x1b[31m"
    monkeypatch.setattr("tests.faultserver.batches.answer", lambda asked: answer(asked, text=hostile))
    batches(kind)

    osca("run", "spec.yaml")

    assert rows(tmp_path, "SELECT DISTINCT text FROM samples") == [(hostile,)]
