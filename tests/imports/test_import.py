"""`osca import`: other tools' samples are counted once, as those tools judged them, and no more are drawn."""

import json
import sys

import pytest

from tests.conftest import Osca
from tests.imports.logs import (
    PASSES,
    text,
    write_bigcodebench,
    write_evalplus,
    write_inspect,
    write_lines,
    write_lm_eval,
    write_promptfoo,
    write_samples,
)
from tests.run.hosted import edit, rows


@pytest.fixture(autouse=True)
def all_train(spec_folder):
    """Every problem trains: p0 and p1 are where they are looked for."""
    edit(spec_folder / "spec.yaml", "    held_out: 0.5\n", "")
    return spec_folder


def take(osca: Osca, *arguments: str) -> dict:
    return osca("import", *arguments, "--spec", "spec.yaml", "--json").json


def counts(osca: Osca) -> dict[tuple[str, str], tuple[int, int]]:
    """Samples and passes by configuration and problem, as a plan sees them."""
    lines = osca("export", "spec.yaml", "--format", "csv").out.splitlines()
    cells = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    return {
        (one["configuration"], one["problem"]): (int(one["n"]), int(one["correct"]))
        for one in cells
        if one["n"] != "0"
    }


def test_samples_are_counted_with_their_verdicts(osca, spec_folder):
    write_samples(spec_folder / "theirs.jsonl")

    done = take(osca, "theirs.jsonl")

    assert (done["imported"], done["passed"], done["errors"]) == (8, 4, 0)
    assert done["configurations"] == {"small/0.5/prompt1": 4, "small/1.0/prompt1": 4}
    assert counts(osca) == {
        (f"small/{temperature}/prompt1", problem): (len(verdicts), sum(verdicts))
        for temperature, problems in PASSES.items()
        for problem, verdicts in problems.items()
    }
    assert set(rows(spec_folder, "SELECT verifier FROM verdicts")) == {("imported:jsonl",)}
    assert rows(spec_folder, "SELECT sum(n), sum(passed) FROM v_cells") == [(8, 4)]
    osca("plan", "spec.yaml")


def test_importing_twice_adds_nothing(osca, spec_folder):
    write_samples(spec_folder / "theirs.jsonl")
    take(osca, "theirs.jsonl")
    before = counts(osca), rows(spec_folder, "SELECT count(*) FROM runs")

    again = take(osca, "theirs.jsonl")

    assert (again["imported"], again["present"]) == (0, 8)
    assert (counts(osca), rows(spec_folder, "SELECT count(*) FROM runs")) == before
    with (spec_folder / "theirs.jsonl").open("a") as file:
        file.write(
            json.dumps({"configuration": "small/0.5/prompt1", "problem": "p0", "passed": False}) + "\n"
        )
    assert take(osca, "theirs.jsonl")["imported"] == 1


def test_a_run_draws_only_what_is_missing_then(osca, spec_folder):
    write_samples(spec_folder / "theirs.jsonl")
    take(osca, "theirs.jsonl")

    drawn = osca("run", "spec.yaml", "--only", "small/0.5/*", "--limit", "20", "--json").json

    assert drawn["drawn"] == 20 * 4 - 4
    assert drawn["there"] == 4
    assert counts(osca)["small/0.5/prompt1", "p0"][0] == 4


def test_what_a_pilot_has_drawn_is_added_to(osca, spec_folder):
    osca("run", "spec.yaml", "--only", "small/0.5/*")
    before = counts(osca)["small/0.5/prompt1", "p0"]
    write_samples(spec_folder / "theirs.jsonl")

    take(osca, "theirs.jsonl")

    after = counts(osca)["small/0.5/prompt1", "p0"]
    assert (after[0] - before[0], after[1] - before[1]) == (2, 2)


def test_the_tasks_own_verifier_judges_again_where_it_is_asked_to(osca, spec_folder):
    lines = [
        {"configuration": "small/0.5/prompt1", "problem": "p1", "text": text("p1", True), "passed": False},
        {"configuration": "small/0.5/prompt1", "problem": "p1", "passed": False},
    ]
    write_lines(spec_folder / "theirs.jsonl", lines)
    take(osca, "theirs.jsonl")
    assert counts(osca) == {("small/0.5/prompt1", "p1"): (2, 0)}

    again = take(osca, "theirs.jsonl", "--verify")

    assert (again["imported"], again["verified"]) == (0, 1)  # the other has no text
    assert counts(osca) == {("small/0.5/prompt1", "p1"): (2, 1)}
    assert take(osca, "theirs.jsonl", "--verify")["verified"] == 0


def test_errors_are_no_fails_and_are_noted_once(osca, spec_folder):
    line = {"configuration": "small/0.5/prompt1", "problem": "p0", "passed": None, "reason": "time-out"}
    write_lines(spec_folder / "theirs.jsonl", [line, line | {"passed": True, "text": "0"}])

    done = take(osca, "theirs.jsonl")
    again = take(osca, "theirs.jsonl")

    assert (done["imported"], done["errors"], again["errors"]) == (1, 1, 0)
    assert counts(osca) == {("small/0.5/prompt1", "p0"): (1, 1)}
    [(message,)] = rows(spec_folder, "SELECT message FROM errors")
    assert message.startswith("time-out [")


