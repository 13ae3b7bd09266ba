"""`osca run` on a plan: shared budgets, rounds, answers, and what is kept beside what was claimed."""

import json
import re
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Osca, write_problems

SMALL, LARGE = "small/1.0/prompt1", "large/0.5/prompt1"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def rows(folder: Path, query: str, db: str = "osca.db") -> list[tuple]:
    sql = sqlite3.connect(folder / db)
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


@pytest.fixture
def plan(spec_folder: Path) -> Path:
    """A plan written by hand, of four samples for each of the held-out problems."""
    path = spec_folder / "plan.yaml"
    path.write_text(
        (spec_folder / "spec.yaml").read_text()
        + f"allocation:\n  plans:\n  - task: sums\n    counts: {{{SMALL}: 2, {LARGE}: 2}}\n"
    )
    return path


def share(plan: Path, more: str = "") -> None:
    edit(plan, "budget: {samples: 4}", f"budget: {{samples: 4, share: problems}}{more}")


def task(osca: Osca, *args: str, **more: object) -> dict:
    [found] = osca("run", "plan.yaml", "--json", *args, **more).json["tasks"]
    return found


def answers(folder: Path) -> dict[str, dict]:
    lines = map(json.loads, (folder / "answers.jsonl").read_text().splitlines())
    return {line["problem"]: line for line in lines}


# Sharing


def test_what_solved_problems_leave_goes_to_the_others(osca, spec_folder, plan):
    alone = task(osca, "--answers", "answers.jsonl")
    before = answers(spec_folder)
    share(plan)

    shared = task(osca, "--answers", "answers.jsonl")
    after = answers(spec_folder)

    assert shared["solved"] > alone["solved"]
    assert shared["budget"]["spent"] <= shared["budget"]["total"] == 4 * shared["problems"]
    assert {p for p, a in before.items() if a["accepted"]} <= {p for p, a in after.items() if a["accepted"]}
    assert max(answer["samples"] for answer in after.values()) > 4


def test_a_shared_budget_that_is_spent_is_spent_on_all_alike(osca, spec_folder, plan):
    share(plan)
    edit(plan, "samples: 4, share", "samples: 7, per: 5, share")

    found = task(osca, "--answers", "answers.jsonl")

    told = osca("run", "plan.yaml").out
    assert "the shared budget is spent; " in told
    drawn = [answer["samples"] for answer in answers(spec_folder).values() if not answer["accepted"]]
    assert found["budget"]["spent"] == int(1.4 * found["problems"])
    assert drawn
    assert max(drawn) - min(drawn) <= 1


def test_executing_again_draws_nothing_and_says_the_same(osca, spec_folder, plan):
    share(plan)
    osca("run", "plan.yaml", "--answers", "answers.jsonl")
    first = answers(spec_folder)

    again = osca("run", "plan.yaml", "--answers", "answers.jsonl", "--json").json

    assert again["drawn"] == 0
    assert answers(spec_folder) == first


def test_a_problem_whose_draw_fails_waits_for_the_next_run(osca, spec_folder, plan):
    share(plan, "\nbackends:\n  scripted: {type: scripted, max_retries: 0, fail_first: 2}")

    result = osca("run", "plan.yaml", "--answers", "answers.jsonl", code=1)

    assert "2 draws failed" in result.err
    assert sum(answer["errors"] for answer in answers(spec_folder).values()) == 2
    edit(plan, ", fail_first: 2", "")
    assert task(osca)["solved"] > 0


def test_give_up_leaves_problems_after_as_many_samples(osca, spec_folder, plan):
    share(plan)
    edit(plan, "    counts:", "    give_up: {after: 2}\n    counts:")

    task(osca, "--answers", "answers.jsonl")

    assert {a["samples"] for a in answers(spec_folder).values() if not a["accepted"]} == {2}


def test_tasks_share_while_running_too(osca, spec_folder):
    spec = spec_folder / "spec.yaml"
    edit(
        spec,
        "configurations:",
        "  - name: more\n    problems: {source: jsonl, path: more.jsonl, id: id}\n    reference: answer\n"
        "    verifier: {type: number}\n    held_out: 0.5\nconfigurations:",
    )
    edit(spec, "budget: {samples: 4}", "budget: {samples: 3, share: problems}")
    write_problems(spec_folder / "more.jsonl", 20, start=50)
    osca("run", "spec.yaml")
    made = osca("plan", "spec.yaml", "-o", "plan.yaml", "--json").json

    found = osca("run", "plan.yaml", "--json").json["tasks"]

    assert made["budget"] == {"samples": 3, "share": "problems"}
    assert made["expected"]["pass_rate_shared"] >= made["expected"]["pass_rate"]
    assert all(one["beyond"] for one in made["plans"])
    spent, total = (sum(task["budget"][key] for task in found) for key in ("spent", "total"))
    assert spent <= total
    alone = max(task["solved"] / task["problems"] for task in found)
    assert alone > 0.5


