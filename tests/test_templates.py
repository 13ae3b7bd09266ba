"""What `osca init` writes is what the example specs hold, so that both are tested at once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "specs"
TEMPLATES = ROOT / "osca_cli" / "templates"


@pytest.mark.parametrize(
    ("template", "example"),
    [
        ("arithmetic/osca.yaml", "quickstart.yaml"),
        ("arithmetic/arithmetic.jsonl", "arithmetic.jsonl"),
        ("arithmetic/arithmetic.py", "arithmetic.py"),
        ("agent/osca.yaml", "agent.yaml"),
        ("agent/arithmetic.jsonl", "arithmetic.jsonl"),
        ("agent/agent/solve.py", "agent/solve.py"),
    ],
)
def test_a_template_is_the_example(template, example):
    assert (TEMPLATES / template).read_bytes() == (SPECS / example).read_bytes()


@pytest.mark.parametrize("script", ["arithmetic/arithmetic.py", "maths/maths.py"])
def test_the_problems_are_those_that_their_script_writes(script):
    path = TEMPLATES / script
    written = subprocess.run([sys.executable, path], capture_output=True, check=True, timeout=60)
    assert written.stdout == path.with_suffix(".jsonl").read_bytes()


def test_every_question_is_asked_once():
    rows = [json.loads(line) for line in (SPECS / "arithmetic.jsonl").read_text().splitlines()]
    assert len(rows) == 80
    assert len({row["id"] for row in rows}) == len({row["question"] for row in rows}) == 80


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.iterdir()))
def test_a_template_is_valid_and_its_verifier_right(template, osca):
    if template == "code" and shutil.which("bwrap") is None:
        pytest.skip("needs bubblewrap")
    osca("init", "--template", template)

    assert osca("validate", "--json").json["valid"]
    assert osca("check-verifier", "--limit", "4").err


@pytest.mark.model
@pytest.mark.parametrize("template", ["code", "maths"])
def test_a_template_runs_as_written(template, osca):
    if template == "code" and shutil.which("bwrap") is None:
        pytest.skip("needs bubblewrap")
    osca("init", "--template", template)
    done = osca("run", "--limit", "1", "--samples", "1", "--json").json

    assert (done["drawn"], done["errors"], done["unverified"]) == (6, 0, 0)


def test_the_first_template_has_two_names(osca, tmp_path):
    osca("init", "--template", "quickstart")

    assert (tmp_path / "arithmetic.jsonl").is_file()