def test_problems_that_the_task_lacks_are_listed(osca, spec_folder):
    lines = [
        {"configuration": "small/0.5/prompt1", "problem": one, "passed": True} for one in ("p0", "q7", "q8")
    ]
    write_lines(spec_folder / "theirs.jsonl", lines)

    assert (
        "left out 2 samples of problems that sums lacks: q7, q8"
        in osca("import", "theirs.jsonl", "--spec", "spec.yaml").err
    )
    write_lines(spec_folder / "none.jsonl", lines[1:])
    nothing = osca("import", "none.jsonl", "--spec", "spec.yaml", code=2).err
    assert "has none of the problems of these samples, such as q7, q8 (it has p0, p1, p2…)" in nothing


def test_samples_that_fit_no_configuration_or_several_name_the_candidates(osca, spec_folder):
    write_lines(spec_folder / "theirs.jsonl", [{"problem": "p0", "passed": True, "model": "small"}])

    several = osca("import", "theirs.jsonl", "--spec", "spec.yaml", code=2).err
    assert "fits several configurations of task 'sums'" in several
    assert "--configuration NAME (small/0.5/prompt1, small/1.0/prompt1)" in several
    chosen = take(osca, "theirs.jsonl", "--configuration", "small/1.0/prompt1")
    assert chosen["configurations"] == {"small/1.0/prompt1": 1}

    write_lines(spec_folder / "other.jsonl", [{"problem": "p0", "passed": True, "model": "huge"}])
    assert (
        "model 'huge' (its parameters are not told) fits no configuration"
        in osca("import", "other.jsonl", "--spec", "spec.yaml", code=2).err
    )


def test_what_osca_exports_it_imports(osca, spec_folder):
    osca("run", "spec.yaml", "--limit", "5")
    osca("export", "spec.yaml", "-o", "samples.jsonl")
    before = counts(osca)

    done = osca("import", "samples.jsonl", "--spec", "spec.yaml", "--db", "other.db", "--json").json

    assert done["imported"] == 5 * 4 * 4
    assert osca("export", "spec.yaml", "--format", "csv", "--db", "other.db").out.count("\n") > 20
    (spec_folder / "osca.db").unlink()
    (spec_folder / "other.db").rename(spec_folder / "osca.db")
    assert counts(osca) == before


def test_lm_evaluation_harness(osca, spec_folder):
    path = write_lm_eval(spec_folder)

    refused = osca("import", str(path), "--spec", "spec.yaml", code=2).err
    assert "--scorer (exact_match,strict-match, exact_match,flexible-extract)" in refused
    done = take(
        osca, str(path), "--scorer", "exact_match,flexible-extract", "--configuration", "small/0.5/prompt1"
    )

    assert (done["imported"], done["passed"]) == (3, 2)
    assert counts(osca)["small/0.5/prompt1", "p2"] == (1, 1)
    assert set(rows(spec_folder, "SELECT verifier FROM verdicts")) == {
        ("imported:exact_match,flexible-extract",)
    }
    ambiguous = osca(
        "import", str(path), "--spec", "spec.yaml", "--scorer", "exact_match,strict-match", code=2
    ).err
    assert "model 'org/small'" in ambiguous


def test_evalplus_and_bigcodebench(osca, spec_folder):
    write_evalplus(spec_folder / "plus_eval_results.json")
    write_bigcodebench(spec_folder / "bcb_eval_results.json")

    plus = take(osca, "plus_eval_results.json", "--configuration", "small/0.5/prompt1")
    base = take(osca, "plus_eval_results.json", "--configuration", "small/1.0/prompt1", "--scorer", "base")
    bcb = take(osca, "bcb_eval_results.json", "--configuration", "large/0.5/prompt1")

    assert (plus["imported"], plus["passed"]) == (4, 3)
    assert (base["imported"], base["passed"]) == (4, 4)
    assert (bcb["imported"], bcb["passed"]) == (3, 1)
    reasons = rows(spec_folder, "SELECT reason FROM verdicts WHERE reason != '' ORDER BY reason")
    assert reasons == [("fail",), ("timeout",), ("timeout",)]


def test_promptfoo(osca, spec_folder):
    write_promptfoo(spec_folder / "theirs.json")

    done = take(osca, "theirs.json")

    assert (done["imported"], done["passed"], done["errors"]) == (8, 4, 1)
    assert done["configurations"] == {"small/0.5/prompt1": 4, "small/1.0/prompt1": 4}
    assert take(osca, "theirs.json")["imported"] == 0
    taken = rows(spec_folder, "SELECT sum(input_tokens), sum(output_tokens), avg(seconds) FROM samples")
    assert taken == [(8 * 5, 8 * 4, 0.5)]
    assert rows(spec_folder, "SELECT message FROM errors")[0][0].startswith("API error: 500 [")


