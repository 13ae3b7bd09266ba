"""What a dry run says: added up, and whether it comes true for plans that are executed and measured."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.run.forecast import Line, add_up, dearest, drawn_shares
from osca_cli.spec.types import Place, PlannedTask
from tests.faultserver.server import Asked, Reply, answer
from tests.run.hosted import charged, edit


def planned(osca, tmp_path) -> dict:
    edit(
        tmp_path / "spec.yaml",
        "    verifier: {type: number}\n",
        "    verifier: {type: number}\n    held_out: 0.4\n",
    )
    osca("run", "spec.yaml")
    osca("plan", "spec.yaml", "--budget", "3")
    return osca("plan", "spec.yaml", "--budget", "3", "--json").json


def mostly_wrong(asked: Asked) -> Reply | None:
    return answer(asked, text="I do not know.") if asked.number % 3 else None


def test_executing_is_forecast_with_stopping_and_at_its_worst(osca, serve, tmp_path):
    server = serve(mostly_wrong, problems=30)
    expected = planned(osca, tmp_path)["expected"]
    before, asked = charged(server), len(server.asked)

    said = osca("run", "plan.yaml", "--dry-run", "--json").json
    done = osca("run", "plan.yaml", "--json").json

    problems = done["tasks"][0]["problems"]
    assert said["to_draw"] == 3 * problems
    assert said["draws"] == pytest.approx(expected["samples"] * problems, rel=0.01)
    assert len(server.asked) - asked == done["drawn"]
    assert said["usd"] == pytest.approx(charged(server) - before, rel=0.25)
    assert said["draws"] < said["to_draw"]
    assert said["usd"] < said["usd_at_most"]
    assert said["prices"]["box/tiny"] == {
        "input": 1000, "cached_input": 1000, "output": 2000, "sample": 0, "second": 0, "source": "the spec",
    }  # fmt: skip
    assert "box/tiny: USD 1000 in, 1000 cached, 2000 out per million tokens (the spec, 20" in (
        osca("run", "plan.yaml", "--dry-run").out
    )


def test_measuring_is_forecast_to_the_sample(osca, serve, tmp_path):
    server = serve(lambda _: None)
    planned(osca, tmp_path)
    before = charged(server)

    said = osca("run", "plan.yaml", "--measure", "--dry-run", "--json").json
    done = osca("run", "plan.yaml", "--measure", "--json").json

    assert said["to_draw"] == said["draws"] == done["drawn"] > 0
    assert said["usd"] == pytest.approx(charged(server) - before, rel=0.05)
    assert charged(server) - before < said["usd_at_most"]


def test_what_is_there_is_not_forecast_again(osca, serve, tmp_path):
    serve(lambda _: None)
    planned(osca, tmp_path)
    osca("run", "plan.yaml", "--measure")

    said = osca("run", "plan.yaml", "--dry-run", "--json").json

    assert (said["to_draw"], said["draws"], said["usd_at_most"]) == (0, 0, 0)
    assert said["there"] > 0


def test_a_plan_that_expects_nothing_has_no_expected_spend(osca, serve, tmp_path):
    serve(lambda _: None)
    edit(
        tmp_path / "spec.yaml",
        "    verifier: {type: number}\n",
        "    verifier: {type: number}\n    held_out: 0.4\n",
    )
    with (tmp_path / "spec.yaml").open("a") as file:
        file.write("allocation: {plans: [{task: sums, counts: {one: 2}}]}\n")

    said = osca("run", "spec.yaml", "--dry-run", "--json").json

    assert (said["draws"], said["usd"]) == (None, None)
    assert said["usd_at_most"] > 0


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.floats(0, 1))
def test_shares_add_up_to_the_expected_samples_and_fall_along_the_schedule(schedule, part):
    counts = {name: schedule.count(name) for name in set(schedule)}
    expected = 1 + part * (len(schedule) - 1)
    block = {"expected": {"samples": expected}}
    shares = drawn_shares(PlannedTask("t", counts, tuple(schedule), block, Place(1, 1)))

    assert shares is not None
    assert sum(shares[name] * counts[name] for name in counts) == pytest.approx(expected, abs=1e-6)
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares[schedule[0]] * counts[schedule[0]] >= 1 - 1e-9


def test_the_most_that_some_lines_can_come_to_is_told_figure_by_figure():
    many_and_cheap = Line(undrawn=9, most_tokens=90, most_usd=0.1)
    few_and_dear = Line(undrawn=1, most_tokens=10, most_usd=5.0)
    between = Line(undrawn=3, most_tokens=30, most_usd=1.0)

    most = dearest([many_and_cheap, few_and_dear, between], 2)

    assert (most.undrawn, most.most_tokens, most.most_usd) == (12, 120, 6.0)


def test_lines_that_draw_nothing_do_not_count_and_none_of_none_is_nothing():
    assert dearest([Line(undrawn=0, most_usd=None), Line(undrawn=2, most_usd=1.0)], 2).most_usd == 1.0
    assert dearest([Line(undrawn=2)], 0).undrawn == 0


def test_what_one_line_does_not_know_the_sum_does_not():
    known, unknown = Line(undrawn=1, most_usd=1.0), Line(undrawn=1, most_usd=None)

    assert dearest([known, known, unknown], 1).most_usd is None
    assert add_up([known, unknown]).most_usd is None


def test_a_shared_plan_is_forecast_as_deep_as_it_expects_to_reach(osca, spec_folder):
    text = (spec_folder / "spec.yaml").read_text().replace("samples: 4}\n", "samples: 4, share: problems}\n")
    (spec_folder / "shared.yaml").write_text(
        text.replace("pilot: {samples: 4, share: problems}", "pilot: {samples: 4}")
    )
    osca("run", "shared.yaml")
    plan = osca("plan", "shared.yaml", "-o", "plan.yaml", "--json").json

    found = osca("run", "plan.yaml", "--dry-run", "--json").json

    problems = osca("validate", "shared.yaml", "--json").json["tasks"][0]["held_out"]
    expected = plan["expected"]
    assert plan["beyond"]
    assert expected["pass_rate_shared"] > expected["pass_rate"]
    assert expected["samples_shared"] <= 4 + 1e-9
    assert found["draws"] == pytest.approx(problems * expected["samples_shared"], rel=0.02)
    assert found["to_draw"] == problems * math.ceil(round(expected["depth_shared"], 1))
