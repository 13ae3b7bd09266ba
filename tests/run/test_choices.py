"""Several samples of a prompt by one request: the prompt is paid for once, and nothing else changes."""

import json
from collections import Counter

import pytest

from tests.faultserver.server import Reply, Script, answer, error
from tests.run.hosted import PROBLEMS, SAMPLES, charged, edit, first, rows, spent

FOUR = "n: 4"


def asked_for(server) -> list[int]:
    return [asked.body.get("n", 1) for asked in server.asked]


def kept(folder) -> list[tuple]:
    return rows(folder, "SELECT count(*), count(DISTINCT key) FROM samples")


def test_a_prompt_is_paid_for_once_and_every_token_is_counted(osca, serve, tmp_path):
    server = serve(lambda _: None, settings=FOUR)

    assert osca("run", "spec.yaml", "--json").json["drawn"] == PROBLEMS * SAMPLES

    assert asked_for(server) == [4] * PROBLEMS
    assert rows(tmp_path, "SELECT sum(input_tokens), sum(output_tokens) FROM samples") == [(*server.charged,)]
    assert spent(tmp_path) == pytest.approx(charged(server))
    assert rows(tmp_path, "SELECT total(usd) FROM samples")[0][0] == pytest.approx(charged(server))
    seeds = {asked.body["seed"] for asked in server.asked}
    assert {seed for (seed,) in rows(tmp_path, "SELECT seed FROM samples")} == seeds
    assert kept(tmp_path) == [(40, 40)]


def test_samples_are_the_same_however_they_were_asked_for(osca, serve, tmp_path):
    server = serve(lambda _: None)
    osca("run", "spec.yaml", "--samples", "3")
    edit(tmp_path / "spec.yaml", "    timeout_s: 20\n", "    timeout_s: 20\n    n: 4\n")

    assert osca("run", "spec.yaml", "--samples", "8", "--json").json["drawn"] == PROBLEMS * 5
    assert Counter(asked_for(server)[3 * PROBLEMS :]) == {4: PROBLEMS, 1: PROBLEMS}


@pytest.mark.parametrize("most", [1, 3])
def test_fewer_choices_than_asked_for_are_asked_for_again(osca, serve, tmp_path, most):
    server = serve(lambda asked: answer(asked, choices=min(most, asked.body.get("n", 1))), settings=FOUR)

    assert osca("run", "spec.yaml", "--json").json["drawn"] == PROBLEMS * SAMPLES
    assert kept(tmp_path) == [(40, 40)]
    assert spent(tmp_path) == pytest.approx(charged(server))
    assert Counter(asked_for(server)) == dict.fromkeys([4, 1] if most == 3 else [4, 3, 2, 1], PROBLEMS)


FAULTS: dict[str, Script] = {
    "429": lambda _: error(429, "slow down"),
    "500": lambda _: error(500, "oops"),
    "cut in mid-body": lambda asked: answer(asked, cut_after=20),
    "empty choices": lambda asked: answer(asked, choices=0),
    "invalid JSON": lambda _: Reply(body=b'{"choices": [', usage=(5, 5)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_passing_fault_costs_no_sample(osca, serve, tmp_path, name):
    server = serve(first(3, FAULTS[name]), settings=FOUR)

    assert osca("run", "spec.yaml", "--json").json["drawn"] == PROBLEMS * SAMPLES
    assert kept(tmp_path) == [(40, 40)]
    assert spent(tmp_path) >= charged(server) - 1e-9
    if name in {"429", "500", "empty choices"}:
        assert spent(tmp_path) == pytest.approx(charged(server))


def test_without_retries_all_that_a_request_asked_for_is_an_error_that_the_next_run_mends(
    osca, serve, tmp_path
):
    server = serve(first(2, FAULTS["cut in mid-body"]), settings="n: 4\n    max_retries: 0")

    assert "8 draws failed" in osca("run", "spec.yaml", code=1).err
    [(number, lost)] = rows(tmp_path, "SELECT count(*), total(usd) FROM errors")
    assert number == 8
    assert lost + rows(tmp_path, "SELECT total(usd) FROM samples")[0][0] == pytest.approx(spent(tmp_path))
    assert osca("run", "spec.yaml", "--json").json["drawn"] == 8
    assert spent(tmp_path) >= charged(server)


def test_the_limit_is_not_passed_and_the_last_of_it_is_asked_for_in_smaller_parts(osca, serve, tmp_path):
    worst = 0.12  # of one sample: about 90 bytes of prompt, 16 tokens of answer
    server = serve(
        lambda asked: answer(asked, wait_s=0.02), settings=FOUR, limits="limits: {usd: 0.8}", problems=60
    )

    osca("run", "spec.yaml", code=4)

    assert 0.8 - worst < charged(server) <= 0.8
    assert spent(tmp_path) == pytest.approx(charged(server))
    assert {4, 1} <= set(asked_for(server))


def test_a_plan_prices_samples_drawn_singly_whether_the_pilot_shared_prompts_or_not(osca, serve, tmp_path):
    def planned(n: int) -> dict:
        serve(lambda _: None, settings=f"n: {n}")
        edit(
            tmp_path / "spec.yaml",
            "    verifier: {type: number}\n",
            "    verifier: {type: number}\n    held_out: 0.4\n",
        )
        osca("run", "spec.yaml", "--split", "all", "--db", f"{n}.db")
        return osca("plan", "spec.yaml", "--budget", "2", "--json", "--db", f"{n}.db").json["expected"]

    assert planned(4)["usd"] == pytest.approx(planned(1)["usd"])


def test_executing_asks_for_one_sample_at_a_time(osca, serve, tmp_path):
    server = serve(lambda _: None, settings=FOUR)
    edit(
        tmp_path / "spec.yaml",
        "    verifier: {type: number}\n",
        "    verifier: {type: number}\n    held_out: 0.4\n",
    )
    osca("run", "spec.yaml")
    osca("plan", "spec.yaml", "--budget", "2")
    piloted = len(server.asked)

    osca("run", "plan.yaml")

    assert set(asked_for(server)[:piloted]) == {4}
    assert set(asked_for(server)[piloted:]) == {1}
    assert json.loads(osca("run", "plan.yaml", "--json").out)["drawn"] == 0
