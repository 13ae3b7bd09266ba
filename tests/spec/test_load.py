# ruff: noqa: E501 - messages are quoted whole
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osca_cli import registry
from osca_cli.errors import OscaError, UsageError
from osca_cli.model import Completion
from osca_cli.spec.load import load_document, load_spec, spec_hash
from osca_cli.spec.prompts import render
from osca_cli.spec.types import ChatTemplate
from tests.spec.conftest import SMALLEST, edited

GRID = '{model: [llama_cpp/smollm2-135m-instruct], temperature: [0.2, 0.8, 1.2], prompt: ["{{ question }}"]}'


def names(spec):
    return [configuration.name for configuration in spec.configurations]


def test_the_smallest_spec_loads_with_its_defaults(load):
    spec = load()

    assert names(spec) == [f"smollm2-135m-instruct/{t}/prompt1" for t in (0.2, 0.8, 1.2)]
    (task,) = spec.tasks
    assert len(task.train) + len(task.held_out) == 20
    assert task.train
    assert task.held_out
    assert task.train[0].reference == 2 * int(task.train[0].id)
    assert (spec.pilot_samples, spec.seed, str(spec.budget), spec.name) == (8, 0, "8 samples", "spec")
    assert [a.metric for a in spec.check.assertions] == ["gain.over_best_pure"]
    assert spec.backends["llama_cpp"].provider == "llama_cpp"
    assert spec.configurations[0].parameters == {"temperature": 0.2, "max_tokens": 64}
    assert spec.configurations[0].tasks == ("sums",)
    assert spec.allocation is None


def test_the_text_is_kept_as_it_is(load):
    text = "\ufeff" + SMALLEST.replace("\n", "\r\n") + "# the end"

    assert load(text).text == text


