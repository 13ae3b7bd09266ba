"""The spec of generated problems at two difficulties is valid where their package is there."""

import shutil

import pytest

from tests.conftest import ROOT


def test_five_families_of_problems_are_there_at_two_difficulties(osca, tmp_path):
    pytest.importorskip("reasoning_gym")
    shutil.copy(ROOT / "specs" / "reasoning.yaml", tmp_path)

    facts = osca("validate", "reasoning.yaml", "--json").json

    assert len(facts["tasks"]) == 10
    assert all(task["train"] + task["held_out"] == 12 for task in facts["tasks"])
