"""Budgets in the spec: their kinds, `per`, and what tasks share."""

import pytest

from osca_cli.errors import SpecError
from osca_cli.spec.load import load_spec
from osca_cli.spec.types import Budget

TASKS = """\
version: 1
tasks:
  - {name: a, outcomes: a.csv%s}
  - {name: b, outcomes: a.csv%s}
"""


def loaded(folder, budget, a="", b=""):
    (folder / "a.csv").write_text("problem,configuration,n,correct\n")
    (folder / "spec.yaml").write_text(TASKS % (a, b) + f"budget: {budget}\n")
    return load_spec(folder / "spec.yaml", environment={})


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("{samples: 8}", Budget("samples", 8)),
        ("{usd: 30, per: 1000}", Budget("usd", 0.03)),
        ("{output_tokens: 2e4}", Budget("output_tokens", 20000)),
        ("{seconds: 90, share: none}", Budget("seconds", 90)),
        ("{samples: 8000, per: 1000}", Budget("samples", 8)),
        ("{samples: 5, per: 2, share: tasks}", Budget("samples", 2.5, "tasks")),
    ],
)
def test_a_budget_is_an_amount_of_one_kind_for_each_problem(tmp_path, text, budget):
    assert loaded(tmp_path, text).budget == budget


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{samples: 8, usd: 1}", "5:9: budget: a budget is in one of samples, usd, output_tokens, seconds,"),
        ("{per: 1000}", "and this is in none; write one"),
        ("{usd: 0}", "5:15: budget.usd: must be above 0"),
        ("{samples: 5, per: 2}", "5:27: budget.per: 5 samples for 2 problems are 2.5 for each"),
        ("{samples: 8, share: all}", "budget.share: must be one of none, tasks, problems"),
        ("{eur: 3}", "5:10: budget.eur: unknown key"),
    ],
)
def test_what_is_wrong_with_a_budget_is_said_at_its_place(tmp_path, text, fault):
    with pytest.raises(SpecError) as error:
        loaded(tmp_path, text)
    assert fault in str(error.value)


def test_tasks_have_volumes_weights_and_budgets_of_their_own(tmp_path):
    a, b = loaded(tmp_path, "{samples: 8}", ", volume: 700, weight: 2", ", budget: {usd: 1, per: 10}").tasks
    assert (a.volume, a.weight, a.budget) == (700, 2, None)
    assert (b.volume, b.weight, b.budget) == (None, 1, Budget("usd", 0.1))


def test_either_all_tasks_that_share_have_a_volume_or_none(tmp_path):
    with pytest.raises(SpecError, match=r"spec.yaml:4:5: tasks\[1\]: task 'b' has no volume, but 'a' has"):
        loaded(tmp_path, "{samples: 8, share: tasks}", ", volume: 700")
    assert loaded(tmp_path, "{samples: 8}", ", volume: 700").tasks[0].volume == 700
    assert loaded(tmp_path, "{samples: 8, share: tasks}", ", volume: 7", ", budget: {samples: 3}")


def test_a_budget_of_its_own_cannot_be_shared_with_other_tasks(tmp_path):
    with pytest.raises(SpecError, match=r"budget\.share: must be one of none, problems"):
        loaded(tmp_path, "{samples: 8}", ", budget: {samples: 3, share: tasks}")
