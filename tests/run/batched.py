"""What tests of batches look at."""

import pytest

from tests.faultserver.batches import Desk
from tests.run.hosted import PROBLEMS, SAMPLES, rows

ALL = PROBLEMS * SAMPLES


def assert_complete(folder, desk: Desk) -> None:
    """Every sample is there once and verified, and what is recorded is what was charged."""
    assert rows(folder, "SELECT count(*), count(DISTINCT key) FROM samples") == [(ALL, ALL)]
    assert rows(folder, "SELECT count(*) FROM verdicts WHERE passed") == [(ALL,)]
    assert rows(folder, "SELECT count(*) FROM batch_rows") == [(0,)]
    assert rows(folder, "SELECT count(*) FROM batches WHERE ended_at IS NULL") == [(0,)]
    [(spent,)] = rows(folder, "SELECT total(usd) FROM runs")
    assert spent == pytest.approx(desk.usd())
