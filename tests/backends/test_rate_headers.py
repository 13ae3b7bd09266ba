"""Rate limits as servers write them into headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_backends.rate_headers import quota, retry_after

NOW = "Sun, 22 Nov 2026 06:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Sun, 22 Nov 2026 06:00:09 GMT", "date": NOW}, 9),
        ({"retry-after": "Sun, 22 Nov 2026 05:59:00 GMT", "date": NOW}, 0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("reset", "seconds"), [("1s", 1), ("6m0s", 360), ("120ms", 0.12), ("1h2m3s", 3723), ("2.5", 2.5)]
)
def test_durations_of_openai(reset, seconds):
    found = quota({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": reset})

    assert found is not None
    assert (found.remaining, found.reset_s) == (5, pytest.approx(seconds))


def test_times_of_anthropic():
    headers = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-22T06:00:30Z",
        "date": NOW,
    }

    found = quota(headers)

    assert found is not None
    assert (found.remaining, found.reset_s) == (0, 30)


@given(st.text(), st.text())
def test_no_header_can_break_the_reading(one, other):
    retry_after({"retry-after": one, "retry-after-ms": other, "date": other})
    quota({"x-ratelimit-remaining-requests": one, "x-ratelimit-reset-requests": other, "date": one})