def test_faults_of_every_kind_are_told_at_once_sorted_by_place(faults_of):
    text = edited(
        ("temperature", "temprature"), ("question", "qestion"), ("{samples: 8}", "{samples: 0}"),
        ("type: number", "type: nubmer"), ("version: 1", "version: 1\nversion: 1"),
    )  # fmt: skip

    assert [fault.split(": ", 1)[0] for fault in faults_of(text)] == [
        "spec.yaml:2:1",
        "spec.yaml:7:22",
        "spec.yaml:10:54",
        "spec.yaml:10:92",
        "spec.yaml:12:19",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("llama_cpp/", "llama_cp/", "9:20: configurations[0].grid.model[0]: no backend is named 'llama_cp'; did you mean 'llama_cpp'?"),
        ("llama_cpp/smol", "smol", "9:20: configurations[0].grid.model[0]: 'smollm2-135m-instruct' is not BACKEND/MODEL"),
        ("type: number", "type: nubmer", "6:22: tasks[0].verifier.type: no verifier is of type 'nubmer'; did you mean 'number'?"),
        ("{type: number}", "number", "6:15: tasks[0].verifier: no verifier is named 'number'; for one in place write {type: number}"),
        ("type: number", "type: regex, pattern: '('", "6:15: tasks[0].verifier: '(' is not a regular expression"),
        ("verifier: {type: number}", "prompts: {}", "3:5: tasks[0]: task 'sums' has no verifier"),
        ("reference: answer", "reference: question", "6:15: tasks[0].verifier: problem '"),
        ('"{{ question }}"', "direct", "9:93: configurations[0].grid.prompt[0]: no prompt is named 'direct'"),
        ("{{ question }}", "{{ qestion }}", "9:93: configurations[0].grid.prompt[0]: prompt 'prompt1', problem '"),
        ("{{ question }}", "{{ question", "9:93: configurations[0].grid.prompt[0]: not a Jinja2 template: line 1"),
        ('"{{ question }}"', "{file: a.j2}", "9:100: configurations[0].grid.prompt[0].file: no such file: a.j2"),
        ("sums.jsonl", "sum.jsonl", "4:37: tasks[0].problems.path: no such file: sum.jsonl"),
        ("sums.jsonl", '"${NO}/s"', "4:37: tasks[0].problems.path: the environment variable NO is not set"),
        ("id: id", "id: idd", "4:53: tasks[0].problems.id: no problem has a field 'idd'; did you mean 'id'?"),
        ("id: id", "id: id, tags: [topc]", "4:64: tasks[0].problems.tags[0]: no problem has a field 'topc'; did you mean 'topic'?"),
        ("answer", "anwser", "5:16: tasks[0].reference: no problem has a field 'anwser'; did you mean 'answer'?"),
        ("0.5", "{share: 0.5, by: topc}", "7:32: tasks[0].held_out.by: no problem has a field 'topc'; did you mean 'topic'?"),
        ("0.5", "0.0001", "7:15: tasks[0].held_out: leaves no held-out problem of 20"),
        ("max_tokens: 64", "tasks: [sum]", "10:13: configurations[0].tasks[0]: no task with problems is named 'sum'; did you mean 'sums'?"),
        ("max_tokens: 64", "temperature: 1", "10:5: configurations[0].temperature: is in the grid too"),
        ("max_tokens: 64", "exclude: [{temperature: 0.3}]", "10:15: configurations[0].exclude[0]: matches nothing: the grid's temperature is one of 0.2, 0.8, 1.2"),
        ("max_tokens: 64", "exclude: [{top_p: 0.3}]", "10:15: configurations[0].exclude[0]: top_p is not in the grid"),
        ("max_tokens: 64", 'exclude: [{prompt: "{{ question }}"}]', "10:5: configurations[0].exclude: leaves nothing of the grid"),
        ("max_tokens: 64", 'name: "{temprature}"', "10:11: configurations[0].name: the entry has no 'temprature'; did you mean 'temperature'?"),
        ("max_tokens: 64", "name: one", "10:11: configurations[0].name: two combinations are named 'one'"),
        ("0.2, 0.8", "0.2, 0.2", "9:5: configurations[0]: two combinations are named 'smollm2-135m-instruct/0.2/prompt1'"),
        ("budget:", "check: {assert: [{metric: pass_rate}]}\nbudget:", "11:18: check.assert[0]: an assertion has one bound"),
        ("budget:", "check: {assert: [{metric: pass_rate, at_least: 1, task: sum}]}\nbudget:", "11:57: check.assert[0].task: no task is named 'sum'; did you mean 'sums'?"),
        ("budget:", "backends: {hosted: {type: openia}}\nbudget:", "11:27: backends.hosted.type: no backend of type 'openia'; did you mean 'openai'?"),
    ],
    ids=lambda text: text if len(text) < 40 else "",
)  # fmt: skip
def test_a_mistake_is_one_fault_where_it_was_made(faults_of, old, new, fault):
    (found,) = faults_of(edited((old, new)))

    assert found.startswith(f"spec.yaml:{fault}")


def test_a_field_that_one_later_problem_lacks_is_found(faults_of, folder):
    with (folder / "sums.jsonl").open("a") as file:
        file.write(json.dumps({"id": "odd", "qestion": "?", "answer": 1}) + "\n")

    (found,) = faults_of(SMALLEST)

    assert "prompt 'prompt1', problem 'odd' of task 'sums': no field or variable 'question'" in found


def test_a_field_with_a_default_may_be_absent(load):
    assert load(edited(("{{ question }}", "{{ tone | default('dry') }} {{ question }}"))).tasks


def test_faults_of_the_problem_file_are_told_in_that_file(faults_of, folder):
    (folder / "sums.jsonl").write_text('{"id": 1, "question": "", "answer": 1}\n{"id": 2\n')

    assert faults_of(SMALLEST) == ["sums.jsonl:2:9: not a line of JSON: Expecting ',' delimiter"]


