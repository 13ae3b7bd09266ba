import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.errors import OutcomesError
from osca_cli.outcomes.files import read_outcomes, write_outcomes
from osca_cli.outcomes.types import Outcomes


def same(a: Outcomes, b: Outcomes) -> None:
    assert a.configurations == b.configurations
    assert a.problems == b.problems
    for name in ("n", "c", "max_samples", "deterministic", "train", "held_out"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)
    assert set(a.costs) == set(b.costs)
    for kind in a.costs:
        np.testing.assert_array_equal(a.costs[kind], b.costs[kind])


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=6)


@st.composite
def any_outcomes(draw, *, even: bool = False, plain: bool = False) -> Outcomes:
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    problems = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    shape = (len(names), len(problems))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = np.repeat(rng.integers(1, 9, (shape[0], 1)), shape[1], axis=1) if even else rng.integers(0, 9, shape)
    n[0, 0] = max(n[0, 0], 1)
    deterministic = np.zeros(shape[0], bool) if plain else rng.random(shape[0]) < 0.3
    c = np.where(deterministic[:, None], n * rng.integers(0, 2, shape), rng.integers(0, n + 1))
    cost = np.where(rng.random(shape) < 0.3, np.nan, rng.random(shape))
    cost[0, 0] = 0.0
    side = rng.integers(0, 4, shape[1]) if not even else rng.integers(1, 4, shape[1])
    return Outcomes.of(
        names,
        problems,
        n,
        c,
        costs={} if plain else {"usd": cost, "seconds": 2 * cost},
        max_samples=None if plain else rng.choice([3, 2**53], shape[0]),
        deterministic=deterministic,
        train=side & 1,
        held_out=side & 2,
        tags={} if plain else {problems[0]: {"topic": "x", "year": 2024}},
    )


@settings(deadline=None, max_examples=50)
@given(any_outcomes())
def test_json_holds_everything(tmp_path_factory, outcomes):
    path = tmp_path_factory.mktemp("a") / "a.json"
    write_outcomes(outcomes, path, "outcomes")
    back = read_outcomes(path)
    same(outcomes, back)
    assert back.tags == outcomes.tags


@settings(deadline=None, max_examples=50)
@given(any_outcomes())
def test_csv_holds_all_but_tags(tmp_path_factory, outcomes):
    path = tmp_path_factory.mktemp("a") / "a.csv"
    write_outcomes(outcomes, path, "csv")
    same(outcomes, read_outcomes(path))


@settings(deadline=None, max_examples=50)
@given(any_outcomes())
def test_parquet_holds_all_but_tags(tmp_path_factory, outcomes):
    pytest.importorskip("pyarrow")
    path = tmp_path_factory.mktemp("a") / "a.parquet"
    write_outcomes(outcomes, path, "parquet")
    same(outcomes, read_outcomes(path))


@settings(deadline=None, max_examples=50)
@given(any_outcomes(even=True, plain=True))
def test_the_release_format_holds_even_counts(tmp_path_factory, outcomes):
    path = tmp_path_factory.mktemp("a") / "a.json"
    write_outcomes(outcomes, path, "osca-release")
    back = read_outcomes(path)
    row = [back.problems.index(problem) for problem in outcomes.problems]
    np.testing.assert_array_equal(back.c[:, row], outcomes.c)
    np.testing.assert_array_equal(back.n[:, row], outcomes.n)
    np.testing.assert_array_equal(back.train[row], outcomes.train)
    np.testing.assert_array_equal(back.held_out[row], outcomes.held_out)


def test_the_release_format_refuses_uneven_counts(tmp_path):
    with pytest.raises(OutcomesError, match="'a' has unequal sample counts"):
        write_outcomes(
            Outcomes.of(["a"], ["p", "q"], [[1, 2]], [[0, 0]]), tmp_path / "a.json", "osca-release"
        )


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(OutcomesError, match=r"osca\[parquet\]"):
        read_outcomes(tmp_path / "a.parquet")


RELEASE = {
    "settings": [{"name": "a", "runs": 4}],
    "training_instances": ["p", "q"],
    "testing_instances": ["q"],
    "train": {"0": [1, 2]},
    "test": {"0": [2]},
}


def test_a_problem_on_both_lists_of_a_release_is_one_problem_on_both_sides(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(RELEASE))
    outcomes = read_outcomes(tmp_path / "a.json")
    assert outcomes.problems == ("p", "q")
    assert outcomes.overlap.tolist() == [False, True]


def test_a_problem_with_two_counts_in_a_release_is_refused(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(RELEASE | {"test": {"0": [3]}}))
    with pytest.raises(OutcomesError, match="configuration 'a', problem 'q': correct is 2 under train and 3"):
        read_outcomes(tmp_path / "a.json")


DOCUMENT = {
    "settings": [{"name": "a", "runs": 4, "cost_per_sample": 0.5, "max_samples": 3}, {"name": "b"}],
    "problems": ["p", "q"],
    "n": [[4, 4], [0, 3]],
    "correct": [[1, 4], [0, 0]],
    "cost": None,
    "alt_cost": {"unit": "agent wall-clock minutes per trial", "per_sample": [2, None], "cells": None},
    "tags": {"p": {"topic": "x"}},
    "split": {"train": ["p"], "test": ["q"]},
}


