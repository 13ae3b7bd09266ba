# ruff: noqa: E501 - messages are quoted whole
import json

import pytest
import yaml
from jsonschema import Draft7Validator

from osca_cli import registry
from osca_cli.spec.grid import PARAMETERS
from osca_cli.spec.schema import schema_text
from tests.spec.conftest import SMALLEST, edited

SCHEMA = json.loads(schema_text())


def subschemas(schema, path="#"):
    if isinstance(schema, dict):
        yield path, schema
        for key, value in schema.items():
            yield from subschemas(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from subschemas(value, f"{path}/{index}")


def test_the_schema_is_draft_07():
    Draft7Validator.check_schema(SCHEMA)

    assert "draft-07" in SCHEMA["$schema"]


def test_every_key_has_a_description_somewhere():
    """Editors show it; a key without one is a key that nobody explained."""
    for path, schema in subschemas(SCHEMA):
        if path.endswith(("/then", "/else", "/if", "/grid", "/exclude")) or "/allOf/" in path:
            continue
        for key, value in schema.get("properties", {}).items():
            target = SCHEMA["definitions"][value["$ref"].split("/")[-1]] if "$ref" in value else value
            assert "description" in value or "description" in target, f"{path}/{key}"


def test_the_grid_and_its_excludes_have_the_keys_of_a_configuration():
    definitions = SCHEMA["definitions"]
    swept = {*PARAMETERS, "model", "prompt", "system", "vars", "extra"}

    assert set(definitions["grid"]["properties"]) == swept
    assert set(definitions["exclude"]["properties"]) == swept
    assert swept <= set(definitions["configuration"]["properties"])


def test_built_in_types_have_their_settings_in_the_schema():
    definitions = json.dumps(SCHEMA["definitions"])

    for name in (*registry.BUILT_IN["osca.backends"], *registry.BUILT_IN["osca.verifiers"]):
        assert f'{{"const": "{name}"}}' in definitions, name


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("version: 1\n", "", "1:1: the key 'version' is missing: version of the spec language: 1, as in version: 1"),
        ("version: 1", "version: 2", "1:10: version: must be 1, not 2"),
        ("version: 1", "version: '1'", '1:10: version: must be a whole number, not "1"; write it without quotes'),
        ("temperature", "temprature", "9:54: configurations[0].grid.temprature: unknown key; did you mean 'temperature'?"),
        ("{samples: 8}", "{samples: 0}", "11:19: budget.samples: must be at least 1, not 0"),
        ("{samples: 8}", "{samples: 8.0}", "11:19: budget.samples: must be a whole number, not 8.0"),
        ("[0.2, 0.8, 1.2]", "0.2", "9:67: configurations[0].grid.temperature: must be a list, not 0.2; write it in brackets: [ … ]"),
        ("0.5", "1.5", "7:15: tasks[0].held_out: must be below 1, not 1.5"),
        ("source: jsonl", "source: json", "4:24: tasks[0].problems.source: must be one of inline, jsonl, csv, parquet, huggingface, human_eval, reasoning_gym, not \"json\"; did you mean 'jsonl'?"),
        ("64", "", "10:16: configurations[0].max_tokens: must be a whole number, not nothing; write one, or leave the key out"),
        ("type: number", "type: number, tolerence: 1", "6:30: tasks[0].verifier.tolerence: unknown key; did you mean 'tolerance'?"),
        ("type: number", "type: number, extract: last", "6:39: tasks[0].verifier.extract: must be one of last_number, code_block, boxed, without_reasoning, not \"last\""),
        ('"{{ question }}"', "{file: a, completion: b}", "9:93: configurations[0].grid.prompt[0]: write only one of file, completion here"),
    ],
    ids=lambda text: text if len(text) < 30 else "",
)  # fmt: skip
def test_a_wrong_shape_is_one_fault_in_plain_words(faults_of, old, new, fault):
    assert faults_of(edited((old, new))) == [f"spec.yaml:{fault}"]


@pytest.mark.parametrize(
    "grid",
    ["{}", "{temperature: []}", "{vars: {}}", "{vars: {language: []}}"],
)
def test_a_grid_that_expands_to_nothing_is_a_fault(faults_of, grid):
    start, end = SMALLEST.index("{model"), SMALLEST.index("\n    max_tokens")
    (fault,) = faults_of(SMALLEST[:start] + grid + SMALLEST[end:])

    assert "so the grid expands to nothing" in fault


def test_sections_of_the_wrong_type_are_all_told(faults_of):
    sections = [
        "backends",
        "prompts",
        "verifiers",
        "tasks",
        "configurations",
        "pilot",
        "budget",
        "run",
        "check",
    ]
    text = "version: 1\n" + "".join(f"{section}: 8\n" for section in [*sections, "allocation"])

    assert len(faults_of(text)) == len(sections) + 1


@pytest.mark.parametrize(
    "backend",
    [
        "{type: llama_cpp, threads: 0}",
        "{type: llama_cpp, slots: 1.5}",
        "{type: llama_cpp, context: 63}",
        "{threads: 1}",
    ],
)
def test_settings_of_llama_cpp_are_checked(faults_of, backend):
    (fault,) = faults_of(SMALLEST + f"backends: {{b: {backend}}}\n")

    assert "backends.b" in fault


def test_top_level_keys_with_x_are_for_anchors_and_no_others_are(faults_of, load):
    assert load(SMALLEST + "x-anchors: {a: [1, {b: 2}]}\n$schema: ./spec.schema.json\n").tasks
    assert "unknown key" in faults_of(edited(("max_tokens: 64", "max_tokens: 64\n    x-note: 1")))[0]


def test_the_smallest_spec_fits_the_schema_for_other_validators():
    assert list(Draft7Validator(SCHEMA).iter_errors(yaml.safe_load(SMALLEST))) == []
