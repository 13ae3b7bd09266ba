"""Log-probabilities: kept with their samples, and no reason to draw anything again."""

import json

from tests.run.hosted import PROBLEMS, SAMPLES, edit

ASKS = ("    max_tokens: 16\n", "    max_tokens: 16\n    logprobs: 0\n")


def lines(osca) -> list[dict]:
    return [json.loads(line) for line in osca("export", "spec.yaml").out.splitlines()]


def test_they_are_kept_and_exported(osca, serve, tmp_path):
    serve(lambda _: None)
    edit(tmp_path / "spec.yaml", *ASKS)

    osca("run", "spec.yaml")

    for line in lines(osca):
        assert line["logprobs"] == [[word, -0.25] for word in line["text"].split()]


def test_asking_for_them_draws_nothing_again(osca, serve, tmp_path):
    server = serve(lambda _: None)
    osca("run", "spec.yaml", "--samples", "2")
    edit(tmp_path / "spec.yaml", *ASKS)

    assert osca("run", "spec.yaml", "--json").json["drawn"] == PROBLEMS * SAMPLES / 2
    assert len(server.asked) == PROBLEMS * SAMPLES
    assert {bool(line["logprobs"]) for line in lines(osca) if line["index"] < 2} == {False}
    assert {bool(line["logprobs"]) for line in lines(osca) if line["index"] >= 2} == {True}


def test_a_plan_is_not_stale_because_of_them(osca, serve, tmp_path):
    serve(lambda _: None)
    edit(
        tmp_path / "spec.yaml",
        "    verifier: {type: number}\n",
        "    verifier: {type: number}\n    held_out: 0.4\n",
    )
    osca("run", "spec.yaml")
    osca("plan", "spec.yaml", "--budget", "2")

    edit(tmp_path / "plan.yaml", *ASKS)

    osca("run", "plan.yaml")


def test_a_backend_without_them_is_an_error_at_its_place(osca, serve, tmp_path):
    serve(lambda _: None, "anthropic")
    edit(tmp_path / "spec.yaml", *ASKS)

    refused = osca("validate", "spec.yaml", code=2)

    assert "spec.yaml:19:5" in refused.err
    assert "backend 'box' (anthropic) does not take logprobs" in refused.err
