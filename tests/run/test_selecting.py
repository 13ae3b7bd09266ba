"""A verifier that accepts in production beside the one that is right: from the pilot to the answers."""

import json
import sqlite3

import numpy as np
import pytest
import yaml

from osca_cli.backends import open_backends
from osca_cli.outcomes.thinning import fewer_samples
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.load import load_spec
from osca_cli.store.counts import pool_outcomes
from osca_cli.store.pool import Pool
from tests.conftest import SPEC

# Whatever the one says is right if anything is; the other is as sure of itself, and always wrong.
SELECTING = SPEC.replace(
    'prompt: ["{{ question }} [{{ answer }}]"]', 'prompt: ["{{ question }} [{{ answer }}]", sly]'
)
SELECTING = SELECTING.replace(
    "tasks:", 'prompts: {sly: "{{ question }} [{{ answer | int + 1 }}]"}\ntasks:', 1
).replace("held_out", "select: {type: first_accepted, by: {type: regex, pattern: It is}}\n    held_out", 1)


@pytest.fixture
def selecting(spec_folder):
    """The smallest spec with a verifier that accepts by the words alone."""
    (spec_folder / "spec.yaml").write_text(SELECTING)
    return spec_folder


def counts(folder):
    spec = load_spec(folder / "spec.yaml", environment={})
    maker = CellMaker(spec, open_backends(spec))
    with Pool(folder / "osca.db", create=False) as pool:
        return pool_outcomes(pool, spec, spec.tasks[0], maker)[0]


def test_every_sample_of_the_pilot_is_judged_by_both(osca, selecting):
    osca("run", "spec.yaml")
    outcomes = counts(selecting)
    train = outcomes.select(problems=outcomes.train)
    sly = [row for row, name in enumerate(train.configurations) if "sly" in name]

    assert (train.n == 4).all()
    assert (train.accepts.right == train.c).all()
    assert not train.c[sly].any()
    assert train.accepts.wrong[sly].sum() == train.accepted().c[sly].sum() > 0
    assert train.accepts.wrong.sum() == train.accepts.wrong[sly].sum()


def test_a_verifier_that_accepts_is_run_on_a_pool_without_drawing(osca, selecting):
    (selecting / "spec.yaml").write_text(
        SELECTING.replace("select: {type: first_accepted, by: {type: regex, pattern: It is}}", "")
    )
    osca("run", "spec.yaml")
    (selecting / "spec.yaml").write_text(SELECTING)

    assert "0 drawn now" in osca("run", "spec.yaml").err
    with sqlite3.connect(selecting / "osca.db") as pool:
        (samples,) = pool.execute("SELECT count(*) FROM samples").fetchone()
        (verdicts,) = pool.execute("SELECT count(*) FROM verdicts").fetchone()
    assert verdicts == 2 * samples
    assert (counts(selecting).n[:, counts(selecting).train] == 4).all()


def test_a_sample_counts_once_both_have_judged_it(osca, selecting):
    osca("run", "spec.yaml")
    with sqlite3.connect(selecting / "osca.db") as pool:
        (verifier,) = pool.execute("SELECT verifier FROM verdicts WHERE answer = 'It is' LIMIT 1").fetchone()
        pool.execute("UPDATE verdicts SET passed = NULL WHERE verifier = ? AND idx = 3", (verifier,))
    outcomes = counts(selecting)

    assert (outcomes.n[:, outcomes.train] == 3).all()
    assert "already in the pool" in osca("run", "spec.yaml").err
    assert (counts(selecting).n[:, outcomes.train] == 4).all()


def test_fewer_samples_keep_what_was_accepted_within_what_there_is(osca, selecting):
    osca("run", "spec.yaml")
    outcomes = counts(selecting)
    fewer = fewer_samples(outcomes, 2, np.random.default_rng(0))

    assert (fewer.accepts.right <= fewer.c).all()
    assert (fewer.accepts.wrong <= fewer.n - fewer.c).all()
    assert (fewer.accepts.right == fewer.c).all()  # since every right sample was accepted


@pytest.fixture
def plan(osca, selecting):
    """A plan from a pilot that both have judged."""
    osca("run", "spec.yaml")
    result = osca("plan", "spec.yaml", "--estimator", "beta")
    block = yaml.safe_load((selecting / "plan.yaml").read_text())["allocation"]["plans"][0]
    return result, block


