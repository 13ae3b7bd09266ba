from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.spec.allocation import interleave
from tests.spec.conftest import SMALLEST

A, B = "smollm2-135m-instruct/0.2/prompt1", "smollm2-135m-instruct/0.8/prompt1"


def plan(counts: str, more: str = "", task: str = "sums") -> str:
    return f"{SMALLEST}allocation:\n  plans:\n    - task: {task}\n      counts: {counts}\n{more}"


def test_by_hand_task_and_counts_are_enough(load):
    (planned,) = load(plan(f"{{{A}: 3, {B}: 1, smollm2-135m-instruct/1.2/prompt1: 0}}")).allocation.plans

    assert planned.counts == {A: 3, B: 1}
    assert planned.schedule == (A, A, B, A)


def test_a_schedule_is_written_in_runs(load):
    schedule = f"      schedule: [{B}: 1, {A}: 2]\n"

    assert load(plan(f"{{{A}: 2, {B}: 1}}", schedule)).allocation.plans[0].schedule == (B, A, A)


def test_what_osca_writes_beside_is_kept(load):
    block = load(plan(f"{{{A}: 1}}", "      expected: {pass_rate: 0.5}\n")).allocation.plans[0].block

    assert block["expected"] == {"pass_rate": 0.5}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            plan(f"{{{A}: 2}}", f"      schedule: [{A}: 1, {B}: 1]\n"),
            f"allocation.plans[0].schedule: draws '{A}' 1 times, but counts say 2 (in all 2 and 2 samples)",
        ),
        (plan(f"{{{A}: 1}}", task="sum"), "no task is named 'sum'; did you mean 'sums'?"),
        (
            plan("{smollm2-135m-instruct/0.9/prompt1: 1}"),
            "the spec has no configuration 'smollm2-135m-instruct/0.9/prompt1' for task 'sums'; did you mean",
        ),
        (plan(f"{{{A}: 0}}"), "draws nothing"),
        (plan(f"{{{A}: -1}}"), "must be at least 0, not -1"),
        (
            plan(f"{{{A}: 1}}", f"    - {{task: sums, counts: {{{A}: 1}}}}\n"),
            "there is a plan for task 'sums' already",
        ),
        (
            plan(f"{{{A}: 5}}").replace("max_tokens: 64", "max_samples: 4"),
            f"5 samples, but max_samples of '{A}' is 4",
        ),
    ],
    ids=["sums", "task", "configuration", "nothing", "negative", "twice", "cap"],
)
def test_mistakes_are_faults(faults_of, text, fault):
    assert fault in faults_of(text)[0]


counts = st.dictionaries(st.text("abc", min_size=1), st.integers(0, 20), min_size=1, max_size=6)


@given(counts)
def test_interleaving_draws_exactly_the_counts(given_counts):
    assert Counter(interleave(given_counts)) == Counter({name: n for name, n in given_counts.items() if n})


@given(counts)
def test_interleaving_is_even(given_counts):
    """In every prefix each configuration has its share, give or take a sample."""
    schedule = interleave(given_counts)
    for length in range(len(schedule) + 1):
        drawn = Counter(schedule[:length])
        for name, count in given_counts.items():
            assert abs(drawn[name] - count * length / max(len(schedule), 1)) <= len(given_counts)
