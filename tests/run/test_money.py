"""Money: what a request may cost is set aside before it is sent, and nothing passes the limit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.model import Chat, Message, Request, Usage
from osca_cli.run.money import most_usage
from osca_cli.spec.prices import Price, price_of, price_text, read_price
from osca_cli.spec.types import BackendSettings
from tests.faultserver.server import answer, error
from tests.run.hosted import PROBLEMS, SAMPLES, charged, edit, first, rows, spent

WORST = (200 * 1000 + 16 * 2000) / 1e6


def test_the_limit_is_not_passed_with_64_in_flight(osca, serve, tmp_path):
    server = serve(lambda asked: answer(asked, wait_s=0.02), limits="limits: {usd: 0.4}", problems=60)

    stopped = osca("run", "spec.yaml", code=4)

    assert re.search(r"limits: usd: 0.4 leaves [0-9.]+ USD, and a sample of configuration 'one'", stopped.err)
    assert charged(server) == pytest.approx(spent(tmp_path))
    assert 0.4 - WORST < charged(server) <= 0.4
    assert rows(tmp_path, "SELECT count(*) FROM samples") == [(len(server.asked),)]


def test_a_rerun_and_an_edited_spec_have_the_same_purse(osca, serve, tmp_path):
    server = serve(lambda _: None, limits="limits: {usd: 0.2}")
    osca("run", "spec.yaml", code=4)
    asked = len(server.asked)

    osca("run", "spec.yaml", code=4)
    edit(tmp_path / "spec.yaml", "max_tokens: 16", "max_tokens: 15")
    osca("run", "spec.yaml", code=4)

    assert len(server.asked) <= asked + 1
    assert charged(server) <= 0.2


def test_a_raised_limit_lets_the_run_complete(osca, serve, tmp_path):
    server = serve(lambda _: None, limits="limits: {usd: 0.2}")
    osca("run", "spec.yaml", code=4)
    edit(tmp_path / "spec.yaml", "usd: 0.2", "usd: 20")

    osca("run", "spec.yaml")

    assert len(server.asked) == PROBLEMS * SAMPLES
    assert spent(tmp_path) == pytest.approx(charged(server))


def test_lost_answers_count_at_their_worst(osca, serve, tmp_path):
    server = serve(first(3, lambda asked: answer(asked, cut_after=9)), limits="limits: {usd: 20}")

    osca("run", "spec.yaml")

    [(number, lost)] = rows(tmp_path, "SELECT count(*), sum(usd) FROM errors")
    assert number == 3
    assert lost > 3 * 16 * 2000 / 1e6
    assert charged(server) <= spent(tmp_path)


def test_refused_requests_cost_nothing(osca, serve, tmp_path):
    server = serve(first(3, lambda _: error(500)), limits="limits: {usd: 20}")

    osca("run", "spec.yaml")

    assert spent(tmp_path) == pytest.approx(charged(server))


def test_a_model_without_a_price_is_refused_before_the_first_call(osca, serve, tmp_path):
    server = serve(lambda _: None, limits="limits: {usd: 1}")
    edit(tmp_path / "spec.yaml", '    prices: {"*": {input: 1000, output: 2000}}\n', "")

    refused = osca("run", "spec.yaml", code=2)

    assert (
        "configuration 'one': the price of model 'tiny' is not known, and limits: usd needs it" in refused.err
    )
    assert server.asked == []


def test_a_sample_without_a_bound_is_refused_before_the_first_call(osca, serve, tmp_path):
    server = serve(lambda _: None, limits="limits: {usd: 1}")
    edit(tmp_path / "spec.yaml", "    max_tokens: 16\n", "")

    assert "write max_tokens" in osca("run", "spec.yaml", code=2).err
    assert server.asked == []


def backend(**settings: object) -> BackendSettings:
    return BackendSettings("hosted", "openai", "openai", settings, None)


def test_published_prices_are_found_and_the_specs_go_before_them():
    published = price_of(backend(), "gpt-5-mini", hosted=True)
    written = price_of(backend(prices={"gpt-5-mini": {"input": 7}}), "gpt-5-mini", hosted=True)

    assert published is not None
    assert published.output > published.input > published.cached_input > 0
    assert published.source.startswith("genai-prices ")
    assert written == Price(input=7, cached_input=7, source="the spec", batch=0.5)


def test_an_unknown_model_has_no_price_and_ones_own_machine_is_free():
    assert price_of(backend(), "no-such-model", hosted=True) is None
    assert price_of(backend(base_url="http://box:8000/v1"), "gpt-5-mini", hosted=True) is None
    assert price_of(backend(), "any", hosted=False) == Price(source="in process")


@pytest.mark.parametrize(("kind", "model"), [("openai", "gpt-5-mini"), ("anthropic", "claude-sonnet-4-5")])
def test_a_batch_costs_the_published_part(kind, model):
    price = price_of(BackendSettings("a", kind, kind, {}, None), model, hosted=True)

    assert price is not None
    for usage in (Usage(1000, 100, cached=300), Usage(10**6, 100)):
        assert price.in_batch().usd(usage) == pytest.approx(price.usd(usage) / 2)
    assert read_price(price_text(price.in_batch())) == price.in_batch()


def test_the_spec_says_what_a_batch_costs_and_another_server_grants_nothing():
    written = {"prices": {"m": {"input": 8, "output": 4, "batch": 0.25}}}
    elsewhere = {"base_url": "http://box:8000/v1", "prices": {"m": {"input": 8}}}

    for settings, factor in ((written, 0.25), (elsewhere, 1.0)):
        price = price_of(backend(**settings), "m", hosted=True)
        assert price is not None
        assert price.in_batch().input == 8 * factor


def test_a_long_request_costs_the_dearer_tier():
    price = price_of(
        BackendSettings("a", "anthropic", "anthropic", {}, None), "claude-sonnet-4-5", hosted=True
    )

    assert price is not None
    assert price.above is not None
    below, above = (price.usd(Usage(tokens, 0)) for tokens in (price.above, price.above + 1))
    assert above > 1.5 * below


counts = st.integers(0, 10**6)
rates = st.floats(0, 100)


@given(counts, counts, counts, rates, rates, rates, st.floats(0, 1))
def test_the_worst_case_is_never_below_the_cost(given_tokens, written, saved, one, two, three, share):
    price = Price(input=one, cached_input=two, output=three, above=10**5, long=Price(2 * one, two, 3 * three))
    actual = Usage(int(given_tokens * share), int(written * share), cached=int(given_tokens * share * share))

    assert price.usd(actual) <= price.most_usd(Usage(given_tokens, written)) + 1e-12


@given(st.text())
def test_a_prompt_has_no_more_tokens_than_are_set_aside(text):
    request = Request("p", "m", Chat((Message("user", text),)), {"max_tokens": 5})

    assert most_usage(request).input >= len(text.encode("utf-8", "replace"))
    assert most_usage(request).output == 5


def test_a_dry_run_says_what_the_draws_may_cost_and_will_cost(osca, serve, tmp_path):
    server = serve(lambda _: None)
    before = osca("run", "spec.yaml", "--dry-run", "--json").json
    osca("run", "spec.yaml", "--limit", "5")
    after = osca("run", "spec.yaml", "--dry-run", "--json").json
    halfway = charged(server)
    osca("run", "spec.yaml")

    assert (before["to_draw"], before["usd"]) == (PROBLEMS * SAMPLES, None)
    assert after["to_draw"] == PROBLEMS * SAMPLES / 2
    assert after["usd"] == pytest.approx(charged(server) - halfway, rel=0.05)
    assert after["usd"] < after["usd_at_most"] < before["usd_at_most"]
    assert after["tokens"] < after["tokens_at_most"]
    assert "USD" in osca("run", "spec.yaml", "--dry-run").out


def test_a_new_price_reprices_the_pool_without_a_draw(osca, serve, tmp_path):
    server = serve(lambda _: None)
    spec = tmp_path / "spec.yaml"
    edit(spec, "    verifier: {type: number}\n", "    verifier: {type: number}\n    held_out: 0.4\n")
    osca("run", "spec.yaml", "--split", "all")
    asked = len(server.asked)

    def planned() -> float:
        return osca("plan", "spec.yaml", "--budget", "2", "--json").json["expected"]["usd"]

    dear = planned()
    edit(spec, "{input: 1000, output: 2000}", "{input: 500, output: 1000}")

    assert planned() == pytest.approx(dear / 2)
    assert len(server.asked) == asked