# Rounds


def test_a_round_is_drawn_together_and_solved_problems_leave_after_it(osca, spec_folder, plan):
    one_by_one = task(osca)
    edit(plan, "    counts:", "    rounds: [3, 1]\n    counts:")

    in_rounds = task(osca, "--db", "rounds.db", "--answers", "answers.jsonl")

    assert in_rounds["solved"] == one_by_one["solved"]
    assert {answer["samples"] for answer in answers(spec_folder).values()} == {3, 4}
    assert in_rounds["samples"] > one_by_one["samples"]
    # They stop at a pass, so they do not count as asked for in full.
    assert rows(spec_folder, "SELECT sum(asked) FROM requests", "rounds.db") == [(0,)]
    assert osca("run", "plan.yaml", "--db", "rounds.db", "--json").json["drawn"] == 0


def test_the_answer_is_the_first_of_a_round_that_passed(osca, spec_folder, plan):
    osca("run", "plan.yaml", "--answers", "answers.jsonl")
    first = answers(spec_folder)
    edit(plan, "    counts:", "    rounds: [4]\n    counts:")

    osca("run", "plan.yaml", "--answers", "answers.jsonl")

    for problem, answer in answers(spec_folder).items():
        same = ("answer", "text", "accepted", "configuration")
        assert [answer[key] for key in same] == [first[problem][key] for key in same]


def test_the_spec_cuts_a_plan_that_says_no_rounds(osca, spec_folder, plan):
    edit(plan, "budget:", "run: {rounds: 2}\nbudget:")

    task(osca, "--answers", "answers.jsonl")

    assert {answer["samples"] for answer in answers(spec_folder).values()} == {2, 4}


def test_the_last_round_of_a_shared_budget_spends_what_is_left(osca, spec_folder, plan):
    share(plan, "\nrun: {rounds: 2}")
    edit(plan, "samples: 4, share", "samples: 3, share")

    found = task(osca, "--answers", "answers.jsonl")

    left_open = [answer for answer in answers(spec_folder).values() if not answer["accepted"]]
    assert found["budget"]["spent"] == found["budget"]["total"] or not left_open
    assert max(answer["samples"] for answer in answers(spec_folder).values()) > 4


def test_a_draw_that_fails_in_a_round_is_an_error_and_not_drawn_twice(osca, spec_folder, plan):
    edit(plan, "budget:", "backends:\n  scripted: {type: scripted, max_retries: 0, fail_first: 3}\nbudget:")
    edit(plan, "    counts:", "    rounds: [2, 2]\n    counts:")

    assert "3 draws failed" in osca("run", "plan.yaml", code=1).err
    assert rows(spec_folder, "SELECT count(*) FROM errors") == [(3,)]


def test_a_batch_api_sends_a_batch_each_round(batches, quick, osca, tmp_path):
    desk = batches()
    edit(tmp_path / "spec.yaml", "    verifier:", "    held_out: 0.5\n    verifier:")
    text = (tmp_path / "spec.yaml").read_text()
    # The server is always right, so that what no answer of its is right for stays unsolved.
    allocation = "allocation: {plans: [{task: sums, counts: {one: 3}, rounds: [1, 2]}]}\n"
    (tmp_path / "plan.yaml").write_text(text.replace("[{{ answer }}]", "[{{ id }}]") + allocation)

    found = task(osca, "--answers", "answers.jsonl")

    sizes = [size for (size,) in rows(tmp_path, "SELECT size FROM batches ORDER BY prepared_at")]
    assert sizes == [found["problems"], 2 * found["problems"]]
    assert {answer["samples"] for answer in answers(tmp_path).values()} == {3}
    assert desk is not None


# Budgets in cost


PRICED = "\nbackends:\n  scripted: {type: scripted, prices: {'*': {sample: 0.01}}}"


def test_a_budget_in_usd_bounds_what_all_problems_cost_together(osca, spec_folder, plan):
    edit(plan, "budget: {samples: 4}", f"budget: {{usd: 0.03, share: problems}}{PRICED}")

    found = task(osca, "--answers", "answers.jsonl")

    usd = sum(answer["usd"] for answer in answers(spec_folder).values())
    assert found["budget"]["spent"] == pytest.approx(usd)
    assert usd <= found["budget"]["total"] + 1e-9
    assert found["budget"]["cost_of_pass"] == pytest.approx(usd / found["solved"])


def test_a_budget_that_ends_before_the_schedule_says_so_with_its_own_status(osca, spec_folder, plan):
    edit(plan, "budget: {samples: 4}", f"budget: {{usd: 0.012}}{PRICED}")

    result = osca("run", "plan.yaml", code=4)

    assert "the budget was spent before every problem had its schedule" in result.err
    assert "The plan, executed" in result.out


