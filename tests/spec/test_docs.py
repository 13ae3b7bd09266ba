"""The examples of docs/spec.md are whole specs: each must load."""

import json
import re
from pathlib import Path

import pytest

from osca_cli.spec.load import load_spec
from osca_cli.spec.schema import schema_text

PAGE = (Path(__file__).parents[2] / "docs" / "spec.md").read_text(encoding="utf-8")
SMALLEST, COMPLETE, ALLOCATION = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    "text", [SMALLEST, COMPLETE, COMPLETE + ALLOCATION], ids=["smallest", "complete", "plan"]
)
def test_the_examples_load(folder, text):
    (folder / "prompts").mkdir()
    (folder / "prompts" / "plan.j2").write_text("Plan first. {{ question }}")
    (folder / "spec.yaml").write_text(text)

    assert load_spec(folder / "spec.yaml", environment={}).configurations


def test_the_complete_example_has_every_key_of_the_schema():
    schema = json.loads(schema_text())
    keys = set(schema["properties"]) - {"$schema", "allocation"}
    for definition in ("task", "configuration", "assertion", "grid", "held_out"):
        keys |= set(schema["definitions"][definition]["properties"])

    missing = {key for key in keys - {"outcomes", "at_most"} if not re.search(rf"\b{key}:", COMPLETE)}

    assert not missing
