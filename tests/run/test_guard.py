"""Backends that break what they promise: their samples are errors, all others are kept."""

import pytest

from tests.run.hosted import edit, rows

SAMPLES = 4


def use(folder, model: str) -> None:
    edit(folder / "spec.yaml", "scripted/small, scripted/large", f"scripted/{model}, scripted/large")


def test_an_exception_of_a_backend_is_a_failed_draw_that_names_it(osca, spec_folder, monkeypatch):
    monkeypatch.setenv("SCRIPTED_KEY", "sk-0123456789")
    edit(
        spec_folder / "spec.yaml",
        "version: 1",
        "version: 1\nbackends: {scripted: {type: scripted, api_key_env: SCRIPTED_KEY}}",
    )
    use(spec_folder, "crashing")

    failed = osca("run", "spec.yaml", "--split", "all", code=1)

    assert f"{2 * SAMPLES} draws failed" in failed.err
    assert "backend 'scripted' (type scripted) raised KeyError: 'no answer for [key]'" in failed.err
    assert "Traceback" not in failed.err
    assert rows(spec_folder, "SELECT count(*) FROM samples") == [(20 * 4 * SAMPLES - 2 * SAMPLES,)]
    assert rows(spec_folder, "SELECT DISTINCT kind FROM errors") == [("BrokenBackendError",)]
    assert "sk-0123456789" not in str(rows(spec_folder, "SELECT message FROM errors"))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("faulty", "returned a sample whose text or finish_reason is no text"),
        ("silent", "returned 0 samples where 1 was asked for"),
    ],
)
def test_what_is_no_sample_is_refused_and_a_backend_that_gives_nothing_else_stops_the_run(
    osca, spec_folder, model, said
):
    use(spec_folder, model)

    failed = osca("run", "spec.yaml", "--only", f"{model}/*", code=1)

    assert (
        f"5 problems in a row could not be had (last: backend 'scripted' (type scripted) {said})"
        in failed.err
    )
    assert rows(spec_folder, "SELECT count(*) FROM samples") == [(0,)]


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("opening", "raised TypeError: no such setting"),
        ("identifying", "raised KeyError: 'large'"),
        ("closing", "raised OSError: cannot stop"),
    ],
)
def test_a_backend_that_breaks_at_another_moment_is_named_too(osca, spec_folder, moment, said):
    edit(
        spec_folder / "spec.yaml",
        "version: 1",
        f"version: 1\nbackends: {{scripted: {{type: scripted, broken: {moment}}}}}",
    )

    failed = osca("run", "spec.yaml", "--only", "large/*", code=1)

    assert f"osca: backend 'scripted' (type scripted) {said}" in failed.err
    assert rows(spec_folder, "SELECT count(*) FROM samples")[0][0] == (
        SAMPLES * 2 * 11 if moment == "closing" else 0
    )