def test_a_held_out_problem_that_was_trained_on_is_a_fault(faults_of, folder):
    rows = [{"id": i, "question": "What is 1 + 1?", "answer": 2} for i in range(4)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    (found,) = faults_of(SMALLEST)

    assert "tasks[0].held_out: training problem '" in found
    assert "are the same but for their ids" in found


def test_problems_may_stand_in_the_spec(load, faults_of):
    inline = "{source: inline, items: [{id: a, question: 1+1, answer: 2}, {id: b, question: 2+2, answer: 4}]}"
    text = edited(("{source: jsonl, path: sums.jsonl, id: id}", inline), ("    held_out: 0.5\n", ""))

    assert [problem.id for problem in load(text).tasks[0].train] == ["a", "b"]
    assert faults_of(edited(("id: b", "id: a"), text=text)) == [
        "spec.yaml:4:75: tasks[0].problems.items[1]: the id 'a' is there already, in line 4; ids must differ"
    ]


def test_problems_may_come_from_csv(load, folder):
    (folder / "sums.csv").write_text("id,question,answer\n1,What is 1+1?,2\n")
    spec = load(edited(("jsonl, path: sums.jsonl", "csv, path: sums.csv"), ("    held_out: 0.5\n", "")))

    assert spec.tasks[0].train[0].fields == {"id": "1", "question": "What is 1+1?", "answer": "2"}


def test_paths_take_variables_from_the_environment(load, folder):
    (folder / "data").mkdir()
    (folder / "sums.jsonl").rename(folder / "data" / "sums.jsonl")
    text = edited(("sums.jsonl", '"${DATA:-nowhere}/sums.jsonl"'))

    assert len(load(text, DATA="data").tasks[0].train) > 0
    assert len(load(text.replace("nowhere", "data")).tasks[0].train) > 0


def test_a_key_is_refused_and_never_repeated(faults_of):
    key = "sk-proj-" + "a1B2" * 10
    found = faults_of(edited(("max_tokens: 64", f"max_tokens: {key}")))

    assert any("looks like a secret key" in fault and fault.startswith("spec.yaml:10:17") for fault in found)
    assert key not in "\n".join(found)


def test_words_with_hyphens_are_no_keys(load):
    assert load(SMALLEST + "name: risk-assessment-of-long-hyphenated-names-2026-07-01\n").name


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ('{completion: "Q: {{ question }}\\nA:"}', "completion"),
        ("{completion: {file: p.j2}}", "completion"),
        ("{file: p.j2}", "chat"),
        ('[{role: system, content: Hi}, {role: user, content: {file: p.j2}}]', "chat"),
    ],
)  # fmt: skip
def test_prompts_may_be_files_messages_and_completions(load, folder, prompt, kind):
    (folder / "p.j2").write_text("Solve {{ question }}\r\n", newline="")
    spec = load(edited(('"{{ question }}"', prompt)))
    task = spec.tasks[0]

    rendered = render(task.prompts["prompt1"], task.train[0], spec.configurations[0])

    assert isinstance(rendered, Completion) == (kind == "completion")
    if "p.j2" in prompt:
        text = rendered.text if isinstance(rendered, Completion) else rendered.messages[-1].content
        assert text == f"Solve {task.train[0].fields['question']}\n", (
            "line ends are those of Unix on every system"
        )


def test_a_task_may_have_its_own_text_for_a_shared_prompt(load):
    text = edited(
        ('"{{ question }}"', "direct"),
        ("    held_out", '    prompts: {direct: "Add: {{ question }}"}\n    held_out'),
        ("tasks:", 'prompts: {direct: "{{ question }}"}\ntasks:'),
    )

    assert load(text).tasks[0].prompts["direct"] == ChatTemplate((("user", "Add: {{ question }}"),))


def test_a_prompt_that_one_task_lacks_is_a_fault(faults_of):
    other = "  - name: other\n    problems: {source: jsonl, path: sums.jsonl}\n    verifier: {type: number}\n"
    text = edited(
        ('"{{ question }}"', "own"),
        ("    held_out: 0.5\n", f'    prompts: {{own: "{{{{ question }}}}"}}\n    held_out: 0.5\n{other}'),
    )
    (found,) = faults_of(text)

    assert "tasks[1]: task 'other' has no prompt 'own', which configuration" in found


