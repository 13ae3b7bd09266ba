"""What a spec asks for: shortcuts in making cells change no identity."""

import json
from pathlib import Path

import pytest

from osca_cli.backends import open_backends
from osca_cli.errors import UsageError
from osca_cli.identity import canonical_json, digest, request_hash, request_identity
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.load import load_spec

SPEC = """\
version: 1
prompts:
  plain: "{{ question }}"
  told: [{role: system, content: "In {{ language }}."}, {role: user, content: "{{ question }}"}]
  open: {completion: "Q: {{ question }}\\nA:"}
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    verifier: {type: number}
configurations:
  - grid: {model: [scripted/a, scripted/b], temperature: [0, 0.5, 1.0], prompt: [plain, open]}
    max_tokens: 64
  - grid: {model: [scripted/a], prompt: [told], vars: {language: [German, French]}}
    extra: {"nul": "\\0", "é": [1.0, {"b": null, "a": true}]}
  - {name: system, model: scripted/a, prompt: plain, system: Be terse., revision: "2026-11"}
  - {name: twin, model: scripted/a, temperature: 0.5, prompt: plain, max_tokens: 64}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"id": f"p{i}", "question": f'{i} + "{i}" \\ é \x00?', "answer": 2 * i} for i in range(5)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path


def make(folder: Path) -> tuple[list[Cell], list[tuple[str, str]]]:
    spec = load_spec(folder / "spec.yaml", environment={})
    maker = CellMaker(spec, open_backends(spec))
    [task] = spec.tasks
    arguments = (task, task.train, spec.configurations)
    return list(maker.cells(*arguments)), list(maker.ids(*arguments))


def test_ids_are_the_hashes_of_what_is_asked(folder):
    cells, ids = make(folder)

    assert len(cells) == 5 * 16
    for cell in cells:
        assert cell.body == canonical_json(request_identity(cell.request))
        assert cell.request_id == request_hash(cell.request)
    assert ids == [(cell.request_id, cell.check_id) for cell in cells]


def test_requests_are_equal_where_they_ask_the_same_and_only_there(folder):
    cells, _ = make(folder)
    of_one = {cell.configuration.name: cell.request_id for cell in cells if cell.problem.id == "p1"}

    assert of_one["a/0.5/plain"] == of_one["twin"]
    assert len(set(of_one.values())) == len(of_one) - 1
    assert len({cell.request_id for cell in cells}) == 5 * 15


def test_what_cells_have_in_common_is_shared(folder):
    cells, _ = make(folder)
    first = [cell for cell in cells if cell.problem.id == "p1"]

    assert len({id(cell.check) for cell in first}) == 3  # one for each set of variables
    assert len({id(cell.request.prompt) for cell in first}) == 5


def test_a_problem_is_another_once_a_field_changes(folder):
    before, _ = make(folder)
    path = folder / "sums.jsonl"
    path.write_text(path.read_text().replace('"answer": 2}', '"answer": 3}'))
    after, _ = make(folder)
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old.problem_id != new.problem_id]

    assert {old.problem.id for old, _ in pairs} == {"p1"}
    assert all(old.request_id == new.request_id and old.check_id != new.check_id for old, new in pairs)


def test_temperature_0_is_deterministic_where_the_backend_says_so(folder):
    cells, _ = make(folder)

    assert {c.configuration.name for c in cells if c.deterministic} == {
        f"{model}/0/{prompt}" for model in "ab" for prompt in ("plain", "open")
    }


def test_configurations_are_recorded_by_their_definition(folder):
    cells, _ = make(folder)
    cell = next(cell for cell in cells if cell.configuration.name == "system")

    assert json.loads(cell.definition)["model"] == "scripted/a"
    assert cell.configuration_id == digest(json.loads(cell.definition))


def test_a_task_without_a_verifier_is_not_run(folder):
    spec = load_spec(folder / "spec.yaml", environment={})
    [task] = spec.tasks
    object.__setattr__(task, "verifier", None)

    with pytest.raises(UsageError, match="it can be planned, not run"):
        list(CellMaker(spec, open_backends(spec)).ids(task, task.train, spec.configurations))
