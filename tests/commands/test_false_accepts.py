"""Planning for a verifier that accepts wrong samples, from the command line."""

import json

import numpy as np
import pytest
import yaml


@pytest.fixture
def counts(tmp_path):
    """An outcomes file in which half of the problems are accepted only by mistake, once in twenty."""
    random = np.random.default_rng(0)
    rates = random.beta(0.8, 1.0, (2, 60)) * (random.random(60) > 0.5)
    accepted = random.binomial(8, rates + (1 - rates) * 0.05)
    lines = ["problem,configuration,n,correct"]
    lines += [f"p{p},{name},8,{accepted[s, p]}" for s, name in enumerate("ab") for p in range(60)]
    (tmp_path / "counts.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_plan_for_false_accepts_stops_early_and_says_what_that_is_worth(osca, counts):
    result = osca("plan", "counts.csv", "--budget", "24", "--false-accept-rate", "0.05")
    assert "wrong accepts" in result.out
    assert "more would bring more wrong accepts than right answers" in " ".join(result.out.split())
    assert "no bound holds" in result.out
    text = (counts / "plan.yaml").read_text()
    plan = yaml.safe_load(text)["allocation"]["plans"][0]
    assert "certificate" not in plan
    assert sum(plan["counts"].values()) < 24
    accepts = plan["false_accepts"]
    assert accepts["rate"] == 0.05
    assert accepts["naive_samples"] == 24
    assert accepts["naive"]["net_gain"]["value"] > 0
    assert plan["expected"]["pass_rate"] == accepts["plan"]["right"]
    said = osca("plan", "counts.csv", "--budget", "24", "--false-accept-rate", "0.05", "--json").json
    assert said["certificate"] is None
    assert said["false_accepts"]["plan"]["right"]["pass_rate"] == said["expected"]["pass_rate"]


def test_a_check_judges_right_answers_of_a_plan_for_false_accepts(osca, counts):
    rows = (counts / "counts.csv").read_text().splitlines()
    held_out = ["test" if int(row.split(",")[0][1:]) % 2 else "train" for row in rows[1:]]
    text = [rows[0] + ",split", *(f"{row},{side}" for row, side in zip(rows[1:], held_out, strict=True))]
    (counts / "split.csv").write_text("\n".join(text) + "\n")
    planned = osca(
        "plan", "split.csv", "--budget", "8", "--false-accept-rate", "0.05", "--json", "-o", "plan.yaml"
    ).json
    result = osca("check", "plan.yaml", "--json", code=None)
    assert "pass rates are of right answers, as the plan's rate of false accepts tells" in result.err
    assert result.json["pass_rate"] == pytest.approx(planned["held_out"]["pass_rate"])
    uniform = result.json["baselines"]["uniform"]["pass_rate"]
    assert uniform == pytest.approx(planned["baselines"]["uniform"]["held_out"]["pass_rate"])


def test_a_rate_of_0_is_the_plan_without_it(osca, counts):
    osca("plan", "counts.csv", "--budget", "6", "--false-accept-rate", "0", "-o", "zero.yaml")
    osca("plan", "counts.csv", "--budget", "6", "-o", "plan.yaml")
    assert (counts / "zero.yaml").read_bytes() == (counts / "plan.yaml").read_bytes()


def test_each_budget_of_a_list_has_its_own_end(osca, counts):
    lines = osca("plan", "counts.csv", "--budget", "1,24", "--false-accept-rate", "0.05").out.splitlines()
    ends = [len(json.loads(line)["schedule"]) for line in lines]
    assert ends[0] == 1 < ends[1] < 24


def labels(folder, wrong):
    """Judged texts of which the verifier accepts one wrong one: it takes the last number."""
    rows = [{"problem": "p0", "text": "It is 2, not 0.", "passed": False}]
    rows += [{"problem": "p1", "text": f"It is {index + 100}.", "passed": False} for index in range(wrong)]
    rows.append({"problem": "p1", "text": "It is 3.", "passed": True})
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_judged_texts_tell_the_rate_that_is_planned_for(osca, spec_folder):
    labels(spec_folder, 99)
    osca("run", "spec.yaml")
    result = osca("plan", "spec.yaml", "--estimator", "beta", "--false-accept-rate", "labels.jsonl", "--json")
    audit = osca("check-verifier", "spec.yaml", "--labels", "labels.jsonl", "--json", code=3).json
    facts = audit["tasks"]["sums"]["false_accepts"]

    assert "1 of 100 wrong texts were accepted: at most 5.4%" in result.err
    assert result.json["false_accepts"]["rate"] == facts["interval"][1]


def test_judged_texts_that_limit_nothing_are_refused(osca, spec_folder):
    labels(spec_folder, 0)
    osca("run", "spec.yaml", "--limit", "1")
    err = osca("plan", "spec.yaml", "--false-accept-rate", "labels.jsonl", code=2).err
    assert "1 of 1 wrong texts were accepted, which limits nothing" in " ".join(err.split())


@pytest.mark.parametrize("rate", ["1", "-0.1", "5%"])
def test_a_rate_is_a_share(osca, counts, rate):
    assert "--false-accept-rate" in osca("plan", "counts.csv", "--false-accept-rate", rate, code=2).err


def test_tasks_that_share_and_strata_are_not_planned_for_false_accepts(osca, counts):
    spec = counts / "spec.yaml"
    spec.write_text(
        "version: 1\nbudget: {samples: 4, share: tasks}\ntasks:\n"
        "  - {name: one, outcomes: counts.csv}\n  - {name: two, outcomes: counts.csv}\n"
    )
    refused = osca("plan", "spec.yaml", "--false-accept-rate", "0.02", code=2).err
    assert "name one task with --task" in " ".join(refused.split())
    osca("plan", "spec.yaml", "--false-accept-rate", "0.02", "--task", "one")
    spec.write_text(
        "version: 1\nbudget: {samples: 4}\ntasks:\n  - {name: one, outcomes: counts.csv, strata: kind}\n"
    )
    refused = osca("plan", "spec.yaml", "--false-accept-rate", "0.02", code=2).err
    assert "strata: kind" in refused
