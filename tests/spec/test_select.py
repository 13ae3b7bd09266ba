"""What production may accept by: a verifier that finds what it reads, and not the reference."""

import pytest

from tests.spec.conftest import SMALLEST

VERIFIERS = """\
verifiers:
  shown: {type: regex, pattern: "Answer"}
  secret: {type: command, command: [grep, "{{ answer }}"]}
  topic: {type: command, command: [grep, "{{ topic }}"]}
  grader: {type: judge, model: llama_cpp/smollm2-135m-instruct, prompt: "{{ question }}: {{ response }}?"}
  knowing: {type: judge, model: llama_cpp/smollm2-135m-instruct, prompt: "Is {{ response }} {{ reference }}?"}
"""


def spec(select):
    text = SMALLEST.replace("    held_out", f"    select: {select}\n    held_out")
    return text.replace("tasks:", VERIFIERS + "tasks:")


@pytest.mark.parametrize("by", ["shown", "topic", "{type: regex, pattern: x}"])
def test_what_reads_the_text_or_other_fields_may_accept(load, by):
    task = load(spec(f"{{type: first_accepted, by: {by}}}")).tasks[0]

    assert task.select is not None
    assert task.in_production().verifier == task.select.verifier
    assert task.in_production().select is None


def test_a_judge_that_accepts_is_a_configuration_of_its_own(load):
    task = load(spec("{type: first_accepted, by: grader}")).tasks[0]

    assert task.judge is None
    assert task.select.judge.name == "acceptor of sums"
    assert task.in_production().judge == task.select.judge


def test_first_pass_is_what_there_is_without_it(load):
    assert load(spec("{type: first_pass}")).tasks[0].select is None


@pytest.mark.parametrize("by", ["{type: number}", "secret", "knowing", "{type: regex}"])
def test_what_reads_the_reference_may_not(faults_of, by):
    (fault,) = faults_of(spec(f"{{type: first_accepted, by: {by}}}"))

    assert fault.startswith("spec.yaml:13:")
    assert "tasks[0].select.by" in fault
    assert "reads the reference ('answer'), which production does not have" in fault


@pytest.mark.parametrize(
    ("select", "fault"),
    [
        ("{type: first_accepted}", "the key 'by' is missing"),
        ("{type: first_accepted, by: show}", "no verifier is named 'show'; did you mean 'shown'?"),
        ("{type: first_pass, by: shown}", "unknown key"),
        ("{type: last}", "must be one of first_pass, first_accepted, not"),
        ("{type: first_accepted, by: {type: nonsense}}", "no verifier is of type 'nonsense'"),
    ],
)
def test_what_cannot_be_meant_is_a_fault(faults_of, select, fault):
    assert fault in faults_of(spec(select))[0]


def test_counts_have_no_answers_to_accept(faults_of, folder):
    (folder / "counts.csv").write_text("problem,configuration,n,correct\na,x,2,1\n")
    text = "version: 1\ntasks:\n  - {name: a, outcomes: counts.csv, select: {type: first_pass}}\n"

    assert "an outcomes file has no answers to choose from" in faults_of(text)[0]
