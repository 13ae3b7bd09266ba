"""A plan is the user's spec, unchanged, with its allocation."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.errors import UsageError
from osca_cli.plan.planfile import in_folder, runs, with_allocation
from osca_cli.spec.yaml12 import parse_document

SPEC = """\
# keep me
version: 1
tasks:   # and me
  - {name: sums, problems: {source: jsonl, path: sums.jsonl}}
"""
BLOCK = {
    "budget": {"samples": 8},
    "plans": [{"task": "sums", "counts": {"a/0.5": 5, "b": 3}, "because": "it: wins"}],
}


def test_a_block_is_added_at_the_end_and_the_text_before_it_stays():
    text = with_allocation(SPEC, BLOCK, "spec.yaml")

    assert text.startswith(SPEC)
    assert yaml.safe_load(text)["allocation"] == BLOCK


def test_a_spec_without_a_last_newline_is_added_to():
    assert yaml.safe_load(with_allocation(SPEC.rstrip("\n"), BLOCK, "spec.yaml"))["allocation"] == BLOCK


def test_an_earlier_block_is_replaced_where_it_stands():
    first = with_allocation(SPEC, BLOCK, "spec.yaml") + "# below\nname: later\n"
    second = with_allocation(first, {"budget": {"samples": 2}}, "spec.yaml")

    assert second == SPEC + "\nallocation:\n  budget: {samples: 2}\n# below\nname: later\n"
    assert with_allocation(second, BLOCK, "spec.yaml") == first


@pytest.mark.parametrize(
    "old", ["allocation: {a: [1,\n  2]}\n", "allocation:\n- x\n- |\n  text\n", "allocation: 3 # c\n"]
)
def test_blocks_of_any_style_are_replaced_whole(old):
    assert with_allocation(SPEC + old + "name: n\n", {"x": 1}, "f") == SPEC + "allocation:\n  x: 1\nname: n\n"


def test_a_spec_in_braces_is_refused():
    with pytest.raises(UsageError, match="braces"):
        with_allocation('{"version": 1}', BLOCK, "spec.json")


@given(st.lists(st.sampled_from("abc")))
def test_runs_say_the_schedule(schedule):
    assert [
        name for run in runs(tuple(schedule)) for name, count in run.items() for _ in range(count)
    ] == schedule


@given(st.floats(min_value=0, max_value=1, allow_nan=False))
def test_numbers_read_back_as_numbers_to_six_digits(value):
    read = yaml.safe_load(with_allocation(SPEC, {"value": value}, "f"))["allocation"]["value"]

    assert isinstance(read, float)
    assert read == pytest.approx(value, abs=1e-6)


def test_relative_paths_are_rewritten_for_another_folder():
    text = (
        'version: 1\nprompts:\n  file: "{{ path }}"\n  other: {file: p/x.j2}\n'
        "tasks:\n  - {name: a, problems: {source: jsonl, path: é/a.jsonl}}\n"
        "  - {name: b, outcomes: /abs/b.json}\n"
        "configurations:\n  - grid: {model: [llama_cpp/./m/x.gguf, llama_cpp/smol, vllm/./y, vllm/org/z]}\n"
    )

    moved = yaml.safe_load(in_folder(text, Path("/home/u/specs"), Path("/home/u/plans")))

    assert moved["prompts"] == {"file": "{{ path }}", "other": {"file": "../specs/p/x.j2"}}
    assert moved["tasks"][0]["problems"]["path"] == "../specs/é/a.jsonl"
    assert moved["tasks"][1]["outcomes"] == "/abs/b.json"
    assert moved["configurations"][0]["grid"]["model"] == [
        "llama_cpp/../specs/m/x.gguf",
        "llama_cpp/smol",
        "vllm/../specs/y",
        "vllm/org/z",
    ]


def test_a_model_in_a_folder_stays_a_path():
    text = "backends: {b: {engine: {lora: ./l, tokenizer: org/t}}}\nconfigurations: [{model: b/./m}]\n"

    moved = yaml.safe_load(in_folder(text, Path("/home/u/specs"), Path("/home/u")))

    assert moved["backends"]["b"]["engine"] == {"lora": "./specs/l", "tokenizer": "org/t"}
    assert moved["configurations"] == [{"model": "b/./specs/m"}]


def test_paths_stay_in_the_same_folder():
    assert in_folder(SPEC, Path("/home/u"), Path("/home/u")) == SPEC


@pytest.mark.parametrize(
    "text", ["78e82819", "85910749", "1e5", "0o17", "0x1f", "no", "~", ".inf", "2026-11-22", ""]
)
def test_a_text_that_looks_like_something_else_is_read_back_as_text(text):
    written = with_allocation(SPEC, {"made_from": {"spec": text}}, "spec.yaml")

    assert parse_document(written, "plan.yaml").data["allocation"]["made_from"]["spec"] == text
