"""What `osca init` writes is what the example specs hold, so that both are tested at once."""

import json
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
        ("quickstart/osca.yaml", "quickstart.yaml"),
        ("quickstart/arithmetic.jsonl", "arithmetic.jsonl"),
        ("quickstart/arithmetic.py", "arithmetic.py"),
    ],
)
def test_a_template_is_the_example(template, example):
    assert (TEMPLATES / template).read_bytes() == (SPECS / example).read_bytes()


def test_the_problems_are_those_that_their_script_writes():
    written = subprocess.run(
        [sys.executable, SPECS / "arithmetic.py"], capture_output=True, check=True, timeout=60
    )
    assert written.stdout == (SPECS / "arithmetic.jsonl").read_bytes()


def test_every_question_is_asked_once():
    rows = [json.loads(line) for line in (SPECS / "arithmetic.jsonl").read_text().splitlines()]
    assert len(rows) == 80
    assert len({row["id"] for row in rows}) == len({row["question"] for row in rows}) == 80


def test_the_quickstart_is_valid_wherever_it_is_written(osca, tmp_path):
    osca("init", "--template", "quickstart")
    result = osca("validate", "osca.yaml")
    assert "osca.yaml" in result.out + result.err
    assert osca("validate", str(SPECS / "quickstart.yaml")).code == 0
