"""Auditing verifiers with answers that are known."""

import json
import re

import pytest

from osca_cli.estimate.intervals import share_interval


@pytest.fixture
def check_verifier(osca, spec_folder):
    """Run the command on the smallest spec, with another verifier where one is named."""
    path = spec_folder / "spec.yaml"
    text = path.read_text()

    def run(*args: str, verifier: str = "{type: number}", code: int = 0):
        path.write_text(text.replace("{type: number}", verifier))
        return osca("check-verifier", "spec.yaml", *args, code=code)

    return run


def test_references_pass_and_planted_answers_fail(check_verifier):
    result = check_verifier("--json")
    ((name, task),) = json.loads(result.out)["tasks"].items()

    assert name == "sums"
    assert [(kind["kind"], kind["texts"], kind["passed"]) for kind in task["kinds"]] == [
        ("the reference", 20, 20),
        ("the answer to another problem", 20, 0),
        ("nothing", 20, 0),
        ("a refusal", 20, 0),
    ]
    assert task["false_accepts"]["interval"][1] == pytest.approx(3.69 / 60, rel=0.05)
    assert task["wrong"] == []


def test_a_verifier_that_passes_everything_is_found_out(check_verifier):
    result = check_verifier(verifier="{type: regex, pattern: '.*'}", code=3)

    assert "false accepts: 60 of 60, 100.0%" in result.out
    assert "false rejects: 0 of 20" in result.out
    assert "the answer to another problem passed" in result.err


def test_a_reference_is_written_as_a_model_would(check_verifier):
    strict = "{type: number, extract: {after: 'Answer:'}}"

    assert "false rejects: 20 of 20" in check_verifier(verifier=strict, code=3).out
    written = check_verifier("--write", "So. Answer: {{ reference }}.", verifier=strict)
    assert "false rejects: 0 of 20" in written.out


def test_an_error_of_the_verifier_is_neither_accept_nor_reject(check_verifier):
    breaks = "{type: command, command: [sh, -c, exit 7]}"
    result = check_verifier("--limit", "2", "--json", verifier=breaks, code=3)
    (task,) = json.loads(result.out)["tasks"].values()

    assert task["false_rejects"] == {"rate": None, "interval": [0, 1], "wrong": 0, "texts": 0}
    assert task["wrong"][0]["reason"] == "the program ended with status 7"


def test_rates_of_real_answers_come_from_labels(check_verifier, spec_folder):
    rows = [("p0", "it is 0", True), ("p1", "3, no, 2", True), ("p2", "6", False), ("p3", "5", False)]
    lines = [json.dumps({"problem": p, "text": t, "passed": right}) for p, t, right in rows]
    (spec_folder / "labels.jsonl").write_text("\n".join(lines))
    (task,) = json.loads(check_verifier("--labels", "labels.jsonl", "--json", code=3).out)["tasks"].values()

    assert (task["false_accepts"]["wrong"], task["false_accepts"]["texts"]) == (1, 2)
    assert (task["false_rejects"]["wrong"], task["false_rejects"]["texts"]) == (1, 2)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"problem": "p0", "text": "a"}', '{"problem": "99", "text": "a", "passed": true}']
)
def test_a_line_that_is_no_label_is_told_with_its_place(check_verifier, spec_folder, line):
    (spec_folder / "labels.jsonl").write_text(f"\n{line}\n")

    told = check_verifier("--labels", "labels.jsonl", code=2).err
    assert re.search(r"labels\.jsonl:2:[12]: \w", told)  # the line and the column


@pytest.mark.parametrize("content", [b"\xff\xfe{", b"[" * 100_000], ids=["no UTF-8", "too deep"])
def test_a_file_that_holds_no_labels_at_all_is_told_without_a_traceback(check_verifier, spec_folder, content):
    (spec_folder / "labels.jsonl").write_bytes(content)

    assert "labels.jsonl" in check_verifier("--labels", "labels.jsonl", code=2).err


@pytest.mark.parametrize("template", ["{{", "{{ nothing }}"])
def test_a_template_that_cannot_be_filled_is_a_usage_error(check_verifier, template):
    assert "--write: " in check_verifier("--write", template, code=2).err


def test_an_exact_interval_holds_known_values():
    assert share_interval(0, 20)[1] == (0.0, pytest.approx(0.1684, abs=1e-4))
    assert share_interval(5, 10)[1] == pytest.approx((0.1871, 0.8129), abs=1e-4)
    assert share_interval(10, 10)[1][1] == 1.0
