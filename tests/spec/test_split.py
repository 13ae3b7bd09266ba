import hashlib

from hypothesis import given
from hypothesis import strategies as st

from osca_cli.model import Problem
from osca_cli.spec.split import find_twins, fraction, split_problems


def problems(ids, **fields):
    return [Problem("sums", str(each), {"topic": str(each)[-1], **fields}) for each in ids]


def test_the_fraction_is_pinned():
    """Another fraction would move problems between the sides, and what was held out would have been seen."""
    digest = hashlib.sha256(b'["sums","7"]').digest()

    assert fraction("sums", "7") == int.from_bytes(digest[:8]) / 2**64


@given(st.sets(st.integers(0, 999)), st.sets(st.integers(0, 999)), st.floats(0.01, 0.99))
def test_adding_problems_moves_none(some, more, share):
    before = split_problems(problems(some), share, None)
    after = split_problems(problems(some | more), share, None)

    assert {p.id for p in before[0]} <= {p.id for p in after[0]}
    assert {p.id for p in before[1]} <= {p.id for p in after[1]}


@given(st.sets(st.integers(0, 999)), st.floats(0, 1))
def test_the_sides_are_a_partition_in_file_order(ids, share):
    given_problems = problems(ids)
    train, held_out = split_problems(given_problems, share, None)

    assert sorted([*train, *held_out], key=given_problems.index) == given_problems
    assert list(train) == sorted(train, key=given_problems.index)


@given(st.floats(0.1, 0.9))
def test_a_group_is_never_on_both_sides(share):
    train, held_out = split_problems(problems(range(100)), share, "topic")

    assert not {p.fields["topic"] for p in train} & {p.fields["topic"] for p in held_out}


def test_about_the_share_is_held_out():
    assert 0.37 < len(split_problems(problems(range(10_000)), 0.4, None)[1]) / 10_000 < 0.43


def test_two_tasks_hold_out_different_problems():
    assert fraction("sums", "7") != fraction("products", "7")


def test_a_larger_share_holds_out_what_a_smaller_one_did():
    few = split_problems(problems(range(200)), 0.2, None)[1]
    many = split_problems(problems(range(200)), 0.5, None)[1]

    assert {p.id for p in few} < {p.id for p in many}


def test_twins_differ_in_their_ids_alone():
    one, same, other = (
        Problem("t", name, {"id": name, "q": q}) for name, q in [("1", "x"), ("2", "x"), ("3", "y")]
    )

    assert find_twins([one], [other, same], "id") == (one, same)
    assert find_twins([one], [other], "id") is None
