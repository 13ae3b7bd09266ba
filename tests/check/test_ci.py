"""``osca check`` in CI: what is asserted, refused and reported, on outcomes files."""

import json
import sqlite3
from xml.etree import ElementTree as ET

import numpy as np
import pytest

NAMES = ["a", "b", "c"]


def write_outcomes(folder, problems=80, seed=0, overlap=0, name="counts.json"):
    """Two configurations that solve different halves, and one that does little; half the problems train."""
    random = np.random.default_rng(seed)
    half = np.arange(problems) % 2
    rates = np.stack([np.where(half, 0.9, 0.02), np.where(half, 0.02, 0.9), np.full(problems, 0.05)])
    ids = [f"p{i}" for i in range(problems)]
    split = problems // 2
    document = {
        "settings": [{"name": one} for one in NAMES],
        "problems": ids,
        "n": np.full(rates.shape, 10).tolist(),
        "correct": random.binomial(10, rates).tolist(),
        "cost": np.full(rates.shape, 0.01).tolist(),
        "tags": {id_: {"repo": f"r{i // 4}"} for i, id_ in enumerate(ids)},
        "split": {"train": ids[: split + overlap], "test": ids[split:]},
    }
    (folder / name).write_text(json.dumps(document))


def asserting(*lines: str, cluster: str = "") -> str:
    head = "check:\n" + (f"  cluster: {cluster}\n" if cluster else "")
    return head + "  assert:\n" + "".join(f"    - {line}\n" for line in lines)


@pytest.fixture
def planned(osca, tmp_path):
    write_outcomes(tmp_path)
    osca("plan", "counts.json", "--budget", "4")
    return tmp_path


def add(folder, text: str, name: str = "plan.yaml") -> None:
    with (folder / name).open("a") as file:
        file.write(text)


def outcomes_of(result) -> list[tuple[str, str]]:
    return [(one["metric"], one["outcome"]) for one in result.json["assertions"]]


def test_every_metric_is_judged(osca, planned):
    add(
        planned,
        asserting(
            "{metric: gain.over_best_pure, at_least: 0.1}",
            "{metric: gain.over_paper, at_least: 0, margin: 0.1}",
            "{metric: gain.over_c, at_least: 0.3, confidence: 0.99}",
            "{metric: pass_rate, at_least: 0.5}",
            "{metric: spend.usd, at_most: 0.04}",
            "{metric: cost_of_pass, at_most: 0.01}",
            "{metric: expected_within_interval}",
            "{metric: regret, at_most: 0.1}",
        ),
    )
    result = osca("check", "plan.yaml", "--json", code=3)

    assert outcomes_of(result) == [
        ("gain.over_best_pure", "pass"),
        ("gain.over_paper", "pass"),
        ("gain.over_c", "pass"),
        ("pass_rate", "pass"),
        ("spend.usd", "pass"),
        ("cost_of_pass", "fail"),
        ("expected_within_interval", "pass"),
        ("regret", "pass"),
    ]
    assert result.json["baselines"]["c"]["allocation"] == {"c": 4}
    executed = result.json["executed"]
    assert executed["usd"]["value"] == pytest.approx(executed["samples"] * 0.01)
    assert executed["cost_of_pass"]["value"] == pytest.approx(
        executed["usd"]["value"] / result.json["pass_rate"]
    )
    assert "no configuration" not in result.err


def test_what_is_promised_and_not_kept_fails(osca, planned):
    text = (planned / "plan.yaml").read_text()
    line = next(line for line in text.splitlines() if "expected:" in line)
    (planned / "plan.yaml").write_text(
        text.replace(line, "    expected: {pass_rate: 0.2, interval: [0.1, 0.3], samples: 3}")
    )
    add(planned, asserting("{metric: expected_within_interval}"))

    assert outcomes_of(osca("check", "plan.yaml", "--json", code=3)) == [("expected_within_interval", "fail")]


def test_what_cannot_be_told_is_refused_with_the_reason(osca, planned):
    add(planned, asserting("{metric: gain.over_d, at_least: 0}"))
    assert "'d', which is no configuration" in osca("check", "plan.yaml", code=2).err

    (planned / "mine.yaml").write_text(
        "version: 1\ntasks: [{name: t, outcomes: counts.json}]\n"
        "allocation: {plans: [{task: t, counts: {a: 2}}]}\n" + asserting("{metric: expected_within_interval}")
    )
    assert "osca plan writes that" in osca("check", "mine.yaml", code=2).err


def test_clusters_make_intervals_wider_where_problems_are_alike(osca, planned):
    singly = osca("check", "plan.yaml", "--json").json
    add(planned, asserting("{metric: pass_rate, at_least: 0}", cluster="repo"))
    by_repo = osca("check", "plan.yaml", "--json").json

    assert by_repo["clusters"] == 10
    assert by_repo["pass_rate"] == singly["pass_rate"]
    assert by_repo["interval"] != singly["interval"]
    assert "in 10 clusters" in osca("check", "plan.yaml").out


def test_a_cluster_that_no_problem_has_is_told(osca, planned):
    add(planned, asserting("{metric: pass_rate, at_least: 0}", cluster="repository"))

    assert "no problem has the tag 'repository'" in osca("check", "plan.yaml").err


