"""The spec of 30 small functions: references pass their tests in the sandbox, and a real model is judged."""

import json
import shutil

import pytest

from osca_cli.errors import UsageError
from osca_verifiers.sandbox.level import level
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def spec(tmp_path):
    try:
        level()
    except UsageError as error:
        pytest.skip(str(error))
    for name in ("functions.yaml", "functions.jsonl"):
        shutil.copy(ROOT / "specs" / name, tmp_path)
    small = tmp_path / "functions.yaml"
    # The model that it was made for is 250 MB; the embedded one writes code too, though little of it passes.
    small.write_text(small.read_text().replace("gemma-3-270m.gguf", "smollm2-135m-instruct"))
    return "functions.yaml"


def test_the_references_pass_and_wrong_answers_fail(osca, spec):
    facts = osca("check-verifier", spec, "--limit", "5", "--json").json["tasks"]["functions"]

    assert facts["false_accepts"]["wrong"] == facts["false_rejects"]["wrong"] == 0
    assert {kind["texts"] for kind in facts["kinds"]} == {5}
    assert {kind["errors"] for kind in facts["kinds"]} == {0}


@pytest.mark.model
def test_functions_that_a_model_writes_are_judged(osca, spec):
    found = osca("run", spec, "--limit", "2", "--samples", "1", "--json").json

    assert found["drawn"] == 6
    assert all(row["passed"] is not None for row in map(json.loads, osca("export", spec).out.splitlines()))