def test_gpu_seconds_are_the_shares_of_busy_time_times_the_gpus(osca, spec_folder, plan):
    edit(
        plan,
        "budget: {samples: 4}",
        "budget: {gpu_seconds: 100}\nbackends:\n  scripted: {type: scripted, delay_s: 0.01, gpus: 8}",
    )

    found = task(osca, "--answers", "answers.jsonl")

    [(busy,)] = rows(spec_folder, "SELECT sum(busy_seconds) FROM samples")
    assert found["budget"]["spent"] == pytest.approx(8 * busy, rel=1e-4)
    assert busy > 0
    osca("run", "plan.yaml", "--pilot")
    assert osca("plan", "plan.yaml", "--budget", "0.2gpu_s", "--json").json["budget"] == {"gpu_seconds": 0.2}


# Answers, and what is kept


def test_a_line_of_answers_says_what_was_answered_and_what_it_took(osca, spec_folder, plan):
    edit(plan, "budget:", PRICED.strip() + "\nbudget:")

    osca("run", "plan.yaml", "--answers", "answers.jsonl")

    found = answers(spec_folder)
    assert len(found) == len((spec_folder / "answers.jsonl").read_text().splitlines())
    for problem, answer in found.items():
        assert answer["task"] == "sums"
        if answer["accepted"]:
            assert answer["answer"] == str(3 * int(problem[1:]))
        assert answer["usd"] == pytest.approx(0.01 * answer["samples"])
        assert answer["seconds"] == pytest.approx(0.5 * answer["samples"])
        assert answer["configuration"] in {SMALL, LARGE}


def test_production_problems_are_executed_without_touching_plans(osca, spec_folder, plan):
    osca("run", "spec.yaml", "--split", "all")
    before = osca("plan", "spec.yaml", "-o", "-").out
    write_problems(spec_folder / "new.jsonl", 6, start=100)
    with (spec_folder / "new.jsonl").open("a") as file:
        file.write('{"id": "p3", "question": "Which?", "answer": 1}\n')
        file.write('{"id": "other", "question": "What is 4 + 8?", "answer": 12}\n')

    result = osca("run", "plan.yaml", "--problems", "new.jsonl", "--answers", "answers.jsonl")

    assert "note: 2 problems of new.jsonl are the spec's, such as p3" in result.err
    assert len(answers(spec_folder)) == 8
    assert osca("plan", "spec.yaml", "-o", "-").out == before
    splits = dict(rows(spec_folder, "SELECT split, count(DISTINCT problem) FROM cells GROUP BY split"))
    assert splits["production"] == 8


def test_a_problem_without_what_the_verifier_needs_is_refused_before_the_first_draw(osca, spec_folder, plan):
    write_problems(spec_folder / "new.jsonl", 6, start=100)
    with (spec_folder / "new.jsonl").open("a") as file:
        file.write('{"id": "bad", "question": "What?"}\n')

    result = osca("run", "plan.yaml", "--problems", "new.jsonl", code=2)

    assert "bad" in result.err
    assert rows(spec_folder, "SELECT count(*) FROM samples") == [(0,)]


def test_what_a_plan_did_is_kept_beside_what_it_had_claimed(osca, spec_folder, plan):
    edit(
        plan,
        "    counts:",
        "    expected: {pass_rate: 0.9, interval: [0.8, 0.95], samples: 2.5}\n    counts:",
    )

    found = task(osca)

    kept = rows(
        spec_folder, "SELECT task, split, problems, solved, samples, pass_rate, low, high FROM realised"
    )
    spent = round(found["samples"] * found["problems"])
    assert kept == [("sums", "held_out", found["problems"], found["solved"], spent, 0.9, 0.8, 0.95)]
    assert rows(spec_folder, "SELECT text FROM plans JOIN realised ON plan = id") == [(plan.read_text(),)]


def test_a_pass_rate_that_the_plan_does_not_expect_is_told_with_what_to_do(osca, spec_folder, plan):
    edit(plan, "    counts:", "    expected: {pass_rate: 0.2, interval: [0.1, 0.3]}\n    counts:")

    result = osca("run", "plan.yaml")

    assert re.search(
        r"outside what the plan expects of \d+ problems \(.*models or problems have moved", result.out
    )
    assert "plan again" in result.out


def test_a_pass_rate_within_the_prediction_is_not_remarked_on(osca, spec_folder, plan):
    edit(plan, "    counts:", "    expected: {pass_rate: 0.8, interval: [0.6, 0.9]}\n    counts:")

    assert "have moved" not in osca("run", "plan.yaml").out


def test_a_plan_that_shares_is_measured_and_checked_by_its_own_budget(osca, spec_folder):
    edit(spec_folder / "spec.yaml", "budget: {samples: 4}", "budget: {usd: 0.03, share: problems}" + PRICED)
    osca("run", "spec.yaml")
    osca("plan", "spec.yaml")
    osca("run", "plan.yaml", "--measure")

    result = osca("check", "plan.yaml", "--json", code=None)

    assert result.code in {0, 3}
    assert "problems are judged with their own budget each" in result.err
    assert 0 < result.json["pass_rate"] < 1
