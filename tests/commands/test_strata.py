"""Plans by strata from the spec to the check: each problem is drawn by the plan of its value."""

import json
from pathlib import Path

import pytest
import yaml

from tests.conftest import Osca

SPEC = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
    held_out: 0.4
    strata: kind
configurations:
  - grid:
      model: [scripted/small]
      prompt:
        - "{{ question }} [{{ answer if kind | default('a') == 'a' else 'nothing' }}]"
        - "{{ question }} [{{ answer if kind | default('a') == 'b' else 'nothing' }}]"
    max_tokens: 64
pilot: {samples: 2}
budget: {samples: 2}
"""
OWN = {"a": {"small/prompt1": 2}, "b": {"small/prompt2": 2}}


def write(path: Path, kinds: list[str | None], start: int = 0) -> None:
    rows = [
        {"id": f"p{i}", "question": f"What is {i} + 1?", "answer": i + 1} | ({"kind": kind} if kind else {})
        for i, kind in enumerate(kinds, start)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def planned(osca: Osca, tmp_path: Path) -> Path:
    (tmp_path / "spec.yaml").write_text(SPEC)
    write(tmp_path / "sums.jsonl", ["a", "b"] * 62)
    osca("run", "spec.yaml")
    osca("plan", "--estimator", "plugin")
    return tmp_path


def test_strata_from_the_spec_to_the_check(osca, planned):
    plans = yaml.safe_load((planned / "plan.yaml").read_text())["allocation"]["plans"]
    assert {plan["where"]["kind"]: plan["counts"] for plan in plans[:-1]} == OWN

    counted = osca("validate", "plan.yaml", "--json").json["tasks"][0]["strata"]
    assert sum(one["train"] + one["held_out"] for one in counted) == 124
    assert osca("show", "plan.yaml", "--json").json["strata"] == {"sums": counted}
    assert "sums, kind = b" in osca("show", "plan.yaml").out

    answers = planned / "answers.jsonl"
    run = osca("run", "plan.yaml", "--json", "--answers", str(answers)).json
    drawn = {line["problem"]: line["configuration"] for line in lines(answers)}
    kind = {line["id"]: line["kind"] for line in lines(planned / "sums.jsonl")}
    assert {(kind[problem], name) for problem, name in drawn.items()} == {
        ("a", "small/prompt1"),
        ("b", "small/prompt2"),
    }
    (task,) = run["tasks"]
    assert task["problems"] == sum(part["problems"] for part in task["plans"]) == len(drawn)
    assert task["solved"] == sum(part["solved"] for part in task["plans"])

    osca("check", "plan.yaml", code=2)
    osca("run", "plan.yaml", "--measure")
    check = osca("check", "plan.yaml", "--json").json
    assert check["problems"] == len(drawn)
    assert check["passed"] is True
    assert check["pass_rate"] == pytest.approx(
        sum(part["pass_rate"] * part["problems"] for part in check["plans"]) / len(drawn)
    )
    assert "kind = a" in osca("check", "plan.yaml").out


def test_unseen_and_missing_values_take_the_common_plan_and_are_counted(osca, planned):
    write(planned / "new.jsonl", ["a", "c", None, "b"], start=500)
    new = ("run", "plan.yaml", "--problems", "new.jsonl", "--task", "sums")

    (task,) = osca(*new, "--json").json["tasks"]
    assert {part.get("where", {}).get("kind"): part["problems"] for part in task["plans"]} == {
        "a": 1,
        "b": 1,
        None: 2,
    }
    assert task["unseen"] == 2
    assert "2 of 4 problems of sums have a value that no training problem has" in osca(*new).out

    own = "{task: sums, where: {kind: [a, c]}, counts: {small/prompt1: 1}}"
    text = f"allocation: {{plans: [{own}, {{task: sums, counts: {{small/prompt2: 2}}}}]}}\n"
    (planned / "hand.yaml").write_text(SPEC + text)
    (task,) = osca("run", "hand.yaml", *new[2:], "--json").json["tasks"]
    first, common = task["plans"]
    assert (first["task"], first["problems"], first["samples"]) == ("sums, kind = a or c", 2, 1)
    assert (common["task"], common["problems"]) == ("sums", 2)


def test_an_outcomes_file_with_tags_is_planned_and_checked_by_strata(osca, planned):
    osca("run", "spec.yaml", "--split", "held-out")
    osca("export", "spec.yaml", "-o", "counts.json")
    osca("export", "spec.yaml", "-o", "counts.csv")
    spec = "version: 1\ntasks:\n  - {name: sums, outcomes: %s, strata: kind}\nbudget: {samples: 2}\n"
    (planned / "file.yaml").write_text(spec % "counts.json")
    (planned / "shared.yaml").write_text(spec.replace("2}\n", "2, share: tasks}\n") % "counts.json")
    (planned / "bare.yaml").write_text(spec % "counts.csv")

    osca("plan", "file.yaml", "-o", "by-file.yaml", "--estimator", "plugin")
    plans = yaml.safe_load((planned / "by-file.yaml").read_text())["allocation"]["plans"]

    assert {plan["where"]["kind"]: plan["counts"] for plan in plans[:-1]} == OWN
    assert len(osca("check", "by-file.yaml", "--json").json["plans"]) == 2
    osca("plan", "shared.yaml", "-o", "by-share.yaml", "--estimator", "plugin")
    shared = osca("check", "by-share.yaml", "--json").json
    assert [part["where"] for part in shared["plans"]] == [{"kind": "a"}, {"kind": "b"}]
    assert shared["pass_rate"] == osca("check", "by-file.yaml", "--json").json["pass_rate"]
    assert "no training problem has the tag 'kind'" in osca("plan", "bare.yaml", code=2).err
    assert (
        "no held-out problem has that tag"
        in osca("check", "by-file.yaml", "--outcomes", "counts.csv", code=2).err
    )
