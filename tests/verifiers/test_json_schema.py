"""JSON in a model's text, judged by a schema."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.errors import UsageError
from osca_cli.model import Problem
from osca_verifiers.json_schema import JsonSchema
from osca_verifiers.json_values import compile_path, last_at, parsed, values, written

PERSON = {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}


def judge(text, **settings):
    verifier = JsonSchema({"schema": PERSON, **settings})
    return verifier.verify(text, verifier.reads(Problem("t", "p", {}), {}))


def test_a_fail_names_the_place_and_the_rule():
    assert judge('{"age": 3}').passed
    assert judge('{"age": "three"}').reason == "$.age: 'three' is not of type 'integer'"
    assert judge("no braces").reason == "no JSON found"


def test_the_last_object_of_a_text_counts():
    assert judge('First {"age": "x"}; better: ```json\n{"age": 4}\n```').answer == '{"age": 4}'


def test_without_a_schema_each_problem_brings_its_own():
    verifier = JsonSchema({})
    given = verifier.reads(Problem("t", "p", {}, reference='{"type": "array"}'), {})
    assert verifier.verify("[1]", given).passed
    assert not verifier.verify("{}", given).passed
    with pytest.raises(UsageError, match="needs a JSON Schema"):
        verifier.reads(Problem("t", "p", {}, reference=3), {})


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, "{", "[]", {"minimum": "1"}])
def test_what_is_no_schema_is_a_usage_error(schema):
    with pytest.raises(UsageError, match="not a JSON Schema"):
        JsonSchema({"schema": schema})


def test_a_reference_to_another_document_is_not_fetched():
    with pytest.raises(Exception, match="Unresolvable"):
        judge("{}", schema={"$ref": "http://127.0.0.1:9/schema"})


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, "{" * 300_000, "[1" + "0" * 10_000 + "]", "[" * 500 + "]" * 500]
)
def test_deep_and_broken_json_fails(text):
    assert judge(text, schema={}).passed in {True, False}


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3)))
def test_a_value_written_into_a_text_is_found_again(value):
    assert values(f"so: {written([value])}.") == [[value]]
    assert parsed(written(value)) == value


def test_a_path_takes_the_last_of_what_it_finds():
    find = compile_path("$..answer")
    assert last_at(find, 'a {"answer": 1} b {"x": [{"answer": "y"}, {"answer": "z"}]} c {"other": 3}') == "z"
    assert last_at(find, "{}") is None
    with pytest.raises(UsageError, match="not a JSONPath"):
        compile_path("$.[")
