"""Samples and counts, for other programs and for osca again."""

import json

import pytest

from tests.commands.test_plan import TWO_TASKS, without_seconds
from tests.conftest import write_problems


@pytest.fixture
def piloted(osca, spec_folder):
    write_problems(spec_folder / "sums.jsonl", 30)
    osca("run", "spec.yaml", "--split", "all")
    return spec_folder


def plan_of(osca, *source: str) -> dict:
    """What is planned, but for the clock, the task's name, and what osca-release cannot hold."""
    planned = without_seconds(osca("plan", *source, "--budget", "6", "--json").json)
    planned.pop("task")
    return planned


@pytest.mark.parametrize("name", ["counts.json", "counts.csv", "counts.parquet"])
def test_an_exported_pool_gives_the_same_plan(osca, piloted, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    osca("export", "spec.yaml", "-o", name)

    assert plan_of(osca, name) == plan_of(osca, "spec.yaml")


def test_the_releases_format_keeps_the_counts(osca, piloted):
    osca("export", "--format", "osca-release", "-o", "release.json")
    again, first = plan_of(osca, "release.json"), plan_of(osca, "spec.yaml")

    for part in ("allocation", "schedule", "certificate", "held_out", "gain", "baselines"):
        assert again[part] == first[part]


def test_a_file_of_counts_is_turned_into_another(osca, piloted):
    osca("export", "spec.yaml", "-o", "a.csv")
    osca("export", "a.csv", "-o", "b.json")
    osca("export", "b.json", "-o", "c.csv")

    assert (piloted / "c.csv").read_bytes() == (piloted / "a.csv").read_bytes()


def test_a_line_is_a_sample_with_its_verdict(osca, piloted):
    lines = [json.loads(line) for line in osca("export", "spec.yaml").out.splitlines()]

    assert len(lines) == 30 * 4 * 4
    assert [line["index"] for line in lines[:4]] == [0, 1, 2, 3]
    assert {
        "task",
        "problem",
        "configuration",
        "index",
        "text",
        "answer",
        "passed",
        "score",
        "reason",
    } <= set(lines[0])
    assert {"input_tokens", "output_tokens", "usd", "seconds"} <= set(lines[0])
    assert {line["passed"] for line in lines} == {True, False}
    assert all(line["passed"] == (line["output_tokens"] == 3) for line in lines)
    assert {line["split"] for line in lines} == {"train", "held_out"}


def test_samples_are_filtered_and_written_to_a_file(osca, piloted):
    osca("export", "spec.yaml", "--only", "small/0.5/*", "-o", "samples.jsonl")
    lines = (piloted / "samples.jsonl").read_text().splitlines()

    assert {json.loads(line)["configuration"] for line in lines} == {"small/0.5/prompt1"}
    assert len(lines) == 30 * 4


def test_counts_of_several_tasks_need_a_name(osca, tmp_path):
    (tmp_path / "spec.yaml").write_text(TWO_TASKS)
    write_problems(tmp_path / "sums.jsonl", 10)
    write_problems(tmp_path / "more.jsonl", 10, start=50)
    osca("run", "spec.yaml", "--samples", "1")

    assert "--task (sums, more)" in osca("export", "--format", "csv", code=2).err
    assert osca("export", "--format", "csv", "--task", "more").out.startswith(
        "problem,configuration,n,correct"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("counts.csv",), "has counts and no samples"),
        (("counts.csv", "--format", "parquet"), "name a file with -o"),
        (("counts.csv", "-o", "counts.csv"), "is what is exported"),
        (("counts.csv", "-o", "nowhere/x.csv"), "no folder that can be written to"),
        (("counts.csv", "--format", "csv", "--task", "b"), "has no such task"),
        (("counts.csv", "--format", "csv", "--only", "z"), "no configuration matches"),
        (("ragged.csv", "--format", "osca-release"), "configuration 'a' has unequal sample counts"),
    ],
)
def test_what_cannot_be_exported_is_refused(osca, tmp_path, arguments, words):
    (tmp_path / "counts.csv").write_text("problem,configuration,n,correct\np,a,4,1\n")
    (tmp_path / "ragged.csv").write_text("problem,configuration,n,correct\np,a,4,1\nq,a,3,1\n")

    assert words in osca("export", *arguments, code=2).err
    assert not list(tmp_path.glob(".osca-*"))


def test_a_pool_without_samples_says_what_to_run(osca, spec_folder):
    assert "osca run" in osca("export", "--format", "csv", "--db", "osca.db", code=2).err