@pytest.mark.parametrize("suffix", ["eval", "json"])
def test_inspect(osca, spec_folder, suffix):
    pytest.importorskip("inspect_ai")
    files = [f"{temperature}.{suffix}" for temperature in PASSES]
    for temperature, name in zip(PASSES, files, strict=True):
        write_inspect(spec_folder / name, temperature)

    done = take(osca, *files)

    assert (done["imported"], done["passed"], done["errors"]) == (8, 4, 2)
    assert done["configurations"] == {"small/0.5/prompt1": 4, "small/1.0/prompt1": 4}
    assert take(osca, *files)["imported"] == 0
    taken = rows(spec_folder, "SELECT sum(input_tokens), sum(output_tokens), avg(seconds) FROM samples")
    assert taken == [(8 * 5, 8 * 4, 0.25)]
    assert set(rows(spec_folder, "SELECT verifier, answer FROM verdicts")) == {("imported:match", "6")}
    assert rows(spec_folder, "SELECT message FROM errors")[0][0].startswith("server gone [")
    plan = osca("plan", files[0], "--budget", "2", "--json")
    assert plan.json["allocation"] == {"small/0.5/64": 2}
    assert (
        "no scorer 'other' (there are: match)"
        in osca("import", files[0], "--spec", "spec.yaml", "--scorer", "other", code=2).err
    )


def test_without_inspect_its_logs_say_what_to_install(osca, spec_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    (spec_folder / "a.eval").write_text("")

    assert "pip install 'osca[inspect]'" in osca("import", "a.eval", "--spec", "spec.yaml", code=2).err


WRITERS = {
    "theirs.jsonl": write_samples,
    "promptfoo.json": write_promptfoo,
    "plus.json": write_evalplus,
    "bcb.json": write_bigcodebench,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_log_alone_is_planned_from(osca, spec_folder, name):
    WRITERS[name](spec_folder / name)

    plan = osca("plan", name, "--budget", "2", "--json").json

    assert sum(plan["allocation"].values()) == 2
    osca("export", name, "-o", "counts.csv")
    assert osca("plan", "counts.csv", "--budget", "2", "--json").json["allocation"] == plan["allocation"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"problem": "p0"}\n{"problem": "p0", "passed": "yes"}', "line 2: must be as in"),
        ("a.jsonl", "\n{]", "line 2: is not JSON"),
        ("a.jsonl", "[1]", "line 1: is no JSON object"),
        ("a.json", '{"a": 1}', "is no log that osca knows; say its format with --format"),
        ("a.json", '{"eval": {"p0": [{"solution": "x"}]}}', "problem 'p0': has no status"),
        ("a.json", '{"results": {"results": [7]}}', "is no such log"),
    ],
)
def test_what_is_no_log_is_told_with_its_place(osca, spec_folder, name, content, said):
    (spec_folder / name).write_text(content.replace('{"problem": "p0"}', '{"problem": "p0", "passed": true}'))

    refused = osca("import", name, "--spec", "spec.yaml", "--configuration", "small/0.5/prompt1", code=2).err
    assert f"{name}: " in refused
    assert said in refused


def test_a_recording_takes_imported_verdicts_along(osca, spec_folder):
    write_samples(spec_folder / "theirs.jsonl")
    take(osca, "theirs.jsonl")
    before = counts(osca)
    osca("export", "spec.yaml", "-o", "recording.db")

    seen = osca("export", "spec.yaml", "--format", "csv", "--db", "recording.db").out

    (spec_folder / "osca.db").unlink()
    (spec_folder / "recording.db").rename(spec_folder / "osca.db")
    assert seen.count("\n") == 1 + 20 * 4
    assert counts(osca) == before


def test_two_configurations_of_a_tool_are_never_taken_for_one(osca, spec_folder):
    write_promptfoo(spec_folder / "theirs.json")
    one = ["--configuration", "large/0.5/prompt1"]

    mixed = osca("import", "theirs.json", "--spec", "spec.yaml", *one, code=2).err
    assert "both 'small at 0.5' and 'small at 1.0' would become those of configuration 'large/0.5/" in mixed

    assert take(osca, "theirs.json", *one, "--only", "* 1.0")["imported"] == 4


def test_two_prompts_of_promptfoo_are_two_configurations(osca, spec_folder):
    path = write_promptfoo(spec_folder / "theirs.json")
    document = json.loads(path.read_text())
    for number, result in enumerate(document["results"]["results"]):
        result["prompt"]["label"] = "ab"[number % 2]
    path.write_text(json.dumps(document))

    plan = osca("plan", "theirs.json", "--budget", "2", "--json").json

    assert all(name.rsplit("/", 1)[-1] in {"a", "b"} for name in plan["allocation"])
