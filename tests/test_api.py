"""osca as a library: the loop in a program, with what the commands do."""

import json

import pytest

import osca_cli
from tests.conftest import ROOT, write_problems
from tests.test_docs_run import files_of


def test_every_public_name_is_there():
    assert all(getattr(osca_cli, name) is not None for name in osca_cli.__all__)
    assert not hasattr(osca_cli, "no_such_name")


def test_the_loop_in_a_program_is_the_loop_of_the_commands(spec_folder, osca, monkeypatch):
    monkeypatch.chdir(spec_folder)
    spec = osca_cli.load_spec("spec.yaml")
    with osca_cli.Pool("osca.db") as pool:
        tally = osca_cli.run_pilot(spec, pool)
        planned = osca_cli.make_plan(spec, pool, "3")
        path = osca_cli.write_plan(spec, planned, pool=pool)
        plan = osca_cli.load_spec(path)
        executed = osca_cli.execute(plan, pool)
        with pytest.raises(osca_cli.OscaError, match="missing"):
            osca_cli.check_plan(plan, pool)
        osca_cli.measure(plan, pool)
        checked = osca_cli.check_plan(plan, pool)

    assert tally.sum().drawn == 4 * 4 * len(spec.tasks[0].train)
    assert len(executed.answers) == len(spec.tasks[0].held_out)
    assert (
        osca("plan", "spec.yaml", "--budget", "3", "--json").json["allocation"]
        == planned.to_json()["allocation"]
    )
    told = osca("check", "plan.yaml", "--json", code=None).json
    assert (told["passed"], told["problems"]) == (checked.passed, len(executed.answers))


@pytest.mark.parametrize("name", ["loop.py", "counts.py"])
def test_the_programs_of_the_guide_run(name, spec_folder, monkeypatch, capsys):
    monkeypatch.chdir(spec_folder)
    exec(files_of(ROOT / "docs" / "python.md")[name], {})

    assert capsys.readouterr().out.count("\n") >= 1


def test_problems_of_a_file_are_solved(spec_folder, monkeypatch):
    monkeypatch.chdir(spec_folder)
    write_problems(spec_folder / "new.jsonl", 2, start=100)
    by_hand = "allocation: {plans: [{task: sums, counts: {small/0.5/prompt1: 2}}]}\n"
    (spec_folder / "plan.yaml").write_text((spec_folder / "spec.yaml").read_text() + by_hand)
    plan = osca_cli.load_spec("plan.yaml")
    with osca_cli.Pool("osca.db") as pool:
        executed = osca_cli.execute(plan, pool, {"sums": osca_cli.read_problems("new.jsonl", plan, "sums")})

    assert {answer.problem for answer in executed.answers} == {"p100", "p101"}


def test_counts_are_planned_for_and_written(tmp_path):
    counts = {
        "settings": [{"name": "a"}, {"name": "b"}],
        "problems": ["p1", "p2"],
        "n": [[4, 4], [4, 4]],
        "correct": [[4, 0], [0, 4]],
    }
    (tmp_path / "counts.json").write_text(json.dumps(counts))
    spec = osca_cli.load_spec(tmp_path / "counts.json")
    osca_cli.export_counts(spec, None, tmp_path / "counts.csv", "csv")

    assert osca_cli.make_plan(spec, budget="2").to_json()["allocation"] == {"a": 1, "b": 1}
    assert osca_cli.outcomes_of(osca_cli.load_spec(tmp_path / "counts.csv")).c.tolist() == counts["correct"]


def test_a_spec_without_allocation_is_not_executed(spec_folder):
    spec = osca_cli.load_spec(spec_folder / "spec.yaml")
    with (
        osca_cli.Pool(spec_folder / "osca.db") as pool,
        pytest.raises(osca_cli.OscaError, match="no allocation"),
    ):
        osca_cli.execute(spec, pool)