def test_two_tasks_of_one_name_are_a_fault(faults_of):
    task = SMALLEST[SMALLEST.index("  - name") : SMALLEST.index("configurations")]

    assert faults_of(edited((task, task * 2))) == [
        "spec.yaml:8:11: tasks[1].name: two tasks are named 'sums', the other in line 3; rename one"
    ]


def test_two_entries_of_one_name_are_a_fault_that_names_the_other(faults_of):
    one = "  - {name: a, model: llama_cpp/m, prompt: '{{ question }}'}\n"
    text = SMALLEST[: SMALLEST.index("  - grid")] + one + one.replace("llama_cpp/m", "llama_cpp/n")

    assert faults_of(text) == [
        "spec.yaml:10:12: configurations[1].name: 'a' is the name of a configuration in line 9 too; give one another"
    ]


def test_an_outcomes_file_stands_for_problems_and_configurations(load, folder, faults_of):
    (folder / "o.json").write_text("{}")
    spec = load("version: 1\ntasks: [{name: bcb, outcomes: o.json}]\n")

    assert spec.tasks[0].outcomes == folder / "o.json"
    assert (
        "remove one of the two"
        in faults_of("version: 1\ntasks: [{name: a, outcomes: o.json, reference: x}]")[0]
    )
    assert "no such file" in faults_of("version: 1\ntasks: [{name: a, outcomes: p.json}]")[0]


def test_a_task_without_configurations_is_a_fault(faults_of):
    (found,) = faults_of(SMALLEST[: SMALLEST.index("configurations")])

    assert "no configuration applies to task 'sums'" in found


class Narrow:
    """A backend that honours little."""

    parameters = frozenset({"temperature"})
    prompts = frozenset({"chat"})


def test_what_a_backend_does_not_honour_is_a_fault_never_dropped(faults_of, monkeypatch):
    monkeypatch.setattr(registry, "backend_class", lambda name: Narrow)
    completion = ('"{{ question }}"', '{completion: "{{ question }}"}')

    kind, parameter = faults_of(edited(completion))

    assert kind.endswith("backend 'llama_cpp' (llama_cpp) takes no completion prompts; write another kind")
    assert parameter == (
        "spec.yaml:10:5: configurations[0].max_tokens: 'smollm2-135m-instruct/0.2/prompt1': "
        "backend 'llama_cpp' (llama_cpp) does not take max_tokens (it takes temperature); remove it"
    )


def test_a_system_message_on_a_completion_is_a_fault(faults_of):
    (found,) = faults_of(
        edited(('"{{ question }}"', '{completion: "{{ question }}"}'), ("max_tokens: 64", "system: Hi"))
    )

    assert "a completion has no system message" in found


def test_the_hash_changes_with_the_spec_and_not_with_its_allocation(load):
    allocation = "allocation: {plans: [{task: sums, counts: {smollm2-135m-instruct/0.2/prompt1: 2}}]}\n"
    before = spec_hash(load())

    assert spec_hash(load(SMALLEST + allocation)) == before
    assert spec_hash(load("# a comment\n" + SMALLEST)) == before
    assert spec_hash(load(edited(("64", "65")))) != before
    assert len(before) == 8


def test_a_document_alone_tells_whether_it_is_a_plan(load, folder):
    load(SMALLEST)

    assert "allocation" not in load_document(folder / "spec.yaml").data


def test_a_missing_spec_says_how_to_write_one(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.yaml: no such file; `osca init` writes a spec"):
        load_spec(tmp_path / "absent.yaml", environment={})


TOKENS = sorted({token for token in SMALLEST.replace("{", " { ").replace("}", " } ").split() if token})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, len(SMALLEST) - 1),
    st.integers(0, 30),
    st.sampled_from([*TOKENS, "", "\n", "[]", "{}", "null", "- ", "0", "x"]),
)
def test_a_damaged_spec_is_loaded_or_refused_with_places(load, position, length, token):
    text = SMALLEST[:position] + token + SMALLEST[position + length :]
    try:
        message = str(load(text).tasks)
    except OscaError as error:
        message = str(error)

    assert message


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_value_in_any_place_is_loaded_or_refused(load, data):
    import yaml

    tree = yaml.safe_load(SMALLEST + RICH)
    node = tree
    while isinstance(node, dict | list) and node:
        key = data.draw(
            st.sampled_from(sorted(node, key=str) if isinstance(node, dict) else range(len(node)))
        )
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(
        st.sampled_from(
            [None, 0, -1, 1.5, True, "", "x", "{{ x }}", [], ["x"], [[]], {}, {"x": 1}, {"file": "x"}]
        )
    )
    try:
        message = str(load(json.dumps(tree)).tasks)
    except OscaError as error:
        message = str(error)

    assert message


