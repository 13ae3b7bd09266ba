"""Filters of problems."""

import pytest

from osca_cli.spec.where import matches

PROBLEM = {"level": 3, "kind": "sum", "hard": True, "date": "2026-07-02", "csv": "12"}


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({}, True),
        ({"level": 3}, True),
        ({"level": [1, 3], "kind": "sum"}, True),
        ({"level": [1, 2]}, False),
        ({"hard": True}, True),
        ({"hard": "True"}, False),
        ({"level": True}, False),
        ({"missing": 1}, False),
        ({"date": {"from": "2026-07-01"}}, True),
        ({"date": {"from": "2026-07-02", "to": "2026-07-02"}}, True),
        ({"date": {"to": "2026-07-01"}}, False),
        ({"level": {"from": 2, "to": 3}}, True),
        ({"csv": {"from": 9}}, True),
        ({"csv": 12}, True),
        ({"kind": {"from": 1}}, False),
    ],
)
def test_a_problem_is_kept_where_every_key_matches(where, kept):
    assert matches(PROBLEM, where) is kept