def test_all_tasks_are_judged_by_their_weighted_total(osca, tmp_path):
    write_outcomes(tmp_path, name="one.json")
    write_outcomes(tmp_path, problems=40, seed=1, name="two.json")
    (tmp_path / "spec.yaml").write_text(
        "version: 1\ntasks:\n  - {name: one, outcomes: one.json, volume: 3}\n"
        "  - {name: two, outcomes: two.json, volume: 1}\nbudget: {samples: 4}\n"
        + asserting(
            "{task: all, metric: gain.over_uniform, at_least: -1}", "{metric: pass_rate, at_most: 0.5}"
        )
    )
    osca("plan", "spec.yaml")
    result = osca("check", "plan.yaml", "--json", code=3).json

    one, two = result["plans"]
    total = result["total"]
    assert total["pass_rate"] == pytest.approx(0.75 * one["pass_rate"] + 0.25 * two["pass_rate"])
    assert [a["metric"] for a in total["assertions"]] == ["gain.over_uniform"]
    assert [a["metric"] for plan in (one, two) for a in plan["assertions"]] == ["pass_rate"] * 2
    assert "all tasks: 60 held-out problems" in osca("check", "plan.yaml", code=3).out


def test_ten_problems_decide_nothing_and_the_number_that_would_is_told(osca, tmp_path):
    write_outcomes(tmp_path, problems=20, seed=3)
    osca("plan", "counts.json", "--budget", "4")
    add(tmp_path, asserting("{metric: pass_rate, at_least: 0.85}"))

    result = osca("check", "plan.yaml")
    assert "inconclusive" in result.out
    assert "held-out problems would decide it" in result.out


def test_junit_has_a_suite_for_each_task_and_a_case_for_each_assertion(osca, planned):
    add(
        planned,
        asserting(
            "{metric: pass_rate, at_least: 0.1}",
            "{metric: pass_rate, at_most: 0.1}",
            "{metric: pass_rate, at_least: 0.97}",
        ),
    )
    osca("check", "plan.yaml", "--junit", "check.xml", code=3)
    [suite] = ET.parse(planned / "check.xml").getroot().findall("testsuite")

    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    cases = suite.findall("testcase")
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["skipped"]]
    assert "at most 10" in cases[1].find("failure").get("message")
    tags = [child.tag for child in suite]
    assert [tags[0], *tags[-2:]] == ["properties", "system-out", "system-err"]


def test_github_gets_a_summary_and_annotations_at_the_assertions_own_lines(osca, planned, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(planned.parent))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(planned / "summary.md"))
    add(planned, asserting("{metric: pass_rate, at_least: 0.1}", "{metric: pass_rate, at_most: 0.1}"))
    number = (planned / "plan.yaml").read_text().splitlines().index("    - {metric: pass_rate, at_most: 0.1}")
    result = osca("check", "plan.yaml", code=3)

    [line] = [line for line in result.err.splitlines() if line.startswith("::")]
    where = f"file={planned.name}/plan.yaml,line={number + 1},col=7"
    assert line.startswith(f"::error {where},title=osca check%3A counts%3A fail::pass_rate at most 10: ")
    summary = (planned / "summary.md").read_text()
    assert "| ❌ fail | counts | pass\\_rate at most 10: " in summary
    assert "| the plan |" in summary


def test_names_that_would_steer_ci_are_escaped(osca, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    write_outcomes(tmp_path)
    evil = "x\n::error::|<script>\x1b]0;"
    (tmp_path / "counts.json").write_text(
        (tmp_path / "counts.json").read_text().replace('"name": "a"', f'"name": {json.dumps(evil)}')
    )
    osca("plan", "counts.json", "--budget", "4")
    add(tmp_path, asserting(json.dumps({"metric": f"gain.over_{evil}", "at_least": 0.99})))
    result = osca("check", "plan.yaml", "--junit", "check.xml", code=3)

    assert [line for line in result.err.splitlines() if line.startswith("::error::")] == []
    assert "\x1b" not in result.out + (tmp_path / "summary.md").read_text()
    assert "<script>" not in (tmp_path / "summary.md").read_text().replace("\\<", "")
    assert ET.parse(tmp_path / "check.xml").getroot()[0].get("failures") == "1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{metric: gain.over_nobody, at_least: 0}", "nothing to compare with is named 'nobody'"),
        ("{metric: pass_rates, at_least: 0}", "did you mean 'pass_rate'"),
        ("{metric: pass_rate}", "one bound"),
        ("{metric: expected_within_interval, at_least: 0}", "has its bounds in the plan"),
        ("{task: al, metric: pass_rate, at_least: 0}", "no task is named 'al'"),
        ("{metric: pass_rate, at_least: 0, confidence: 0.3}", "must be above 0.5"),
    ],
)
def test_faults_of_assertions_are_told_at_their_place(osca, spec_folder, text, told):
    add(spec_folder, asserting(text), "spec.yaml")
    result = osca("validate", "spec.yaml", code=2)

    assert told in result.err
    assert "spec.yaml:" in result.err


