"""What servers do to a run: no sample lost or doubled, no cent uncounted, and a rerun that completes."""

import json

import pytest

from tests.faultserver.server import Asked, Reply, Script, answer, error
from tests.run.hosted import KEY, PROBLEMS, SAMPLES, charged, edit, first, rows, spent


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def broken(asked: Asked, **change: object) -> Reply:
    """A right answer whose body is changed."""
    body = json.loads(answer(asked).body) | change
    return Reply(body=json.dumps(body).encode(), usage=answer(asked).usage)


FAULTS: dict[str, Script] = {
    "429": lambda _: error(429, "slow down"),
    "429 with Retry-After": lambda _: error(429, "slow down", retry_after="0.2"),
    "500": lambda _: error(500, "oops"),
    "529": lambda _: error(529, "overloaded"),
    "cut in mid-body": lambda asked: answer(asked, cut_after=20),
    "cut before a byte": lambda _: Reply(cut_after=0, body=b"x"),
    "a slow drip": lambda asked: answer(asked, drip_s=0.1),
    "no answer": lambda asked: answer(asked, wait_s=6),
    "invalid JSON": lambda _: Reply(body=b'{"choices": [', usage=(5, 5)),
    "a list": lambda _: Reply(body=b"[]", usage=(5, 5)),
    "wrong content type": lambda _: Reply(
        body=b"<html>welcome</html>", headers={"content-type": "text/html"}
    ),
    "empty choices": lambda asked: broken(asked, choices=[], content=None),
    "no choices": lambda asked: broken(asked, choices=None, content=None),
}


def patience(name: str) -> float:
    """How long an answer may take: long, but where the fault is that it takes longer."""
    return 2 if name in {"a slow drip", "no answer"} else 20


# One protocol for each: tests/run/test_storm.py has all of them on both.
PASSING = [(("openai", "anthropic")[number % 2], name) for number, name in enumerate(FAULTS)]


@pytest.mark.parametrize(("kind", "name"), PASSING)
def test_a_passing_fault_costs_no_sample(osca, serve, tmp_path, kind, name):
    server = serve(first(6, FAULTS[name]), kind, timeout_s=patience(name))

    result = osca("run", "spec.yaml", "--json").json

    assert result["drawn"] == result["passed"] == PROBLEMS * SAMPLES
    assert result["errors"] == 0
    assert rows(tmp_path, "SELECT count(*), count(DISTINCT key) FROM samples") == [(40, 40)]
    [(given, written)] = rows(tmp_path, "SELECT sum(input_tokens), sum(output_tokens) FROM samples")
    [(lost,)] = rows(tmp_path, "SELECT total(usd) FROM errors")
    assert spent(tmp_path) == pytest.approx((given * 1000 + written * 2000) / 1e6 + lost)
    # An answer that was lost is counted at the most that it may have cost.
    assert spent(tmp_path) >= charged(server) - 1e-9
    if name in {"429", "429 with Retry-After", "500", "529", "empty choices"}:
        assert spent(tmp_path) == pytest.approx(charged(server))


@pytest.mark.parametrize("name", ["429", "529", "cut in mid-body", "invalid JSON", "a slow drip"])
def test_without_retries_a_fault_is_an_error_that_the_next_run_mends(osca, serve, tmp_path, name):
    server = serve(first(6, FAULTS[name]), settings="max_retries: 0", timeout_s=patience(name))

    failed = osca("run", "spec.yaml", code=1)

    assert "6 draws failed" in failed.err
    assert server.url.removeprefix("http://") in failed.err
    assert len(server.asked) == PROBLEMS * SAMPLES
    assert rows(tmp_path, "SELECT count(*) FROM errors") == [(6,)]
    if patience(name) < 20:
        edit(tmp_path / "spec.yaml", "timeout_s: 2", "timeout_s: 20")
    assert osca("run", "spec.yaml", "--json").json["drawn"] == 6
    assert len(server.asked) == PROBLEMS * SAMPLES + 6


STOPS = {
    "key": (error(401, "Incorrect API key provided: " + KEY), "Incorrect API key provided: [key]"),
    "permission": (error(403, "not for you"), "not for you"),
    "model": (error(404, "no such model"), "no such model"),
    "parameter": (error(400, "temperature is not supported with this model"), "temperature"),
    "credit": (error(429, "pay", "insufficient_quota"), "pay"),
}