def test_costs_per_sample_stand_for_their_cells_and_minutes_become_seconds(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(DOCUMENT))
    outcomes = read_outcomes(tmp_path / "a.json")
    np.testing.assert_array_equal(outcomes.costs["usd"], [[0.5, 0.5], [np.nan, np.nan]])
    np.testing.assert_array_equal(outcomes.costs["seconds"], [[120, 120], [np.nan, np.nan]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n": [[4, 4], [0, 3.5]]}, "configuration 'b', problem 'q': n must be a whole number"),
        ({"n": [[4, True], [0, 3]]}, "configuration 'a', problem 'q': n must be a whole number"),
        ({"n": [[4, 4]]}, "n: want one row for each of the 2 settings"),
        ({"n": [[4], [0, 3]]}, "configuration 'a': want 2 values"),
        ({"correct": [[1, 5], [0, 0]]}, "configuration 'a', problem 'q': more passes than samples"),
        ({"cost": [[1, 2], [3, "x"]]}, "configuration 'b', problem 'q': cost"),
        ({"split": {"train": ["p"], "test": ["z"]}}, "split.test: 'z' is not among the problems"),
        ({"problems": ["p", "p"], "split": None, "tags": None}, "problem 'p' stands twice"),
        ({"settings": []}, "settings: want a list"),
        ({"tags": {"z": {}}}, "tags name problem 'z'"),
        ({"n": [[0, 0], [0, 0]], "correct": [[0, 0], [0, 0]]}, "holds no sample"),
    ],
)
def test_a_faulty_document_is_refused_with_its_place(tmp_path, change, words):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(DOCUMENT | change))
    with pytest.raises(OutcomesError) as error:
        read_outcomes(path)
    assert words in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("problem,configuration,n\np,a,1\n", "lacks the column 'correct'"),
        (
            "problem,configuration,n,correct\np,a,1,0\np,a,1,0\n",
            "row 2: configuration 'a', problem 'p' stands twice",
        ),
        (
            "problem,configuration,n,correct\np,a,1.5,0\n",
            "configuration 'a', problem 'p': n must be a whole number",
        ),
        ("problem,configuration,n,correct\np,a,1\n", "row 1: has another number of fields"),
        ("problem,configuration,n,correct,split\np,a,1,0,dev\n", "problem 'p': split must be"),
        (
            "problem,configuration,n,correct,split\np,a,1,0,train\np,b,1,0,test\n",
            "its rows disagree on split",
        ),
        ("problem,configuration,n,correct,cost\np,a,1,0,-1\n", "cost must be a finite number"),
        ("problem,configuration,n,correct,colour\np,a,1,0,red\n", "unknown column 'colour'"),
    ],
)
def test_a_faulty_table_is_refused_with_its_place(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(OutcomesError) as error:
        read_outcomes(tmp_path / "a.csv")
    assert words in str(error.value)


def test_a_missing_file_is_one_message(tmp_path):
    with pytest.raises(OutcomesError, match="cannot be read: No such file"):
        read_outcomes(tmp_path / "none.json")


def mutated(text: bytes, chance: random.Random) -> bytes:
    """Damage a file as editors, networks and programs do."""
    pieces = [
        b"",
        b"null",
        b"-1",
        b"1e999",
        b"0.5",
        b'"x"',
        b"[]",
        b"{}",
        b"NaN",
        b"9" * 5000,
        b"\xff",
        b"[" * 3000,
        b",",
    ]
    at = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    match chance.randrange(4):
        case 0:
            return text[: at[0]] + text[at[1] :]
        case 1:
            return text[: at[0]] + chance.choice(pieces) + text[at[0] :]
        case 2:
            return text[: at[0]] + text[at[0] : at[1]] * 2 + text[at[1] :]
        case _:
            tokens = text.replace(b",", b"\0,\0").replace(b"]", b"\0]\0").replace(b":", b"\0:\0").split(b"\0")
            tokens[chance.randrange(len(tokens))] = chance.choice(pieces)
            return b"".join(tokens)


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_mutated_files_are_read_or_refused_but_never_crash(tmp_path, suffix):
    chance = random.Random(0)
    sources = [tmp_path / f"{name}.{suffix}" for name in ("outcomes", "release")]
    if suffix == "json":
        sources[0].write_text(json.dumps(DOCUMENT))
        sources[1].write_text(json.dumps(RELEASE))
    else:
        (tmp_path / "first.json").write_text(json.dumps(DOCUMENT))
        for source in sources:
            write_outcomes(read_outcomes(tmp_path / "first.json"), source, "csv")
    refused = 0
    for _ in range(1000):
        path = tmp_path / f"mutated.{suffix}"
        path.write_bytes(mutated(chance.choice(sources).read_bytes(), chance))
        try:
            read_outcomes(path)
        except OutcomesError:
            refused += 1
    assert 500 < refused < 1000
