"""`osca plan --frontier`: other budgets, and rivals, instead of a plan."""

import pytest

COUNTS = "problem,configuration,n,correct\n" + "".join(
    f"p{i},{name},8,{i * k % 9}\n" for i in range(15) for k, name in enumerate("abc", 1)
)


@pytest.fixture
def counts(tmp_path):
    (tmp_path / "counts.csv").write_text(COUNTS)
    return tmp_path


def test_a_frontier_shows_budgets_around_the_one_asked_for_and_writes_no_plan(osca, counts):
    found = osca("plan", "counts.csv", "--frontier", "--budget", "2", "--json").json

    assert [point["budget"]["samples"] for point in found["frontier"]] == [1, 2, 3, 4, 6, 8]
    plan = osca("plan", "counts.csv", "--budget", "2", "--json").json
    at_two = found["frontier"][1]
    assert at_two["plan"]["pass_rate"] == pytest.approx(plan["expected"]["pass_rate"])
    assert at_two["uniform"]["plan_gains"]["value"] == pytest.approx(plan["gain"]["over_uniform"]["value"])
    assert not (counts / "plan.yaml").exists()


def test_a_list_of_budgets_is_taken_as_it_is(osca, counts):
    shown = osca("plan", "counts.csv", "--frontier", "--budget", "4,1").out

    assert shown.index("1 samples") < shown.index("4 samples")
    assert "2 samples" not in shown
    assert "plan         " in shown, "a sparkline has the name of its curve"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-o", "plan.yaml"], "writes no plan"),
        (["--advise"], "leave out --advise"),
        (["--budget", "1,0.1usd"], "of one kind"),
        ([], "has no budget; say --budget 8"),
    ],
)
def test_what_a_frontier_cannot_do_is_refused(osca, counts, words, why):
    assert why in osca("plan", "counts.csv", "--frontier", *words, code=2).err
