"""Which models moved between two pools, and whether the plan would change."""

import shutil
import sqlite3

import numpy as np
import pytest

from osca_cli.check.drift import ThenAndNow, drift
from osca_cli.estimate.multiple import holm


def twice(shift: float, seed: int, models: int = 4, problems: int = 60, n: int = 8) -> ThenAndNow:
    """Two configurations of each model; the first model has moved by so much of its pass rate."""
    random = np.random.default_rng(seed)
    rates = random.beta(0.7, 0.7, (2 * models, problems))
    now = rates.copy()
    now[:2] *= 1 - shift
    shape = np.full(rates.shape, n)
    names = [f"m{row // 2}/c{row % 2}" for row in range(2 * models)]
    return ThenAndNow(
        "t", names, [name[:2] for name in names], shape, random.binomial(n, rates), shape,
        random.binomial(n, now),
    )  # fmt: skip


def test_a_model_that_got_worse_is_named_and_the_others_are_not():
    found = drift([twice(0.25, 0)])

    assert [one.name for one in found.models if one.moved] == ["m0"]
    assert found.models[0].value == pytest.approx(-0.125, abs=0.05)
    assert not found.passed


def test_nothing_is_named_in_95_of_100_where_nothing_moved():
    passed = [drift([twice(0.0, seed)]).passed for seed in range(100)]

    assert sum(passed) >= 95


def test_only_what_was_drawn_both_times_is_compared():
    task = twice(0.0, 0, models=1)
    n_now = task.n_now.copy()
    n_now[0] = 0
    n_now[1, 10:] = 0
    task = ThenAndNow("t", *(task.configurations, task.models), task.n_then, task.c_then, n_now,
                      np.minimum(task.c_now, n_now))  # fmt: skip
    found = drift([task])

    assert [one.problems for one in found.models] == [10]
    assert [one.name for one in found.configurations] == ["m0/c1"]


def test_holm_is_right_by_hand_and_keeps_the_order():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def pools(osca, kept, spec_folder):
    """A plan, its pool, and a pool of the same samples drawn anew, of which one model has got worse."""
    if not (kept / "now.db").exists():
        shutil.copytree(spec_folder, kept, dirs_exist_ok=True)
        for db in ("then.db", "now.db"):
            osca("run", "spec.yaml", "--db", db, cwd=kept)
        osca("plan", "spec.yaml", "--db", "then.db", cwd=kept)
        with sqlite3.connect(kept / "now.db") as sql:
            sql.execute(
                "UPDATE verdicts SET passed = 0 WHERE request IN (SELECT x.request FROM cells x"
                " JOIN configurations c ON c.id = x.configuration WHERE c.name LIKE 'large/%')"
            )
        sql.close()
    return shutil.copytree(kept, spec_folder, dirs_exist_ok=True)


def test_two_pools_are_compared_and_the_check_fails(osca, pools):
    result = osca("check", "plan.yaml", "--against", "then.db", "--db", "now.db", "--json", code=3)

    assert [(one["name"], one["moved"]) for one in result.json["models"]] == [
        ("scripted/small", False),
        ("scripted/large", True),
    ]
    assert result.json["models"][1]["now"] == 0
    assert result.json["models"][0]["change"]["value"] == 0
    assert "1 model moved since then.db" in result.err
    [plan] = result.json["plans"]
    assert not any(name.startswith("large") for name in plan["new"])


def test_a_spec_without_a_plan_and_unmoved_models_pass(osca, pools):
    osca("run", "spec.yaml", "--db", "again.db")
    result = osca("check", "spec.yaml", "--against", "then.db", "--db", "again.db", "--junit", "drift.xml")

    assert "no model is distinguishable from what it was in then.db" in result.out
    assert 'failures="0"' in (pools / "drift.xml").read_text()


def test_another_prompt_under_the_same_name_is_compared_and_told(osca, pools):
    text = (pools / "spec.yaml").read_text()
    (pools / "spec.yaml").write_text(text.replace("{{ question }} [", "Please: {{ question }} ["))
    osca("run", "spec.yaml", "--db", "other.db")
    result = osca("check", "spec.yaml", "--against", "then.db", "--db", "other.db", "--json", code=None)

    assert "asked otherwise than then: small/0.5/prompt1" in result.err
    assert result.json["models"][0]["problems"] == 11


def test_the_very_same_samples_are_no_news(osca, pools):
    shutil.copy(pools / "then.db", pools / "copy.db")
    words = ("check", "spec.yaml", "--against", "then.db", "--db", "copy.db")
    assert "nothing was drawn since then.db" in osca(*words, code=2).err

    osca("run", "spec.yaml", "--samples", "8", "--db", "copy.db")
    result = osca(*words, "--json", code=None)
    assert "176 samples are in both pools" in result.err
    assert result.json["models"][0]["problems"] == 11


def test_a_pool_of_something_else_is_told(osca, pools):
    text = (pools / "spec.yaml").read_text()
    (pools / "other.yaml").write_text(text.replace("name: sums", "name: more"))
    osca("run", "other.yaml", "--db", "other.db")

    said = osca("check", "other.yaml", "--against", "then.db", "--db", "other.db", code=2).err
    assert "then.db has no samples of what other.yaml samples" in said
