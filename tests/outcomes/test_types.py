import numpy as np
import pytest

from osca_cli.errors import OutcomesError
from osca_cli.outcomes.types import UNLIMITED, Outcomes


def test_what_is_left_out_is_no_cost_no_cap_and_all_training():
    outcomes = Outcomes.of(["a"], ["p", "q"], [[3, 0]], [[1, 0]])
    assert outcomes.train.all()
    assert not outcomes.held_out.any()
    assert outcomes.max_samples.tolist() == [UNLIMITED]
    assert not outcomes.costs


@pytest.mark.parametrize(
    ("n", "c", "more", "words"),
    [
        ([[1, -1]], [[0, 0]], {}, "configuration 'a', problem 'q': n is negative"),
        ([[1, 1]], [[0, 2]], {}, "configuration 'a', problem 'q': more passes than samples"),
        ([[1, 1]], [[-1, 0]], {}, "configuration 'a', problem 'p': correct is negative"),
        ([[1]], [[0]], {}, "shape"),
        ([[1, 1]], [[0, 0]], {"costs": {"usd": [[1, -2]]}}, "problem 'q': cost in usd"),
        ([[1, 1]], [[0, 0]], {"costs": {"usd": [[np.inf, 2]]}}, "problem 'p': cost in usd"),
        ([[1, 1]], [[0, 0]], {"max_samples": [-1]}, "configuration 'a': max_samples"),
        ([[1, 4]], [[0, 2]], {"deterministic": [True]}, "problem 'q': is marked deterministic"),
        ([[1, 1]], [[0, 0]], {"tags": {"r": {}}}, "tags name problem 'r'"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_cell(n, c, more, words):
    with pytest.raises(OutcomesError, match=words.replace("(", r"\(")):
        Outcomes.of(["a"], ["p", "q"], n, c, **more)


def test_names_must_be_unique():
    with pytest.raises(OutcomesError, match="configuration 'a' stands twice"):
        Outcomes.of(["a", "a"], ["p"], [[1], [1]], [[0], [0]])
    with pytest.raises(OutcomesError, match="problem 'p' stands twice"):
        Outcomes.of(["a"], ["p", "p"], [[1, 1]], [[0, 0]])


def test_counts_cannot_be_changed():
    outcomes = Outcomes.of(["a"], ["p"], [[1]], [[0]])
    with pytest.raises(ValueError, match="read-only"):
        outcomes.n[0, 0] = 2


def test_selecting_keeps_everything_of_what_is_selected():
    outcomes = Outcomes.of(
        ["a", "b"],
        ["p", "q", "r"],
        [[1, 2, 3], [4, 5, 6]],
        [[0, 1, 2], [3, 4, 5]],
        costs={"usd": [[1, 2, 3], [4, 5, 6]]},
        max_samples=[7, 8],
        train=[1, 1, 0],
        held_out=[0, 1, 1],
        tags={"q": {"topic": "x"}},
    )
    part = outcomes.select([1], outcomes.held_out)
    assert part.configurations == ("b",)
    assert part.problems == ("q", "r")
    assert part.n.tolist() == [[5, 6]]
    assert part.c.tolist() == [[4, 5]]
    assert part.costs["usd"].tolist() == [[5, 6]]
    assert part.max_samples.tolist() == [8]
    assert part.train.tolist() == [True, False]
    assert part.tags == {"q": {"topic": "x"}}
    assert outcomes.overlap.tolist() == [False, True, False]