RICH = """\
backends: {local: {type: llama_cpp, threads: 2}}
prompts: {direct: "{{ question }}", chat: [{role: user, content: "{{ question }} {{ language }}"}]}
verifiers: {n: {type: number, extract: [last_number, {after: x}]}}
pilot: {samples: 2}
run: {seed: 1}
check: {baselines: [uniform], assert: [{metric: pass_rate, at_least: 0.1, task: sums}], inconclusive: fail}
x-more:
  - grid: {model: [local/m], prompt: [chat], vars: {language: [en, de]}}
    exclude: [{vars: {language: de}}]
allocation:
  budget: {samples: 2}
  plans: [{task: sums, counts: {smollm2-135m-instruct/0.2/prompt1: 2}, schedule: [{smollm2-135m-instruct/0.2/prompt1: 2}]}]
"""


def test_the_rich_spec_loads(load):
    spec = load(SMALLEST + RICH)

    assert spec.allocation is not None
    assert spec.check.inconclusive == "fail"


VERIFIERS = """\
verifiers:
  right: {type: number}
  short: {type: all, of: [right, {type: regex, pattern: '^.{1,9}$'}], timeout_s: 3}
tasks:"""


def test_a_verifier_of_others_holds_what_they_are(load):
    verifier = (
        load(edited(("tasks:", VERIFIERS), ("verifier: {type: number}", "verifier: short"))).tasks[0].verifier
    )

    assert verifier.settings == {"of": [{"type": "number"}, {"type": "regex", "pattern": "^.{1,9}$"}]}
    assert verifier.time_limit_s == 3


@pytest.mark.parametrize(
    ("of", "fault"),
    [
        ("[rihgt]", "no verifier is named 'rihgt'; did you mean 'right'?"),
        ("[short]", "verifier 'short' is made of itself"),
        ("[{type: judge, model: a/b, prompt: c d}]", "a judge is no part of another verifier"),
        ("[{type: nubmer}]", "no verifier is of type 'nubmer'; did you mean 'number'?"),
        ("[{type: number, tolerance: -1}]", "tolerance: must be at least 0"),
    ],
)
def test_faults_of_members_are_told_at_their_place(faults_of, of, fault):
    section = VERIFIERS.replace("[right, {type: regex, pattern: '^.{1,9}$'}]", of)

    (told,) = faults_of(edited(("tasks:", section), ("verifier: {type: number}", "verifier: short")))
    assert fault in told


def test_a_schema_in_a_file_counts_by_its_content(load, tmp_path):
    (tmp_path / "answer.json").write_text('{"type": "object"}')
    text = edited(("{type: number}", "{type: json_schema, schema: {file: answer.json}}"))

    assert load(text).tasks[0].verifier.settings == {"schema": '{"type": "object"}'}


def test_a_screening_is_read(load):
    spec = load(SMALLEST + "pilot: {samples: 16, screen: 4}\n")

    assert (spec.pilot_samples, spec.pilot_screen) == (16, 4)
    assert load().pilot_screen is None


@pytest.mark.parametrize("pilot", ["{samples: 4, screen: 4}", "{samples: 4, screen: 5}", "{screen: 8}"])
def test_a_screening_that_leaves_nothing_to_draw_is_a_fault(faults_of, pilot):
    (fault,) = faults_of(SMALLEST + f"pilot: {pilot}\n")

    assert "pilot.screen: screening by" in fault
    assert "leaves nothing for those that go on" in fault
