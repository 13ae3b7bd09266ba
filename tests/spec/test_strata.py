"""Strata in the spec: the field, what is expected of each value, and the plan that a problem takes."""

import json

import pytest

from osca_cli.model import Problem
from osca_cli.spec.strata import applies, unseen
from tests.spec.conftest import SMALLEST, edited

STRATA = ("held_out: 0.5", "held_out: 0.5\n    strata: topic")
VOLUME = "held_out: 0.5\n    strata: topic\n    volume: {%s}"


def test_strata_name_a_field_and_volume_its_values(load):
    text = edited(("held_out: 0.5", VOLUME % '0: 70, 1: 20, "*": 10'))
    (task,) = load(text).tasks

    assert (task.strata, task.volume) == ("topic", 100)
    assert task.volumes == {"0": 70, "1": 20, "*": 10}
    assert task.train[0].tags["topic"] == task.train[0].fields["topic"]


@pytest.mark.parametrize(
    ("new", "at", "fault"),
    [
        ("held_out: 0.5\n    strata: topc", "8:13", "strata: no problem has a field 'topc'; did you mean"),
        ("held_out: {share: 0.5, by: topic}\n    strata: topic", "8:13", "strata: every value of 'topic'"),
        (VOLUME % '0: 70, 9: 1, "*": 10', "9:21", "volume.9: no problem has the value '9'"),
        (VOLUME % "0: 70, 1: 20", "9:5", "volume: has no '2'; add it, or '*' for all others"),
        ("held_out: 0.5\n    volume: {0: 70}", "8:5", "volume: is by value, but of which field? Add"),
        (VOLUME % "0: 0", "9:17", "volume.0: must be above 0"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_was_made(faults_of, new, at, fault):
    assert faults_of(edited(("held_out: 0.5", new)))[0].startswith(f"spec.yaml:{at}: tasks[0].{fault}")


def test_strata_are_made_of_texts_and_numbers(faults_of, folder):
    rows = [json.loads(line) for line in (folder / "sums.jsonl").read_text().splitlines()]
    rows[3]["topic"] = ["a", "b"]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert "sums.jsonl:4 is no text or number" in faults_of(edited(STRATA))[0]


A = "smollm2-135m-instruct/0.2/prompt1"
COMMON = f"    - {{task: sums, counts: {{{A}: 1}}}}\n"


def own(where: str) -> str:
    return f"    - {{task: sums, where: {{{where}}}, counts: {{{A}: 2}}}}\n"


def planned(*plans: str, text: str = SMALLEST) -> str:
    return f"{edited(STRATA, text=text)}allocation:\n  plans:\n{''.join(plans)}"


def test_plans_by_hand_are_for_a_value_or_several(load):
    plans = load(planned(own("topic: 1"), own("topic: [2, 3]"), COMMON)).allocation.plans_of("sums")

    assert [dict(plan.where) for plan in plans] == [{"topic": 1}, {"topic": [2, 3]}, {}]
    assert [plan.label for plan in plans] == ["sums, topic = 1", "sums, topic = 2 or 3", "sums"]


@pytest.mark.parametrize(
    ("plans", "fault"),
    [
        ([own("topic: 1")], "allocation.plans[0].where: other problems of task 'sums' have no plan"),
        ([COMMON, own("topic: 1")], "plans[1].where: the plan for all problems of task 'sums' stands"),
        ([own("topic: 1"), own("topic: 1"), COMMON], "a plan for task 'sums' with this where already"),
        ([own("topc: 1"), COMMON], "'topc' is no tag of task 'sums'; did you mean 'topic'?"),
        ([own("topic: {a: 1}"), COMMON], "allocation.plans[0].where.topic: must be"),
    ],
)  # fmt: skip
def test_a_plan_that_no_problem_reaches_is_a_fault(faults_of, plans, fault):
    assert fault in faults_of(planned(*plans))[0]


@pytest.mark.parametrize(
    ("tags", "meant"),
    [({"k": 1}, True), ({"k": "1"}, True), ({"k": True}, False), ({"k": None}, False), ({}, False)],
)
def test_values_are_compared_as_text(tags, meant):
    assert applies({"k": 1}, tags) is meant
    assert applies({"k": ["x", 1]}, tags) is meant
    assert applies({}, tags)


def test_problems_are_unseen_by_their_values():
    kinds = enumerate(["a", "a", "b", None])
    old, same, new, none = (Problem("t", str(i), {}, tags={"k": kind}) for i, kind in kinds)

    assert unseen([same, new, none], [old], ["k"]) == [new, none]
