"""An old plan beside a new one: what choosing anew gains, and what other configurations would add."""

import json

import numpy as np
import pytest

from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.against import against
from osca_cli.spec.types import Budget


def outcomes(rates: list[list[float]], problems: int = 120, n: int = 16, seed: int = 0) -> Outcomes:
    """Configurations a, b, … on problems of as many kinds as there are columns."""
    random = np.random.default_rng(seed)
    cells = np.tile(np.array(rates), problems // len(rates[0]) + 1)[:, :problems]
    names = "abcdef"[: len(rates)]
    return Outcomes.of(
        list(names), [f"p{i}" for i in range(problems)], np.full(cells.shape, n), random.binomial(n, cells)
    )


HALVES = [[0.8, 0.05], [0.05, 0.8], [0.06, 0.06]]


def compared(table: Outcomes, old: dict[str, int], new: dict[str, int], **more):
    return against(table, Budget("samples", 4), old, new, task="t", estimator="plugin", **more)


def test_a_better_allocation_changes_the_plan_and_an_equal_one_does_not():
    table = outcomes(HALVES)
    better = compared(table, {"a": 4}, {"a": 2, "b": 2})
    equal = compared(table, {"a": 2, "b": 2}, {"a": 2, "b": 2})

    assert better.changes
    assert better.gain.value == pytest.approx(0.4, abs=0.1)
    assert not equal.changes
    assert equal.gain.value == pytest.approx(0, abs=0.02)


def test_a_configuration_in_neither_is_worth_what_it_solves_in_the_place_of_the_last_sample():
    table = outcomes([[0.3], [0.3], [0.0]], problems=200)
    [useless] = compared(table, {"a": 2, "b": 2}, {"a": 2, "b": 2}).marginals

    # Without the last sample 0.7^3 fail, and it solves 0.3 of them.
    assert useless.name == "c"
    assert useless.gain.value == pytest.approx(-(0.7**3) * 0.3, abs=0.01)
    assert not useless.pays


def test_dearer_samples_take_the_place_of_as_much_spend():
    table = outcomes([[0.3], [0.3], [0.6]], problems=200)
    costs = np.repeat([[1.0], [1.0], [4.0]], 200, axis=1)
    priced = Outcomes.of(table.configurations, table.problems, table.n, table.c, costs={"usd": costs})
    found = against(priced, Budget("usd", 4), {"a": 4}, {"b": 4}, task="t", estimator="plugin")
    [dear] = found.marginals

    # A quarter of a sample solves a quarter of 0.6; the last cheap one solves 0.3.
    assert dear.gain.value == pytest.approx(0.7**3 * (0.6 / 4 - 0.3), abs=0.01)


def test_of_configurations_that_add_nothing_none_is_said_to_pay():
    said = [
        one.pays
        for seed in range(10)
        for one in compared(outcomes([[0.3], [0.3], [0.3], [0.3]], seed=seed), {"a": 4}, {"a": 4}).marginals
    ]

    assert len(said) == 30
    assert sum(said) <= 1


def test_what_the_old_plan_draws_and_nobody_has_now_cannot_be_compared():
    found = compared(outcomes(HALVES), {"gone": 4}, {"a": 2, "b": 2}, learned_from=frozenset({"p1", "x"}))

    assert found.gain is None
    assert found.gone == ("gone",)
    assert found.learned_from == 1


def test_a_new_model_changes_the_plan_on_the_command_line(osca, tmp_path):
    table = outcomes(HALVES)
    names, n = ["a", "b", "c"], 16
    rows = ["problem,configuration,n,correct"]
    rows += [
        f"{problem},{name},{n},{table.c[row, column]}"
        for row, name in enumerate(names)
        for column, problem in enumerate(table.problems)
    ]
    (tmp_path / "counts.csv").write_text("\n".join(rows) + "\n")
    osca("plan", "counts.csv", "--budget", "4", "--only", "[ac]", "-o", "old.yaml")
    result = osca("plan", "counts.csv", "--budget", "4", "--against", "old.yaml")

    assert "choosing anew gains over old.yaml: +" in result.out
    [found] = osca("plan", "counts.csv", "--budget", "4", "--against", "old.yaml", "--json").json["against"]
    assert found["changes"] is True
    assert found["gain"]["interval"][0] > 0
    assert found["learned_from"] == 120
    assert "flatters" in result.out


def test_a_file_without_plans_cannot_be_compared_with(osca, tmp_path):
    (tmp_path / "counts.csv").write_text("problem,configuration,n,correct\np,a,4,2\nq,a,4,1\n")
    (tmp_path / "old.yaml").write_text("version: 1\n")
    words = ("plan", "counts.csv", "--against", "old.yaml")

    assert "has no allocation" in osca(*words, "--budget", "2", code=2).err
    (tmp_path / "old.yaml").write_text(json.dumps({"allocation": {"plans": [3]}}))
    assert "no task and counts" in osca(*words, "--budget", "2", code=2).err
