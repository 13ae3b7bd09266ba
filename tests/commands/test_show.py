"""What the pool has, in the terminal."""

import csv
import io
import shutil
import subprocess
import sys

import pytest

from osca_cli.store.pool import Pool
from tests.conftest import SPEC, environment, write_problems

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202etxt.exe\u200b\ufeff<script>"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a pilot and its plan, made once."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "spec.yaml").write_text(SPEC)
    write_problems(folder / "sums.jsonl", 20)
    for words in (["run", "spec.yaml"], ["plan", "spec.yaml"]):
        command = [sys.executable, "-m", "osca_cli", *words]
        subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
    return folder


@pytest.fixture
def planned(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_a_plan_is_shown_with_what_it_draws_and_promises(osca, planned):
    shown = osca("show", "plan.yaml").out

    assert "small/0.5/prompt1" in shown
    assert "easy → hard" in shown
    assert "expected" in shown
    assert "gains" in shown
    assert "held out" not in shown, "nothing was drawn there"


def test_counts_of_a_file_are_shown_without_a_pool(osca, tmp_path):
    (tmp_path / "counts.csv").write_text("problem,configuration,n,correct\np,a,4,1\nq,a,4,0\np,b,4,4\n")
    shown = osca("show", "counts.csv", "--json").json

    assert [one["configuration"] for one in shown["configurations"]] == ["a", "b"]
    assert shown["configurations"][0]["coverage"] == pytest.approx([0.125, 0.25, 0.5])
    assert shown["configurations"][0]["by_difficulty"] == [0.25, 0]
    assert shown["configurations"][1]["by_difficulty"] == [1, None]
    assert shown["tasks"] == [{"task": "counts", "problems": 2, "unsolved": 1, "errors": [], "plans": []}]


def test_csv_has_a_row_for_each_configuration(osca, planned):
    rows = list(csv.DictReader(io.StringIO(osca("show", "plan.yaml", "--csv").out)))

    assert len(rows) == 4
    assert {row["task"] for row in rows} == {"sums"}
    assert sum(int(row["planned"]) for row in rows) == 4
    assert all(float(row["pass_rate"]) <= 1 for row in rows)


def test_configurations_are_shown_as_they_are_defined(osca, planned):
    shown = osca("show", "spec.yaml", "--configurations").out

    assert "scripted/small" in shown
    assert "temperature 0.5" in shown
    rows = osca("show", "spec.yaml", "--configurations", "--only", "small/*", "--json").json["configurations"]
    assert [row["configuration"] for row in rows] == ["small/0.5/prompt1", "small/1.0/prompt1"]


def test_what_a_verifier_said_of_hostile_text_steers_no_terminal(osca, planned):
    with Pool(planned / "osca.db") as pool, pool.writing() as sql:
        sql.execute("UPDATE verdicts SET passed = NULL, reason = ? WHERE idx = 0", (HOSTILE,))
        long = HOSTILE + "x" * 5_000_000
        first = "WHERE idx = 0 AND request = (SELECT min(request) FROM verdicts)"
        sql.execute(f"UPDATE verdicts SET reason = ? {first}", (long,))
    result = osca("show", "plan.yaml")

    assert "errors" in result.out
    assert "txt.exe" in result.out
    assert not set(result.out + result.err) & set("\x1b\x07\u202e\u200b\ufeff")
    assert len(result.out) < 10_000


def test_json_or_csv_not_both(osca, planned):
    assert "not both" in osca("show", "spec.yaml", "--json", "--csv", code=2).err
