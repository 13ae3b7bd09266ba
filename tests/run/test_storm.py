"""All faults at once, on both protocols, with 64 requests in flight and a limit in USD."""

from random import Random

import pytest

from tests.faultserver.server import Asked, Reply
from tests.run.hosted import charged, edit, rows, spent
from tests.run.test_faults import FAULTS

PROBLEMS, SAMPLES = 15, 4
SHARE = 0.3


def storm(asked: Asked) -> Reply | None:
    """Fail three requests of ten, each in another way."""
    random = Random(asked.number)
    return random.choice(list(FAULTS.values()))(asked) if random.random() < SHARE else None


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_no_sample_is_lost_or_doubled_and_no_cent_passes_the_limit(osca, serve, tmp_path, kind):
    server = serve(storm, kind, "max_in_flight: 64", "limits: {usd: 1}", PROBLEMS, timeout_s=0.5)

    stopped = osca("run", "spec.yaml", code=4)

    assert "what was drawn is kept" in stopped.err
    assert charged(server) <= spent(tmp_path) + 1e-9
    assert spent(tmp_path) <= 1

    edit(tmp_path / "spec.yaml", "usd: 1}", "usd: 200}")
    osca("run", "spec.yaml", code=None)
    server.script = lambda _: None
    osca("run", "spec.yaml")

    assert rows(tmp_path, "SELECT count(*), count(DISTINCT key) FROM samples") == [(PROBLEMS * SAMPLES,) * 2]
    assert rows(tmp_path, "SELECT count(*) FROM verdicts WHERE passed") == [(PROBLEMS * SAMPLES,)]
    [(kept,)] = rows(tmp_path, "SELECT total(usd) FROM samples")
    [(lost,)] = rows(tmp_path, "SELECT total(usd) FROM errors")
    assert spent(tmp_path) == pytest.approx(kept + lost)
    assert charged(server) <= spent(tmp_path) + 1e-9