def test_a_plan_says_what_is_selected_and_draws_nothing_that_is_accepted_wrongly(plan):
    result, block = plan
    words = " ".join(result.out.split())

    assert "where 'regex' accepts" in words
    assert "trusting what accepts" in words
    assert "in the pilot, 100.0% of right and" in words
    assert not any("sly" in name for name in block["counts"])
    assert block["select"]["type"] == "first_accepted"
    assert block["select"]["by"] == "regex"
    assert 0 < block["select"]["false_accepts"] < 1
    assert block["expected"]["selected"] == block["select"]["plan"]["right"]
    assert block["expected"]["pass_rate"] >= block["expected"]["selected"]
    assert block["select"]["naive"]["wrong"] > block["select"]["plan"]["wrong"]
    assert "certificate" not in block


def test_executing_stops_at_what_is_accepted_and_keeps_both_verdicts(osca, plan, selecting):
    text = (selecting / "plan.yaml").read_text()
    names = [f"{model}/0.5/sly" for model in ("small", "large")]
    by_hand = f"allocation:\n  plans:\n    - {{task: sums, counts: {{{names[0]}: 3, {names[1]}: 3}}}}\n"
    (selecting / "sly.yaml").write_text(text[: text.index("allocation:")] + by_hand)
    osca("run", "sly.yaml", "--answers", "answers.jsonl")
    answers = [json.loads(line) for line in (selecting / "answers.jsonl").read_text().splitlines()]

    assert any(one["accepted"] for one in answers)
    assert all(one["accepted"] == one["text"].startswith("It is") for one in answers)
    assert all(one["samples"] == 6 for one in answers if not one["accepted"])
    with sqlite3.connect(selecting / "osca.db") as pool:
        judged = "SELECT count(*) FROM samples WHERE executed"
        twice = """SELECT count(*) FROM samples s WHERE executed AND 2 = (
            SELECT count(*) FROM verdicts v WHERE v.request = s.request AND v.idx = s.idx)"""
        assert pool.execute(judged).fetchone() == pool.execute(twice).fetchone()


def test_production_has_no_reference_and_needs_none(osca, plan, selecting):
    rows = [{"id": f"new{i}", "question": f"What is {i} + 40?", "answer": None} for i in range(5)]
    (selecting / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    osca("run", "plan.yaml", "--problems", "new.jsonl", "--answers", "answers.jsonl")
    answers = [json.loads(line) for line in (selecting / "answers.jsonl").read_text().splitlines()]

    assert {one["problem"] for one in answers} == {row["id"] for row in rows}
    assert any(one["accepted"] for one in answers)
    with sqlite3.connect(selecting / "osca.db") as pool:
        of_new = """SELECT DISTINCT x.verifier FROM cells x JOIN problems p ON p.id = x.problem
            WHERE p.name LIKE 'new%'"""
        (verifier,) = pool.execute(of_new).fetchall()
        assert pool.execute("SELECT DISTINCT passed FROM verdicts WHERE verifier = ?", verifier).fetchall()


def test_a_changed_verifier_that_accepts_makes_a_plan_stale(osca, plan, selecting):
    text = (selecting / "plan.yaml").read_text()
    (selecting / "plan.yaml").write_text(text.replace("pattern: It is", "pattern: is", 1))

    assert "the verifier changed" in osca("run", "plan.yaml", code=2).err


def test_what_is_not_known_of_such_tasks_is_refused(osca, selecting):
    osca("run", "spec.yaml", "--limit", "1")
    for option in ("--update", "--advise"):
        assert f"{option} is about what passes" in osca("plan", "spec.yaml", option, code=2).err
    refused = osca("plan", "spec.yaml", "--false-accept-rate", "0.1", code=2).err
    assert "tells; leave the rate out" in refused
    text = (selecting / "spec.yaml").read_text()
    (selecting / "spec.yaml").write_text(
        text.replace("    held_out", "    strata: question\n    held_out", 1)
    )
    assert "remove strata" in osca("plan", "spec.yaml", code=2).err


def test_a_check_judges_right_answers_by_what_is_accepted(osca, plan, selecting):
    osca("run", "plan.yaml", "--measure")
    planned = osca("plan", "spec.yaml", "--estimator", "beta", "--json").json
    result = osca("check", "plan.yaml", "--json", code=None)

    assert "'regex' accepts, and the verifier passes" in result.err
    assert result.json["pass_rate"] == pytest.approx(planned["held_out"]["selected"])
    uniform = planned["baselines"]["uniform"]["held_out"]
    assert result.json["baselines"]["uniform"]["pass_rate"] == pytest.approx(uniform["selected"])
    assert uniform["pass_rate"] >= uniform["selected"]