@pytest.mark.parametrize(("fault", "said"), STOPS.values(), ids=list(STOPS))
def test_a_refused_request_stops_the_run_at_once_and_names_the_configuration(
    osca, serve, tmp_path, kind, fault, said
):
    server = serve(lambda asked: fault if asked.number >= 10 else None, kind, "max_in_flight: 4")

    failed = osca("run", "spec.yaml", code=1)

    assert said in failed.err
    assert "spec.yaml:15:5: configuration 'one'" in failed.err
    assert KEY not in failed.err
    # What was in flight when the first refusal came is all that was sent after it.
    assert len(server.asked) <= 10 + 4
    assert rows(tmp_path, "SELECT count(*) FROM samples") == [(10,)]

    assert spent(tmp_path) == pytest.approx(charged(server))

    server.script = lambda _: None
    assert osca("run", "spec.yaml", "--json").json["drawn"] == PROBLEMS * SAMPLES - 10


def test_a_prompt_that_is_too_long_costs_its_own_samples_only(osca, serve, tmp_path):
    too_long = error(400, "This model's maximum context length is 16 tokens", "context_length_exceeded")
    serve(lambda asked: too_long if "What is 3 + 6?" in asked.prompt else None)

    failed = osca("run", "spec.yaml", code=1)

    assert f"{SAMPLES} draws failed" in failed.err
    assert rows(tmp_path, "SELECT count(*) FROM samples") == [((PROBLEMS - 1) * SAMPLES,)]


def test_a_server_that_is_not_there_ends_the_run_soon(osca, serve, tmp_path):
    server = serve(lambda _: None, settings="max_retries: 2")
    server.stop()

    failed = osca("run", "spec.yaml", code=1)

    assert "cannot be reached; is it running?" in failed.err
    assert "5 samples in a row" in failed.err


def test_a_missing_key_is_named(osca, serve, monkeypatch):
    serve(lambda _: None)
    monkeypatch.delenv("BOX_KEY")

    assert "the environment variable BOX_KEY is not set" in osca("run", "spec.yaml", code=1).err


def repeating(asked: Asked) -> Reply | None:
    """A server that repeats the key in each kind of message, and at last in its answers."""
    faults = (
        error(401, asked.key),
        error(500, "x" * 490 + asked.key),
        error(429, asked.key),
        error(400, f"x {asked.key}"),
        error(307, "", location=f"http://127.0.0.1:9/{asked.key}"),
        Reply(body=asked.key.encode()),
    )
    if asked.number >= 120:
        return answer(asked, text=f"[{asked.key}] It is {asked.prompt.split('[')[1]}")
    return faults[asked.number % len(faults)] if asked.number >= 20 else None


def test_no_key_stands_anywhere(osca, serve, tmp_path, kind):
    server = serve(repeating, kind, settings="max_retries: 0")
    edit(tmp_path / "spec.yaml", "/v1\n", "/v1?token=${BOX_KEY}\n")
    edit(
        tmp_path / "spec.yaml",
        "    verifier: {type: number}\n",
        "    verifier: {type: number}\n    held_out: 0.4\n",
    )

    seen = [osca("run", "spec.yaml", code=None) for _ in range(6)]
    server.asked.extend(server.asked[:1] * 120)
    commands = (
        "doctor spec.yaml", "validate spec.yaml", "run spec.yaml --split all", "show spec.yaml",
        "plan spec.yaml --budget 2", "plan spec.yaml --budget 2 --json",
        "run plan.yaml --dry-run", "run plan.yaml --answers answers.jsonl", "run plan.yaml --json",
        "check plan.yaml --json", "export spec.yaml", "export spec.yaml -o samples.jsonl",
        "export spec.yaml -o counts.json", "export spec.yaml --format recording -o recording.db",
    )  # fmt: skip
    seen += [osca(*command.split(), code=None) for command in commands]

    assert server.asked[0].key == KEY
    assert all(KEY not in result.out + result.err for result in seen)
    assert any("[key]" in result.err for result in seen)
    assert {"plan.yaml", "answers.jsonl", "samples.jsonl", "counts.json", "recording.db"} <= {
        path.name for path in tmp_path.iterdir()
    }
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    assert rows(tmp_path, "SELECT count(*) FROM samples WHERE text LIKE '[[key]]%'")[0][0] > 0