def test_a_cluster_must_be_a_tag(osca, spec_folder):
    add(spec_folder, asserting("{metric: pass_rate, at_least: 0}", cluster="topic"), "spec.yaml")

    assert "add it to tags" in osca("validate", "spec.yaml", code=2).err


# What is no proof


def test_a_problem_on_both_sides_is_refused(osca, tmp_path):
    write_outcomes(tmp_path, overlap=5)
    osca("plan", "counts.json", "--budget", "4")

    said = osca("check", "plan.yaml", code=2).err
    assert "5 of 40 held-out problems are training problems too" in said
    assert "write `held_out: 0.5` into the task" in said


def test_an_outcomes_file_is_split_anew_where_the_task_says_so(osca, tmp_path):
    write_outcomes(tmp_path, overlap=40)
    spec = "version: 1\ntasks: [{name: t, outcomes: counts.json, held_out: HOW}]\nbudget: {samples: 4}\n"
    for how, apart in (("0.5", None), ("{share: 0.5, by: repo}", "repo")):
        (tmp_path / "spec.yaml").write_text(spec.replace("HOW", how))
        osca("plan", "spec.yaml")
        result = osca("check", "plan.yaml", "--json").json

        assert 20 < result["problems"] < 60
        assert ("clusters" in result) == (apart is not None)
    (tmp_path / "spec.yaml").write_text(spec.replace("HOW", "{share: 0.5, by: repos}"))
    assert "problem 'p0' of counts.json has no such tag" in osca("plan", "spec.yaml", code=2).err


def test_problems_that_chose_the_plan_are_refused_in_another_file_too(osca, planned):
    document = json.loads((planned / "counts.json").read_text())
    document["split"] = {"train": document["split"]["test"], "test": document["split"]["train"]}
    (planned / "turned.json").write_text(json.dumps(document))
    result = osca("check", "plan.yaml", "--outcomes", "turned.json", code=2)

    assert "learned from 40 problems that are held out now, such as 'p0'" in result.err


def test_more_draws_than_samples_are_refused(osca, planned):
    text = (planned / "plan.yaml").read_text()
    (planned / "mine.yaml").write_text(
        text[: text.index("allocation:")] + "allocation: {plans: [{task: counts, counts: {a: 11}}]}\n"
    )

    assert "samples of held-out problems" in osca("check", "mine.yaml", code=2).err


def test_held_out_problems_that_ask_what_training_problems_ask_are_refused(osca, spec_folder):
    rows = [{"id": f"p{i}", "question": "What is 1 + 1?", "answer": 2, "noise": i} for i in range(20)]
    (spec_folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    osca("run", "spec.yaml", "--split", "all")
    osca("plan", "spec.yaml")
    result = osca("check", "plan.yaml", code=2)

    assert "held-out problems ask what training problems ask" in result.err
    assert "the samples that chose the plan would prove it" in result.err


def test_a_group_that_an_updated_plan_learned_from_proves_nothing(osca, spec_folder):
    rows = [
        {"id": f"p{i}", "question": f"What is {i} + 1?", "answer": i + 1, "topic": f"t{i % 8}"}
        for i in range(24)
    ]
    (spec_folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = (spec_folder / "spec.yaml").read_text()
    (spec_folder / "spec.yaml").write_text(spec.replace("held_out: 0.5", "held_out: {share: 0.5, by: topic}"))
    osca("run", "spec.yaml")
    osca("plan", "spec.yaml")
    osca("run", "plan.yaml", "--limit", "1")
    osca("plan", "plan.yaml", "--update", "-o", "updated.yaml")
    osca("run", "spec.yaml", "--split", "held-out")
    before, after = (osca("check", name, "--json").json for name in ("plan.yaml", "updated.yaml"))

    assert before["clusters"] == before["problems"] / 3
    assert (after["problems"], after["clusters"]) == (before["problems"] - 3, before["clusters"] - 1)


def test_a_model_that_changed_behind_its_name_is_told_by_plan_and_check(osca, spec_folder):
    osca("run", "spec.yaml", "--split", "all")
    with sqlite3.connect(spec_folder / "osca.db") as sql:
        sql.execute("UPDATE samples SET model = iif(idx < 2, 'small-1', 'small-2')")
    sql.close()
    for words in (("plan", "spec.yaml"), ("check", "plan.yaml")):
        said = osca(*words).err

        assert "the model behind small/0.5/prompt1 has changed: 'small-1' (" in said
        assert "revision" in said


@pytest.mark.parametrize(
    "check",
    ["{baselines: [3]}", "{baselines: x}", "{baselines: {}}", "{cluster: [1]}", "{assert: 3}", "[1]",
     "{assert: [{metric: 3}]}", "{assert: [3]}", "{assert: [{metric: pass_rate, task: [1], at_least: 0}]}"],
)  # fmt: skip
def test_a_check_of_a_wrong_shape_is_told_and_nothing_else(osca, spec_folder, check):
    add(spec_folder, f"check: {check}\n", "spec.yaml")

    assert "spec.yaml:" in osca("validate", "spec.yaml", code=2).err
